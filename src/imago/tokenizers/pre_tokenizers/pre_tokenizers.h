// The pre-tokenizers of tokenizer.json, one per file.
#pragma once

#include <memory>
#include <string_view>

#include "imago/tokenizers/pre_tokenized_string.h"
#include "imago/tokenizers/stage_json.h"
#include "imago/tokenizers/stages.h"

namespace imago::tokenizers {

// Builds the pre-tokenizer that the object describes. Throws Error kInvalidFile, or kUnsupported for an unknown type.
std::unique_ptr<PreTokenizer> make_pre_tokenizer(const Json& json);

using MakePreTokenizer = std::unique_ptr<PreTokenizer>(StageJson& json);
MakePreTokenizer make_bert_pre_tokenizer;
MakePreTokenizer make_byte_level_pre_tokenizer;
MakePreTokenizer make_char_delimiter_split;
MakePreTokenizer make_digits;
MakePreTokenizer make_fixed_length;
MakePreTokenizer make_metaspace_pre_tokenizer;
MakePreTokenizer make_punctuation;
MakePreTokenizer make_pre_tokenizer_sequence;
MakePreTokenizer make_split;
MakePreTokenizer make_unicode_scripts;
MakePreTokenizer make_whitespace;
MakePreTokenizer make_whitespace_split;

SplitBehavior read_split_behavior(StageJson& json, std::string_view name);
std::string_view to_string(SplitBehavior behavior);

// Ranges of characters that `matches` accepts, each by itself, and what lies between.
template <class Matches>
void find_characters(std::string_view text, std::vector<PatternRange>& ranges, Matches matches) {
  uint32_t previous = 0;
  for (uint32_t at = 0; at < text.size();) {
    const DecodedCharacter character = decode_utf8(text.substr(at));
    const uint32_t next = at + static_cast<uint32_t>(character.size);
    if (matches(character.code_point)) {
      if (previous < at) ranges.push_back({previous, at, false});
      ranges.push_back({at, next, true});
      previous = next;
    }
    at = next;
  }
  if (previous < text.size()) ranges.push_back({previous, static_cast<uint32_t>(text.size()), false});
}

}  // namespace imago::tokenizers
