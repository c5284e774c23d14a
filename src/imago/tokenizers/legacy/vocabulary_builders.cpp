#include "imago/tokenizers/legacy/vocabulary_builders.h"

#include <fmt/core.h>

#include <algorithm>
#include <tuple>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/base/unicode.h"
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

Json replace_piece_spaces() { return {{"type", "Replace"}, {"pattern", {{"String", "\u2581"}}}, {"content", " "}}; }

Json pieces_decoder(bool byte_fallback) {
  Json decoder = gemma_decoder(ClassOptions(Json()));
  if (!byte_fallback) decoder["decoders"].as_array().resize(1);
  return decoder;
}

// As SentencePiece itself has it: merges go by the scores of what they make.
std::unique_ptr<Model> model_of_its_kind(const SentencePieceModel& model, Vocabulary vocabulary) {
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
  std::vector<float> scores;
  for (const SentencePiece& piece : model.pieces) scores.push_back(piece.score);
  const auto merges = merges_by_score(vocabulary, scores, "SentencePiece model");
  return std::make_unique<Bpe>(std::move(options), std::move(vocabulary), merges);
}

// A folder whose class is the generic one may rename pieces: unused ones get the names of added tokens, but for names
// that a piece keeps.
Vocabulary renamed_pieces(const SentencePieceModel& model, const SpecialTokenValues& values) {
  Vocabulary vocabulary = piece_vocabulary(model);
  if (model.kind != SentencePieceModel::Kind::kBpe || values.added.empty()) return vocabulary;
  const auto name_of = [&](size_t id) {
    const auto named = [&](const AddedToken& token) { return static_cast<size_t>(token.id) == id; };
    const auto found = std::find_if(values.added.begin(), values.added.end(), named);
    return found == values.added.end() ? nullptr : &*found;
  };
  const auto is_kept = [&](const std::string& content) {
    const int32_t id = vocabulary.find(content);
    return id != Vocabulary::kNone && name_of(static_cast<size_t>(id)) == nullptr;
  };
  Vocabulary renamed;
  for (size_t id = 0; id < model.pieces.size(); ++id) {
    const AddedToken* name = name_of(id);
    renamed.add(name != nullptr && !is_kept(name->content) ? name->content : model.pieces[id].text,
                static_cast<int32_t>(id));
  }
  return renamed;
}

// A regular expression of user-defined pieces, the longest first, each escaped as Python's re.escape does.
std::string pattern_of(std::vector<std::string> pieces) {
  std::stable_sort(pieces.begin(), pieces.end(),
                   [](const std::string& a, const std::string& b) { return count_utf8(a) > count_utf8(b); });
  std::string pattern;
  for (const std::string& piece : pieces) {
    if (!pattern.empty()) pattern += '|';
    for (const char c : piece) {
      if (std::string_view("\t\n\v\f\r #$&()*+-.?[\\]^{|}~").find(c) != std::string_view::npos) pattern += '\\';
      pattern += c;
    }
  }
  return pattern;
}

std::vector<std::string> user_defined_pieces(const SentencePieceModel& model, const Vocabulary& names) {
  std::vector<std::string> pieces;
  for (size_t id = 0; id < model.pieces.size(); ++id) {
    if (model.pieces[id].type != SentencePiece::Type::kUserDefined) continue;
    pieces.emplace_back(names.token(static_cast<int32_t>(id)));
  }
  return pieces;
}

struct GenericStages {
  Json normalizer, pre_tokenizer, decoder;
};

