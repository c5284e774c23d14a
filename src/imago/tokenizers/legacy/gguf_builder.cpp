#include <fmt/core.h>

#include <algorithm>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/base/unicode.h"
#include "imago/tokenizers/legacy/assemble.h"
#include "imago/tokenizers/legacy/class_stages.h"
#include "imago/tokenizers/legacy/generated_merges.h"
#include "imago/tokenizers/legacy/gguf_split.h"
#include "imago/tokenizers/legacy/vocabulary_builders.h"
#include "imago/tokenizers/models/bpe.h"
#include "imago/tokenizers/models/word_piece.h"
#include "imago/tokenizers/normalized_string.h"

namespace imago::tokenizers {
namespace {

using TokenType = GgufVocabulary::TokenType;
constexpr std::string_view kWordBegin = "\u2581";

std::optional<std::string> token_at(const GgufVocabulary& gguf, std::optional<int32_t> id) {
  if (!id) return std::nullopt;
  return std::string(gguf.tokens[static_cast<size_t>(*id)]);
}

SpecialTokens special_tokens_of(const GgufVocabulary& gguf) {
  SpecialTokens tokens;
  tokens.bos_token = token_at(gguf, gguf.bos_token_id);
  tokens.eos_token = token_at(gguf, gguf.eos_token_id);
  tokens.unk_token = token_at(gguf, gguf.unknown_token_id);
  tokens.sep_token = token_at(gguf, gguf.separator_token_id);
  tokens.pad_token = token_at(gguf, gguf.padding_token_id);
  tokens.cls_token = token_at(gguf, gguf.cls_token_id);
  tokens.mask_token = token_at(gguf, gguf.mask_token_id);
  return tokens;
}

// Control tokens and user-defined ones, and what has a part to play.
std::vector<AddedToken> added_tokens_of(const GgufVocabulary& gguf, const Vocabulary& vocabulary) {
  std::vector<AddedToken> tokens;
  const std::optional<int32_t> roles[] = {gguf.bos_token_id,       gguf.eos_token_id,     gguf.unknown_token_id,
                                          gguf.separator_token_id, gguf.padding_token_id, gguf.cls_token_id,
                                          gguf.mask_token_id};
  for (size_t i = 0; i < gguf.tokens.size(); ++i) {
    const auto id = static_cast<int32_t>(i);
    const TokenType type = gguf.token_types.empty() ? TokenType::kNormal : gguf.token_types[i];
    const bool role = std::any_of(std::begin(roles), std::end(roles), [&](const auto& other) { return other == id; });
    const bool special = role || type == TokenType::kControl;
    if ((!special && type != TokenType::kUserDefined) || vocabulary.find(gguf.tokens[i]) != id) continue;
    tokens.push_back({.id = id, .content = std::string(gguf.tokens[i]), .normalized = false, .special = special});
  }
  return tokens;
}

Vocabulary vocabulary_of(const GgufVocabulary& gguf) {
  Vocabulary vocabulary;
  for (size_t i = 0; i < gguf.tokens.size(); ++i) vocabulary.add(gguf.tokens[i], static_cast<int32_t>(i));
  return vocabulary;
}

std::vector<MergeRule> merges_in_file(const GgufVocabulary& gguf, const Vocabulary& vocabulary) {
  std::vector<std::pair<std::string_view, std::string_view>> merges;
  for (const std::string_view line : gguf.merges) {
    const size_t space = line.find(' ', 1);  // a token may be a space
    if (space == std::string_view::npos) {
      throw Error(ErrorKind::kInvalidFile, "tokenizer.ggml.merges", fmt::format("'{}' is not two tokens", line));
    }
    merges.emplace_back(line.substr(0, space), line.substr(space + 1));
  }
  return Bpe::resolve_merges(vocabulary, merges, 0);
}

LegacyTokenizer finish(std::unique_ptr<Model> model, const Json& normalizer, const Json& pre_tokenizer,
                       const Json& decoder, const GgufVocabulary& gguf, bool add_bos,
                       Json (*processor)(const ProcessorInput&)) {
  auto added = added_tokens_of(gguf, model->vocabulary());
  auto parts = make_parts(std::move(model), normalizer, pre_tokenizer, decoder, added);
  const SpecialTokens tokens = special_tokens_of(gguf);
  const Json config = {{"add_bos_token", gguf.add_bos_token.value_or(add_bos)},
                       {"add_eos_token", gguf.add_eos_token.value_or(false)}};
  const ClassOptions options(config);
  const auto id_of = [&](std::string_view token) { return id_of_token(*parts, token); };
  const Json post_processor = processor({options, tokens, id_of});
  return {finish_tokenizer(std::move(parts), post_processor), tokens};
}

LegacyTokenizer build_llama(const GgufVocabulary& gguf) {
  Vocabulary vocabulary = vocabulary_of(gguf);
  if (gguf.merges.empty() && gguf.scores.empty()) {
    throw Error(ErrorKind::kInvalidFile, "tokenizer.ggml", "neither merges nor scores");
  }
  const auto merges = gguf.merges.empty() ? merges_by_score(vocabulary, gguf.scores, "tokenizer.ggml.tokens")
                                          : merges_in_file(gguf, vocabulary);
  const bool prefix = gguf.add_space_prefix.value_or(true);
  Json list = Json::array();
  if (prefix) list.push_back({{"type", "Prepend"}, {"prepend", kWordBegin}});
  list.push_back({{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", kWordBegin}});
  const Json config = {{"add_prefix_space", prefix}};
  const Json normalizer = {{"type", "Sequence"}, {"normalizers", list}};
  BpeOptions options;
  options.unk_token = token_at(gguf, gguf.unknown_token_id);
  options.fuse_unk = true;
  options.byte_fallback = true;
  auto model = std::make_unique<Bpe>(std::move(options), std::move(vocabulary), merges);
  // Older files have no flag: a vocabulary of this kind begins texts with its first token.
  return finish(std::move(model), normalizer, nullptr, llama_decoder(ClassOptions(config)), gguf, true,
                bos_eos_processor);
}

LegacyTokenizer build_gpt2(const GgufVocabulary& gguf) {
  Vocabulary vocabulary = vocabulary_of(gguf);
  const auto merges = merges_in_file(gguf, vocabulary);
  const Json config = Json::object();
  BpeOptions options;
  options.ignore_merges = gguf_ignores_merges(gguf.pre);
  options.continuing_subword_prefix = "";
  options.end_of_word_suffix = "";
  auto model = std::make_unique<Bpe>(std::move(options), std::move(vocabulary), merges);
  return finish(std::move(model), gguf_normalizer(gguf.pre), gguf_pre_tokenizer(gguf.pre),
                byte_level_decoder(ClassOptions(config)), gguf, false, bos_eos_processor);
}

// The format marks the pieces that begin a word, WordPiece those that do not.
Vocabulary word_piece_vocabulary(const GgufVocabulary& gguf) {
  Vocabulary vocabulary;
  for (size_t i = 0; i < gguf.tokens.size(); ++i) {
    const std::string_view token = gguf.tokens[i];
    const bool whole = !gguf.token_types.empty() && gguf.token_types[i] != TokenType::kNormal;
    std::string text(token);
    if (token.starts_with(kWordBegin)) {
      text = token.substr(kWordBegin.size());
    } else if (!whole && !(token.starts_with('[') && token.ends_with(']'))) {
      text = "##" + text;
    }
    vocabulary.add(text, static_cast<int32_t>(i));
  }
  return vocabulary;
}

LegacyTokenizer build_bert(const GgufVocabulary& gguf) {
  const SpecialTokens tokens = special_tokens_of(gguf);
  WordPiece::Options options;
  options.unk_token = tokens.unk_token.value_or("[UNK]");
  auto model = std::make_unique<WordPiece>(std::move(options), word_piece_vocabulary(gguf));
  const Json config = Json::object();
  const ClassOptions class_options(config);
  return finish(std::move(model), bert_normalizer(class_options), bert_pre_tokenizer(class_options),
                word_piece_decoder(class_options), gguf, false, [](const ProcessorInput& input) {
                  return template_processor(input, "cls $A sep", "cls $A sep $B:1 sep:1");
                });
}

}  // namespace

LegacyTokenizer build_gguf(const GgufVocabulary& gguf) {
  if (gguf.model == "gpt2") return build_gpt2(gguf);
  if (gguf.model == "llama") return build_llama(gguf);
  if (gguf.model == "bert") return build_bert(gguf);
  throw Error(ErrorKind::kUnsupported, "tokenizer.ggml.model", fmt::format("the kind '{}' is not known", gguf.model),
              "gpt2, llama and bert are read");
}

}  // namespace imago::tokenizers
