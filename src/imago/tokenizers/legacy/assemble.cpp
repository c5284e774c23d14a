#include "imago/tokenizers/legacy/assemble.h"

#include "imago/base/json.h"
#include "imago/base/unicode.h"
#include "imago/tokenizers/decoders/decoders.h"
#include "imago/tokenizers/normalizers/normalizers.h"
#include "imago/tokenizers/pre_tokenizers/pre_tokenizers.h"
#include "imago/tokenizers/processors/processors.h"
#include "imago/tokenizers/vocabulary.h"

namespace imago::tokenizers {

std::shared_ptr<TokenizerParts> make_parts(std::unique_ptr<Model> model, const Json& normalizer,
                                           const Json& pre_tokenizer, const Json& decoder,
                                           const std::vector<AddedToken>& tokens) {
  auto parts = std::make_shared<TokenizerParts>();
  parts->model = std::move(model);
  if (!normalizer.is_null()) parts->normalizer = make_normalizer(normalizer);
  if (!pre_tokenizer.is_null()) parts->pre_tokenizer = make_pre_tokenizer(pre_tokenizer);
  if (!decoder.is_null()) parts->decoder = make_decoder(decoder);
  parts->added_vocabulary.add(tokens, *parts->model, parts->normalizer.get());
  return parts;
}

std::optional<int32_t> id_of_token(const TokenizerParts& parts, std::string_view token) {
  if (const auto id = parts.added_vocabulary.token_to_id(token)) return id;
  const int32_t id = parts.model->vocabulary().find(token);
  return id == Vocabulary::kNone ? std::nullopt : std::optional(id);
}

Tokenizer finish_tokenizer(std::shared_ptr<TokenizerParts> parts, const Json& post_processor) {
  if (!post_processor.is_null()) parts->post_processor = make_processor(post_processor);
  parts->finish();
  return Tokenizer(std::move(parts));
}

std::string spell_bytes(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes) append_utf8(text, byte_to_character(static_cast<unsigned char>(byte)));
  return text;
}

std::string encode_base64(std::string_view bytes) {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t group = 0;
    for (size_t j = 0; j < 3; ++j) {
      group = group << 8 | (i + j < bytes.size() ? static_cast<unsigned char>(bytes[i + j]) : 0u);
    }
    for (size_t j = 0; j < 4; ++j) {
      text += i + j > bytes.size() ? '=' : kAlphabet[group >> (18 - 6 * j) & 63];
    }
  }
  return text;
}

}  // namespace imago::tokenizers