// What the reference makes of a model's settings where no class says more: `legacy` puts the dummy prefix before every
// piece of text between added tokens.
GenericStages generic_stages(const SentencePieceModel& model, const std::vector<std::string>& user_defined,
                             bool legacy) {
  const auto replace_regex = [](const char* pattern, const char* with) -> Json {
    return {{"type", "Replace"}, {"pattern", {{"Regex", pattern}}}, {"content", with}};
  };
  GenericStages stages;
  Json list = Json::array();
  if (!model.precompiled_charsmap.empty()) {
    list.push_back({{"type", "Precompiled"}, {"precompiled_charsmap", encode_base64(model.precompiled_charsmap)}});
  }
  if (model.remove_extra_whitespaces) {
    list.push_back(replace_regex("\\A +| +\\z", ""));
    list.push_back(replace_regex(" {2,}", " "));
  }
  if (model.escape_whitespaces) list.push_back(replace_spaces());
  // Metaspace adds no prefix to text that begins with one; SentencePiece does.
  if (model.add_dummy_prefix && legacy) list.push_back(replace_regex("\\A\u2581", "\u2581\u2581"));
  stages.normalizer = {{"type", "Sequence"}, {"normalizers", list}};

  list = Json::array();
  if (model.add_dummy_prefix) {
    list.push_back({{"type", "Metaspace"},
                    {"replacement", "\u2581"},
                    {"prepend_scheme", legacy ? "always" : "first"},
                    {"split", false}});
  }
  if (!user_defined.empty()) {
    list.push_back({{"type", "Split"},
                    {"pattern", {{"Regex", pattern_of(user_defined)}}},
                    {"behavior", "Isolated"},
                    {"invert", false}});
  }
  if (!list.empty()) stages.pre_tokenizer = {{"type", "Sequence"}, {"pretokenizers", list}};

  list = Json::array();
  list.push_back(replace_piece_spaces());
  if (model.byte_fallback) list.push_back({{"type", "ByteFallback"}});
  if (model.add_dummy_prefix || model.byte_fallback) list.push_back({{"type", "Fuse"}});
  if (model.add_dummy_prefix) list.push_back({{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}});
  stages.decoder = {{"type", "Sequence"}, {"decoders", list}};
  return stages;
}

std::unique_ptr<Model> generic_model(const SentencePieceModel& model, Vocabulary names, bool has_user_defined) {
  if (model.kind != SentencePieceModel::Kind::kBpe) return model_of_its_kind(model, std::move(names));
  BpeOptions options;
  options.unk_token = model.unk_piece;
  options.fuse_unk = true;
  options.byte_fallback = model.byte_fallback;
  options.ignore_merges = has_user_defined;
  // Only normal pieces merge, by their scores, then by their ids and parts.
  std::vector<MergeRule> merges = merges_of_pieces(names, "SentencePiece model");
  const auto is_normal = [&](int32_t id) {
    return model.pieces[static_cast<size_t>(id)].type == SentencePiece::Type::kNormal;
  };
  std::erase_if(merges, [&](const MergeRule& rule) {
    return !is_normal(rule.left) || !is_normal(rule.right) || !is_normal(rule.result);
  });
  const auto key = [&](const MergeRule& rule) {
    return std::tuple(-model.pieces[static_cast<size_t>(rule.result)].score, rule.result, names.token(rule.left),
                      names.token(rule.right));
  };
  std::sort(merges.begin(), merges.end(), [&](const MergeRule& a, const MergeRule& b) { return key(a) < key(b); });
  return std::make_unique<Bpe>(std::move(options), std::move(names), merges);
}

LegacyTokenizer build_generic_sentencepiece(const SentencePieceModel& model, const FolderSettings& settings) {
  const ClassOptions options(settings.config);
  SpecialTokenValues values = settings.values;
  const std::tuple<const char*, size_t, int32_t, const std::string&> roles[] = {
      {"bos_token", 0, model.bos_id, model.bos_piece},
      {"eos_token", 1, model.eos_id, model.eos_piece},
      {"unk_token", 2, model.unk_id, model.unk_piece}};
  for (const auto& [name, role, id, piece] : roles) {
    if (id < 0 || settings.config.contains(name)) continue;
    values.roles[role] = {{.content = piece, .normalized = false, .special = true}, true};
  }
  if (model.add_dummy_prefix) {
    for (AddedToken& token : values.added) token.normalized = false;
  }
  Vocabulary names = renamed_pieces(model, values);
  const std::vector<std::string> user_defined = user_defined_pieces(model, names);
  const GenericStages stages = generic_stages(model, user_defined, options.boolean("legacy", true));
  // User-defined pieces are no added tokens here: a split keeps them whole.
  std::vector<TokenValue> added = added_pieces(model);
  std::erase_if(added, [](const TokenValue& value) { return !value.token.special; });
  auto parts = make_parts(generic_model(model, std::move(names), !user_defined.empty()), stages.normalizer,
                          stages.pre_tokenizer, stages.decoder, tokens_to_add(values, std::move(added)));
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
  auto parts = make_parts(model_of_its_kind(model, piece_vocabulary(model)), normalizer, nullptr, decoder,
                          tokens_to_add(values, added_pieces(model)));
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
