#include "imago/tokenizers/pre_tokenizers/pre_tokenizers.h"

#include "imago/base/error.h"

namespace imago::tokenizers {

std::unique_ptr<PreTokenizer> make_pre_tokenizer(const Json& json) {
  struct Entry {
    std::string_view type;
    MakePreTokenizer* make;
  };
  static constexpr Entry kTypes[] = {
      {"BertPreTokenizer", make_bert_pre_tokenizer},
      {"ByteLevel", make_byte_level_pre_tokenizer},
      {"CharDelimiterSplit", make_char_delimiter_split},
      {"Delimiter", make_char_delimiter_split},
      {"Digits", make_digits},
      {"FixedLength", make_fixed_length},
      {"Metaspace", make_metaspace_pre_tokenizer},
      {"Punctuation", make_punctuation},
      {"Sequence", make_pre_tokenizer_sequence},
      {"Split", make_split},
      {"UnicodeScripts", make_unicode_scripts},
      {"Whitespace", make_whitespace},
      {"WhitespaceSplit", make_whitespace_split},
  };
  StageJson reader(json, "pre_tokenizer");
  for (const Entry& entry : kTypes) {
    if (entry.type != reader.type()) continue;
    std::unique_ptr<PreTokenizer> pre_tokenizer = entry.make(reader);
    reader.done();
    return pre_tokenizer;
  }
  throw Error(ErrorKind::kUnsupported, "pre_tokenizer", "the type '" + reader.type() + "' is unknown");
}

SplitBehavior read_split_behavior(StageJson& json, std::string_view name) {
  const std::string& text = json.string(name);
  for (SplitBehavior behavior : {SplitBehavior::kRemoved, SplitBehavior::kIsolated, SplitBehavior::kMergedWithPrevious,
                                 SplitBehavior::kMergedWithNext, SplitBehavior::kContiguous}) {
    if (to_string(behavior) == text) return behavior;
  }
  json.fail("the behavior '" + text + "' is unknown");
}

std::string_view to_string(SplitBehavior behavior) {
  switch (behavior) {
    case SplitBehavior::kRemoved: return "Removed";
    case SplitBehavior::kIsolated: return "Isolated";
    case SplitBehavior::kMergedWithPrevious: return "MergedWithPrevious";
    case SplitBehavior::kMergedWithNext: return "MergedWithNext";
    case SplitBehavior::kContiguous: return "Contiguous";
  }
  return "";
}

}  // namespace imago::tokenizers
