#include "imago/tokenizers/legacy/vocabulary_builders.h"

#include <fmt/core.h>

#include <algorithm>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/tokenizers/legacy/assemble.h"
#include "imago/tokenizers/legacy/class_stages.h"
#include "imago/tokenizers/legacy/generated_merges.h"
#include "imago/tokenizers/legacy/split_patterns.h"
#include "imago/tokenizers/legacy/vocabulary_files.h"
#include "imago/tokenizers/models/bpe.h"
#include "imago/tokenizers/models/unigram.h"
#include "imago/tokenizers/models/word_piece.h"

namespace imago::tokenizers {
namespace {

Json stage(Json (*make)(const ClassOptions&), const ClassOptions& options) {
  return make == nullptr ? Json() : make(options);
}

// The stages of the class around a model.
LegacyTokenizer finish_class(std::unique_ptr<Model> model, const FolderSettings& settings, const ClassOptions& options,
                             std::vector<TokenValue> pieces = {}) {
  const TokenizerClass& tokenizer_class = *settings.tokenizer_class;
  auto parts = make_parts(std::move(model), stage(tokenizer_class.normalizer, options),
                          stage(tokenizer_class.pre_tokenizer, options), stage(tokenizer_class.decoder, options),
                          tokens_to_add(settings.values, std::move(pieces)));
  const SpecialTokens tokens = settings.values.special_tokens();
  const auto id_of = [&](std::string_view token) { return id_of_token(*parts, token); };
  ProcessorInput input{options, tokens, id_of};
  if (tokenizer_class.language != nullptr) input.language = tokenizer_class.language(options);
  const Json processor = tokenizer_class.post_processor != nullptr
                             ? tokenizer_class.post_processor(input)
                             : template_processor(input, tokenizer_class.single, tokenizer_class.pair);
  return {finish_tokenizer(std::move(parts), processor), tokens};
}

// Of equal pieces the last id counts.
Vocabulary piece_vocabulary(const SentencePieceModel& model) {
  Vocabulary vocabulary;
  for (size_t id = 0; id < model.pieces.size(); ++id) {
    vocabulary.add(model.pieces[id].text, static_cast<int32_t>(id));
  }
  return vocabulary;
}

std::vector<ScoredPiece> scored_pieces(const SentencePieceModel& model) {
  std::vector<ScoredPiece> pieces;
  pieces.reserve(model.pieces.size());
  for (const SentencePiece& piece : model.pieces) pieces.push_back({piece.text, static_cast<double>(piece.score)});
  return pieces;
}

// The pieces that are found in text as they are, in the order of their ids.
std::vector<TokenValue> added_pieces(const SentencePieceModel& model) {
  std::vector<TokenValue> tokens;
  for (const SentencePiece& piece : model.pieces) {
    const bool control = piece.type == SentencePiece::Type::kControl;
    if (!control && piece.type != SentencePiece::Type::kUserDefined) continue;
    tokens.push_back({{.content = piece.text, .normalized = false, .special = control}, false});
  }
  return tokens;
}

std::unique_ptr<Model> make_unigram(const std::vector<ScoredPiece>& pieces, std::optional<int32_t> unk_id,
                                    bool byte_fallback) {
  std::vector<Unigram::Piece> views;
  views.reserve(pieces.size());
  for (const ScoredPiece& piece : pieces) views.push_back({piece.text, piece.score});
  return std::make_unique<Unigram>(views, unk_id, byte_fallback);
}

std::unique_ptr<Model> make_piece_bpe(BpeOptions options, Vocabulary vocabulary) {
  const std::vector<MergeRule> merges = merges_of_pieces(vocabulary, "SentencePiece model");
  return std::make_unique<Bpe>(std::move(options), std::move(vocabulary), merges);
}

// The merges keep the order that the model's own ids give them.
std::unique_ptr<Model> make_arranged_bpe(BpeOptions options, const Vocabulary& original,
                                         const std::vector<ScoredPiece>& pieces) {
  Vocabulary vocabulary;
  for (size_t id = 0; id < pieces.size(); ++id) vocabulary.add(pieces[id].text, static_cast<int32_t>(id));
  std::vector<MergeRule> merges = merges_of_pieces(original, "SentencePiece model");
  for (MergeRule& rule : merges) {
    for (int32_t* id : {&rule.left, &rule.right, &rule.result}) *id = vocabulary.find(original.token(*id));
  }
  return std::make_unique<Bpe>(std::move(options), std::move(vocabulary), merges);
}

int32_t unknown_piece(const SentencePieceModel& model, const std::vector<ScoredPiece>& pieces,
                      const TokenizerClass& tokenizer_class, const SpecialTokens& tokens) {
  using Unknown = TokenizerClass::Unknown;
  if (tokenizer_class.unknown == Unknown::kOfModel) return model.unk_id;
  if (tokenizer_class.unknown == Unknown::kFixed) return tokenizer_class.unk_id;
  const auto found = std::find_if(pieces.begin(), pieces.end(),
                                  [&](const ScoredPiece& piece) { return piece.text == tokens.unk_token; });
  return found == pieces.end() ? tokenizer_class.unk_id : static_cast<int32_t>(found - pieces.begin());
}

std::vector<TokenValue> with_own_tokens(std::vector<TokenValue> pieces, const TokenizerClass& tokenizer_class,
                                        const ClassOptions& options) {
  if (tokenizer_class.pieces_are_special) {
    for (TokenValue& piece : pieces) piece.token.special = true;
  }
  if (tokenizer_class.own_tokens == nullptr) return pieces;
  using Own = TokenizerClass::OwnTokens;
  std::vector<TokenValue> own;
  for (std::string& token : tokenizer_class.own_tokens(options)) {
    own.push_back({{.content = std::move(token), .normalized = false, .special = true}, true});
  }
  if (tokenizer_class.own_tokens_stand == Own::kBeforePieces) std::swap(own, pieces);
  pieces.insert(pieces.end(), own.begin(), own.end());
  return pieces;
}

Json replace_spaces() { return {{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", "\u2581"}}; }

Json pieces_decoder(bool byte_fallback) {
  Json decoder = gemma_decoder(ClassOptions(Json()));
  if (!byte_fallback) decoder["decoders"].as_array().resize(1);
  return decoder;
}

// How a model without a tokenizer class orders its merges: the reference's generic class goes by the ids, SentencePiece
// itself by the scores, and some models have these in different orders.
enum class MergeOrder { kById, kByScore };

std::unique_ptr<Model> model_of_its_kind(const SentencePieceModel& model, Vocabulary vocabulary, MergeOrder order) {
  if (model.kind == SentencePieceModel::Kind::kUnigram) {
    return make_unigram(scored_pieces(model), model.unk_id, model.byte_fallback);
  }
  if (model.kind != SentencePieceModel::Kind::kBpe) {
    throw Error(ErrorKind::kUnsupported, "SentencePiece model", "models of words or characters",
                "BPE and unigram models are read");
  }
  BpeOptions options;
  options.unk_token = model.unk_piece;
  options.fuse_unk = true;
  options.byte_fallback = model.byte_fallback;
  if (order == MergeOrder::kById) return make_piece_bpe(std::move(options), std::move(vocabulary));
  std::vector<float> scores;
  for (const SentencePiece& piece : model.pieces) scores.push_back(piece.score);
  const auto merges = merges_by_score(vocabulary, scores, "SentencePiece model");
  return std::make_unique<Bpe>(std::move(options), std::move(vocabulary), merges);
}

// A folder whose class is the generic one may rename pieces: placeholders get the names of added tokens.
Vocabulary renamed_pieces(const SentencePieceModel& model, const SpecialTokenValues& values) {
  Vocabulary vocabulary = piece_vocabulary(model);
  if (model.kind != SentencePieceModel::Kind::kBpe || values.added.empty()) return vocabulary;
  Vocabulary renamed;
  for (size_t id = 0; id < model.pieces.size(); ++id) {
    const auto token = std::find_if(values.added.begin(), values.added.end(),
                                    [&](const AddedToken& entry) { return static_cast<size_t>(entry.id) == id; });
    const bool rename = token != values.added.end() && vocabulary.find(token->content) == Vocabulary::kNone;
    renamed.add(rename ? token->content : model.pieces[id].text, static_cast<int32_t>(id));
  }
  return renamed;
}

LegacyTokenizer build_generic_sentencepiece(const SentencePieceModel& model, const FolderSettings& settings) {
  ClassOptions options(settings.config);
  Json normalizer = {{"type", "Sequence"}, {"normalizers", Json::array()}};
  if (!model.precompiled_charsmap.empty()) {
    options.charsmap = encode_base64(model.precompiled_charsmap);
    normalizer["normalizers"].push_back(charsmap_normalizer(options));
  }
  normalizer["normalizers"].push_back(replace_spaces());

  SpecialTokenValues values = settings.values;
  const std::tuple<const char*, size_t, int32_t, const std::string&> roles[] = {
      {"bos_token", 0, model.bos_id, model.bos_piece},
      {"eos_token", 1, model.eos_id, model.eos_piece},
      {"unk_token", 2, model.unk_id, model.unk_piece}};
  for (const auto& [key, role, id, piece] : roles) {
    if (id < 0 || settings.config.contains(key)) continue;
    values.roles[role] = {{.content = piece, .normalized = false, .special = true}, true};
  }
  auto parts = make_parts(model_of_its_kind(model, renamed_pieces(model, values), MergeOrder::kById), normalizer,
                          nullptr, pieces_decoder(model.byte_fallback), tokens_to_add(values, added_pieces(model)));
  const SpecialTokens tokens = values.special_tokens();
  const auto id_of = [&](std::string_view token) { return id_of_token(*parts, token); };
  const Json processor = bos_eos_processor({options, tokens, id_of});
  return {finish_tokenizer(std::move(parts), processor), tokens};
}

// The token is the one at an id where the model has that id.
std::optional<std::string> piece_at(const SentencePieceModel& model, int32_t id) {
  if (id < 0 || static_cast<size_t>(id) >= model.pieces.size()) return std::nullopt;
  return model.pieces[static_cast<size_t>(id)].text;
}

}  // namespace

LegacyTokenizer build_word_piece(std::string_view vocab_txt, const FolderSettings& settings) {
  const SpecialTokens tokens = settings.values.special_tokens();
  WordPiece::Options word_piece;
  word_piece.unk_token = tokens.unk_token.value_or("None");
  auto model = std::make_unique<WordPiece>(std::move(word_piece), parse_vocab_txt(vocab_txt, "vocab.txt"));
  const ClassOptions options(settings.config);
  return finish_class(std::move(model), settings, options, with_own_tokens({}, *settings.tokenizer_class, options));
}

LegacyTokenizer build_byte_level(std::string_view vocab_json, std::string_view merges_txt,
                                 const FolderSettings& settings) {
  Vocabulary vocabulary = parse_vocab_json(vocab_json, "vocab.json");
  const auto merges = Bpe::resolve_merges(vocabulary, parse_merges_txt(merges_txt, "merges.txt"), 0);
  const SpecialTokens tokens = settings.values.special_tokens();
  auto model = std::make_unique<Bpe>(settings.tokenizer_class->bpe(tokens), std::move(vocabulary), merges);
  const ClassOptions options(settings.config);
  return finish_class(std::move(model), settings, options, with_own_tokens({}, *settings.tokenizer_class, options));
}

LegacyTokenizer build_bytes(const FolderSettings& settings) {
  const SpecialTokens tokens = settings.values.special_tokens();
  Vocabulary vocabulary;
  for (const auto& token : {tokens.pad_token, tokens.eos_token, tokens.unk_token}) {
    if (!token) throw Error(ErrorKind::kInvalidFile, "tokenizer_config.json", "pad, eos or unk_token is null");
    vocabulary.add(*token, static_cast<int32_t>(vocabulary.size()));
  }
  for (int byte = 0; byte < 256; ++byte) vocabulary.add(spell_bytes(std::string(1, static_cast<char>(byte))), 3 + byte);
  auto model =
      std::make_unique<Bpe>(settings.tokenizer_class->bpe(tokens), std::move(vocabulary), std::vector<MergeRule>());
  const ClassOptions options(settings.config);
  return finish_class(std::move(model), settings, options, with_own_tokens({}, *settings.tokenizer_class, options));
}

LegacyTokenizer build_sentencepiece(const SentencePieceModel& model, const FolderSettings& settings) {
  if (settings.tokenizer_class == nullptr || settings.tokenizer_class->as_generic)
    return build_generic_sentencepiece(model, settings);
  const TokenizerClass& tokenizer_class = *settings.tokenizer_class;
  const SpecialTokens tokens = settings.values.special_tokens();
  ClassOptions options(settings.config);
  options.charsmap = encode_base64(model.precompiled_charsmap);
  std::vector<TokenValue> added = with_own_tokens(added_pieces(model), tokenizer_class, options);
  std::vector<ScoredPiece> pieces = scored_pieces(model);
  if (tokenizer_class.arrange != nullptr) pieces = tokenizer_class.arrange(std::move(pieces), options, tokens);
  if (tokenizer_class.vocabulary == TokenizerClass::Vocabulary::kPieceBpe) {
    auto bpe = make_arranged_bpe(tokenizer_class.bpe(tokens), piece_vocabulary(model), pieces);
    return finish_class(std::move(bpe), settings, options, std::move(added));
  }
  const int32_t unk_id = unknown_piece(model, pieces, tokenizer_class, tokens);
  return finish_class(make_unigram(pieces, unk_id, false), settings, options, std::move(added));
}

LegacyTokenizer build_sentencepiece(const SentencePieceModel& model) {
  if (model.treat_whitespace_as_suffix || !model.escape_whitespaces) {
    throw Error(ErrorKind::kUnsupported, "SentencePiece model",
                "spaces behind words, or spaces that are not escaped, in a model without a tokenizer class");
  }
  // Found in the text as it is, such a piece would begin a new one, which gets a dummy prefix of its own.
  if (model.add_dummy_prefix && std::any_of(model.pieces.begin(), model.pieces.end(), [](const SentencePiece& piece) {
        return piece.type == SentencePiece::Type::kUserDefined;
      })) {
    throw Error(ErrorKind::kUnsupported, "SentencePiece model", "user-defined pieces without a tokenizer class",
                "load the folder with its tokenizer_config.json");
  }
  Json list = Json::array();
  if (!model.precompiled_charsmap.empty()) {
    list.push_back({{"type", "Precompiled"}, {"precompiled_charsmap", encode_base64(model.precompiled_charsmap)}});
  }
  if (model.remove_extra_whitespaces) {
    for (const auto& [pattern, with] : {std::pair{"\\A +| +\\z", ""}, std::pair{" {2,}", " "}}) {
      list.push_back({{"type", "Replace"}, {"pattern", {{"Regex", pattern}}}, {"content", with}});
    }
  }
  if (model.add_dummy_prefix) list.push_back({{"type", "Prepend"}, {"prepend", "\u2581"}});
  list.push_back(replace_spaces());
  Json decoder = pieces_decoder(model.byte_fallback);
  if (model.add_dummy_prefix) {
    if (!model.byte_fallback) decoder["decoders"].push_back({{"type", "Fuse"}});
    decoder["decoders"].push_back({{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}});
  }
  const Json normalizer = {{"type", "Sequence"}, {"normalizers", list}};
  SpecialTokenValues values;
  auto parts = make_parts(model_of_its_kind(model, piece_vocabulary(model), MergeOrder::kByScore), normalizer, nullptr,
                          decoder, tokens_to_add(values, added_pieces(model)));
  SpecialTokens tokens;
  tokens.unk_token = piece_at(model, model.unk_id);
  tokens.bos_token = piece_at(model, model.bos_id);
  tokens.eos_token = piece_at(model, model.eos_id);
  tokens.pad_token = piece_at(model, model.pad_id);
  return {finish_tokenizer(std::move(parts), nullptr), tokens};
}

LegacyTokenizer build_tiktoken(std::string_view text, std::string_view where, const TiktokenEncoding* encoding,
                               const FolderSettings& settings) {
  const Vocabulary ranks = parse_tiktoken(text, where);
  const std::vector<MergeRule> merges = merges_of_byte_strings(ranks, where);
  Vocabulary vocabulary;
  for (int32_t id = 0; id < ranks.id_limit(); ++id) {
    if (ranks.contains_id(id)) vocabulary.add(spell_bytes(ranks.token(id)), id);
  }
  std::vector<AddedToken> tokens;
  if (encoding != nullptr) {
    for (const TiktokenSpecialToken& token : encoding->special_tokens) {
      // In the model's vocabulary, because the ids need not follow those of the ranks.
      vocabulary.add(token.content, token.id);
      tokens.push_back({.id = token.id,
                        .content = std::string(token.content),
                        .normalized = !token.special,
                        .special = token.special});
    }
  }
  // Ids between the ranks and the largest added token that nothing names are held by placeholders, as in the reference.
  const auto& added = settings.values.added;
  const auto first = static_cast<int32_t>(ranks.size());
  if (!added.empty() && added.back().id >= kMaxVocabulary) {
    throw Error(ErrorKind::kLimitExceeded, "tokenizer_config.json",
                fmt::format("added_tokens_decoder has the id {}", added.back().id));
  }
  auto token = added.begin();
  for (int32_t id = first; !added.empty() && id <= added.back().id; ++id) {
    while (token != added.end() && token->id < id) ++token;
    const bool named = token != added.end() && token->id == id;
    tokens.push_back({.content = named ? token->content : fmt::format("<|reserved_token_{}|>", id),
                      .normalized = false,
                      .special = true});
  }
  for (AddedToken& entry : tokens_to_add(settings.values)) tokens.push_back(std::move(entry));

  BpeOptions bpe;
  bpe.ignore_merges = true;  // as tiktoken: a piece that is a token needs no merges
  auto model = std::make_unique<Bpe>(std::move(bpe), std::move(vocabulary), merges);
  const ClassOptions options(settings.config);
  const std::string_view pattern = encoding != nullptr ? encoding->pattern : kLlama3Split;
  auto parts =
      make_parts(std::move(model), nullptr, split_pre_tokenizer(pattern, false), byte_level_decoder(options), tokens);
  const SpecialTokens special_tokens = settings.values.special_tokens();
  Json processor = {{"type", "ByteLevel"}, {"add_prefix_space", true}, {"trim_offsets", false}, {"use_regex", true}};
  if (options.has("add_bos_token") || options.has("add_eos_token")) {
    const auto id_of = [&](std::string_view content) { return id_of_token(*parts, content); };
    processor = bos_eos_processor({options, special_tokens, id_of});
  }
  return {finish_tokenizer(std::move(parts), processor), special_tokens};
}

}  // namespace imago::tokenizers
