#include "imago/tokenizers/processors/processors.h"

#include <algorithm>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/base/unicode.h"
#include "imago/tokenizers/json_writer.h"

namespace imago::tokenizers {

std::unique_ptr<PostProcessor> make_processor(const Json& json) {
  struct Entry {
    std::string_view type;
    MakeProcessor* make;
  };
  static constexpr Entry kTypes[] = {
      {"BertProcessing", make_bert_processing},         {"ByteLevel", make_byte_level_processor},
      {"RobertaProcessing", make_roberta_processing},   {"Sequence", make_processor_sequence},
      {"TemplateProcessing", make_template_processing},
  };
  StageJson reader(json, "post_processor");
  for (const Entry& entry : kTypes) {
    if (entry.type != reader.type()) continue;
    std::unique_ptr<PostProcessor> processor = entry.make(reader);
    reader.done();
    return processor;
  }
  throw Error(ErrorKind::kUnsupported, "post_processor", "the type '" + reader.type() + "' is unknown");
}

SpecialTokenId read_special_token(StageJson& json, std::string_view name) {
  const std::vector<const Json*> pair = json.elements(name);
  if (pair.size() != 2 || !pair[0]->is_string()) json.fail("'" + std::string(name) + "' is no pair of token and id");
  return {pair[0]->get<std::string>(), to_token_id(*pair[1], json.where())};
}

void write_special_token(JsonWriter& writer, std::string_view name, const SpecialTokenId& token) {
  writer.key(name);
  writer.begin_array();
  writer.element();
  writer.string(token.token);
  writer.element();
  writer.integer(token.id);
  writer.end_array();
}

void trim_offsets(Encoding& encoding, bool add_prefix_space) {
  const auto is_space = [](char32_t c) { return c == 0x120 || is_white_space(c); };  // U+0120 spells the byte 0x20
  for (size_t i = 0; i < encoding.size(); ++i) {
    uint32_t leading = 0, trailing = 0, spaces = 0;
    bool only_spaces = true;
    for (std::string_view rest = encoding.tokens[i]; !rest.empty();) {
      const DecodedCharacter character = decode_utf8(rest);
      rest.remove_prefix(static_cast<size_t>(character.size));
      spaces = is_space(character.code_point) ? spaces + 1 : 0;
      only_spaces = only_spaces && spaces > 0;
      if (only_spaces) leading = spaces;
      trailing = spaces;
    }
    Offsets& where = encoding.offsets[i];
    if (leading > 0) {
      // A space that add_prefix_space put there is not in the text.
      const bool is_first = i == 0 || where.begin == 0;
      if (!(is_first && add_prefix_space && leading == 1)) where.begin = std::min(where.begin + leading, where.end);
    }
    if (trailing > 0 && where.end >= trailing) where.end = std::max(where.end - trailing, where.begin);
  }
}

void surround(Encoding& encoding, const SpecialTokenId* before, const SpecialTokenId& behind, int32_t type_id,
              size_t sequence) {
  std::vector<Encoding> windows = std::move(encoding.overflowing);
  Encoding result;
  if (before) result.append_special(before->id, before->token, type_id);
  const size_t begin = result.size();
  encoding.overflowing.clear();
  encoding.sequence_ranges = {};
  result.merge_with(std::move(encoding));
  // The reference makes these masks anew, whatever they were.
  std::fill(result.special_tokens_mask.begin() + static_cast<ptrdiff_t>(begin), result.special_tokens_mask.end(), 0);
  std::fill(result.attention_mask.begin(), result.attention_mask.end(), 1);
  result.set_sequence(sequence, {begin, result.size()});
  result.append_special(behind.id, behind.token, type_id);
  for (Encoding& window : windows) {
    window.overflowing.clear();
    surround(window, before, behind, type_id, sequence);
    result.overflowing.push_back(std::move(window));
  }
  encoding = std::move(result);
}

}  // namespace imago::tokenizers
