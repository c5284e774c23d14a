#include "imago/tokenizers/chat/chat_tokens.h"

#include <algorithm>

#include "imago/base/unicode.h"

namespace imago::chat {
namespace {

bool is_white_space_only(std::string_view text) {
  while (!text.empty()) {
    const DecodedCharacter character = decode_utf8(text);
    if (!is_white_space(character.code_point)) return false;
    text.remove_prefix(static_cast<size_t>(character.size));
  }
  return true;
}

// Counts the characters before bytes of a text, which are mostly asked for in order.
class CharacterCounter {
 public:
  explicit CharacterCounter(std::string_view text) : text_(text) {}

  size_t characters_before(size_t byte) {
    if (byte < at_) at_ = characters_ = 0;
    for (; at_ < byte; ++at_) characters_ += (static_cast<unsigned char>(text_[at_]) & 0xC0) != 0x80;
    return characters_;
  }

 private:
  std::string_view text_;
  size_t at_ = 0, characters_ = 0;
};

}  // namespace

LiteralText user_text(const RenderedChat& prompt, const ChatTemplate& chat_template, const Tokenizer& tokenizer) {
  LiteralText result{.ranges = prompt.user};
  const std::vector<std::string>& literals = chat_template.literals();
  for (const AddedToken& token : tokenizer.added_tokens()) {
    const auto writes = [&](const std::string& text) { return text.find(token.content) != std::string::npos; };
    if (token.special || is_white_space_only(token.content)) continue;
    if (std::any_of(literals.begin(), literals.end(), writes)) result.control_tokens.push_back(token.id);
  }
  return result;
}

std::vector<uint8_t> assistant_tokens_mask(const RenderedChat& prompt, const Encoding& encoding) {
  std::vector<uint8_t> mask(encoding.size(), 0);
  CharacterCounter counter(prompt.text);
  for (const ByteRange& range : prompt.generation) {
    if (range.end == 0) continue;
    const size_t begin = counter.characters_before(range.begin);
    const size_t end = counter.characters_before(range.end);
    const auto first = encoding.char_to_token(begin);
    if (!first) break;  // truncated
    // The reference takes a last token that is not there, and the very first one, for the end of the prompt.
    const size_t last = encoding.char_to_token(end - 1).value_or(0);
    for (size_t i = *first; i < (last == 0 ? mask.size() : last + 1); ++i) mask[i] = 1;
  }
  return mask;
}

}  // namespace imago::chat
