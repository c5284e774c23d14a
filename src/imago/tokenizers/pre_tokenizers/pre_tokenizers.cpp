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

void CharacterSet::find(std::string_view text, std::vector<PatternRange>& ranges) const {
  const auto size = static_cast<uint32_t>(text.size());
  uint32_t previous = 0;
  const auto add = [&](uint32_t begin, uint32_t end) {
    if (previous < begin) ranges.push_back({previous, begin, false});
    ranges.push_back({begin, end, true});
    previous = end;
  };
  for (uint32_t at = 0; at < size;) {
    const auto byte = static_cast<unsigned char>(text[at]);
    if (byte < 0x80) {
      if (ascii_[byte]) add(at, at + 1);
      ++at;
      continue;
    }
    const DecodedCharacter character = decode_utf8(text.substr(at));
    const uint32_t next = at + static_cast<uint32_t>(character.size);
    if (contains_(character.code_point)) add(at, next);
    at = next;
  }
  if (previous < size) ranges.push_back({previous, size, false});
}

CharacterScanner::CharacterScanner(Contains dropped, Contains isolated) : dropped_(dropped), isolated_(isolated) {
  for (char32_t c = 0; c < ascii_.size(); ++c) ascii_[c] = kind_of(c);
}

CharacterScanner::Kind CharacterScanner::kind_of(char32_t character) const {
  if (dropped_ != nullptr && dropped_(character)) return Kind::kDropped;
  return isolated_ != nullptr && isolated_(character) ? Kind::kIsolated : Kind::kWord;
}

uint32_t CharacterScanner::scan(std::string_view text, uint32_t at, PreTokenizedString::Block& block) const {
  const auto size = static_cast<uint32_t>(text.size());
  uint32_t word = at;  // where what no character of the sets has ended began
  while (at < size && block.has_room()) {
    const auto byte = static_cast<unsigned char>(text[at]);
    Kind kind;
    uint32_t next = at + 1;
    if (byte < 0x80) {
      kind = ascii_[byte];
    } else {
      const DecodedCharacter character = decode_utf8(text.substr(at));
      next = at + static_cast<uint32_t>(character.size);
      kind = kind_of(character.code_point);
    }
    if (kind != Kind::kWord) {
      block.push(word, at);
      if (kind == Kind::kIsolated) block.push(at, next);
      word = next;
    }
    at = next;
  }
  block.push(word, at);
  return at;
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
