#include "imago/tokenizers/legacy/named_pieces.h"

#include <fmt/core.h>

#include <algorithm>
#include <unordered_set>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/tokenizers/legacy/assemble.h"
#include "imago/tokenizers/legacy/class_stages.h"
#include "imago/tokenizers/legacy/vocabulary_files.h"

namespace imago::tokenizers {
namespace {

struct NoScratch final : ModelScratch {};

class NamedPieces final : public Model {
 public:
  NamedPieces(std::unique_ptr<PieceCutter> cutter, Vocabulary vocabulary, std::optional<Vocabulary> output,
              std::optional<std::string> unknown, bool decodes_unknown_ids, size_t size)
      : cutter_(std::move(cutter)),
        vocabulary_(std::move(vocabulary)),
        output_(std::move(output)),
        unknown_(std::move(unknown)),
        decodes_unknown_ids_(decodes_unknown_ids),
        size_(size) {}

  std::unique_ptr<ModelScratch> make_scratch() const override { return cutter_->make_scratch(); }

  void tokenize(std::string_view piece, ModelScratch& scratch, std::vector<ModelToken>& tokens) const override {
    cutter_->cut(piece, scratch, [&](std::string_view name, uint32_t begin, uint32_t end) {
      tokens.push_back({id_of(name), begin, end});
    });
  }
  void tokenize_ids(std::string_view piece, ModelScratch& scratch, std::vector<int32_t>& ids) const override {
    cutter_->cut(piece, scratch, [&](std::string_view name, uint32_t, uint32_t) { ids.push_back(id_of(name)); });
  }
  const Vocabulary& vocabulary() const override { return vocabulary_; }
  size_t vocab_size() const override { return size_; }
  bool special_by_id() const override { return true; }
  std::optional<std::string_view> spelling(int32_t id) const override {
    const Vocabulary& output = output_ ? *output_ : vocabulary_;
    if (output.contains_id(id)) return output.token(id);
    return unknown_ && decodes_unknown_ids_ ? std::optional<std::string_view>(*unknown_) : std::nullopt;
  }
  void write_json(JsonWriter&) const override { fail_without_tokenizer_json(); }

 private:
  int32_t id_of(std::string_view name) const {
    int32_t id = vocabulary_.find(name);
    if (id == Vocabulary::kNone && unknown_) id = vocabulary_.find(*unknown_);
    if (id == Vocabulary::kNone) {
      throw Error(ErrorKind::kInvalidArgument, "tokenizer",
                  fmt::format("'{}' is not in the vocabulary, which has no unknown token", name));
    }
    return id;
  }

  std::unique_ptr<PieceCutter> cutter_;
  Vocabulary vocabulary_;
  std::optional<Vocabulary> output_;
  std::optional<std::string> unknown_;
  bool decodes_unknown_ids_;
  size_t size_;
};

class NamesDecoder final : public Decoder {
 public:
  NamesDecoder(decltype(PythonClass::to_text) to_text, std::unordered_set<std::string> special)
      : to_text_(std::move(to_text)), special_(std::move(special)) {}
  void decode(std::vector<std::string>& tokens) const override {
    tokens = {to_text_(tokens, [&](const std::string& name) { return special_.contains(name); })};
  }
  void write_json(JsonWriter&) const override { fail_without_tokenizer_json(); }

 private:
  decltype(PythonClass::to_text) to_text_;
  std::unordered_set<std::string> special_;
};

class InOrder final : public OwnNormalizer {
 public:
  explicit InOrder(std::vector<std::unique_ptr<Normalizer>> steps) : steps_(std::move(steps)) {}
  void normalize(NormalizedString& string) const override {
    for (const auto& step : steps_) step->normalize(string);
  }

 private:
  std::vector<std::unique_ptr<Normalizer>> steps_;
};

// The tokens that count as special: those with a role, those that the class has of its own, and the extra ones.
std::unordered_set<std::string> special_contents(const SpecialTokenValues& values, const std::vector<TokenValue>& own) {
  std::unordered_set<std::string> contents;
  for (const auto& role : values.roles) {
    if (role) contents.insert(role->token.content);
  }
  for (const TokenValue& value : values.model_specific) contents.insert(value.token.content);
  for (const TokenValue& value : values.extra ? *values.extra : own) contents.insert(value.token.content);
  return contents;
}

// Gives every added token its id: the one in the files, the vocabulary's, or the next behind all that are known.
// Returns how many tokens there are.
size_t place_added(const std::vector<AddedToken>& tokens, size_t with_ids, NamedVocabulary& known) {
  const auto is_new = [&](const AddedToken& token) { return known.tokens.find(token.content) == Vocabulary::kNone; };
  std::vector<std::pair<std::string, int32_t>> placed;
  size_t size = known.size.value_or(known.tokens.size());
  for (size_t i = 0; i < with_ids; ++i) {
    if (tokens[i].id >= kMaxVocabulary) {
      throw Error(ErrorKind::kLimitExceeded, "tokenizer_config.json",
                  fmt::format("added_tokens_decoder has the id {}", tokens[i].id));
    }
    size += is_new(tokens[i]);
    placed.emplace_back(tokens[i].content, tokens[i].id);
  }
  for (size_t i = with_ids; i < tokens.size(); ++i) {
    if (!is_new(tokens[i])) continue;
    placed.emplace_back(tokens[i].content, static_cast<int32_t>(size));
    ++size;
  }
  auto id = known.first_uncounted;
  for (const std::string& token : known.uncounted) known.tokens.add(token, id++);
  for (const auto& [content, place] : placed) known.tokens.add(content, place);
  return size;
}

}  // namespace

void fail_without_tokenizer_json() {
  throw Error(ErrorKind::kUnsupported, "tokenizer.json",
              "this tokenizer class has none: its stages are not those of that format",
              "keep the files that it was read from");
}

void OwnNormalizer::write_json(JsonWriter&) const { fail_without_tokenizer_json(); }

std::unique_ptr<ModelScratch> PieceCutter::make_scratch() const { return std::make_unique<NoScratch>(); }

std::unique_ptr<Normalizer> in_order(std::vector<std::unique_ptr<Normalizer>> steps) {
  return std::make_unique<InOrder>(std::move(steps));
}

LegacyTokenizer build_python_class(PythonClass parts, const FolderSettings& settings) {
  const ClassOptions options(settings.config);
  std::vector<TokenValue> own;
  if (settings.tokenizer_class->own_tokens != nullptr) {
    for (std::string& token : settings.tokenizer_class->own_tokens(options)) {
      own.push_back({{.content = std::move(token), .normalized = false, .special = true}, true});
    }
  }
  const std::unordered_set<std::string> special = special_contents(settings.values, own);
  std::vector<AddedToken> added = tokens_to_add(settings.values, std::move(own));
  for (AddedToken& token : added) {
    token.special = special.contains(token.content);
    token.normalized = false;  // these classes look for all of them in the text as it is
    if (token.single_word) {
      throw Error(ErrorKind::kUnsupported, "tokenizer_config.json",
                  fmt::format("single_word of '{}' in a {}", token.content, settings.tokenizer_class->name));
    }
  }
  if (parts.change_added) parts.change_added(added);
  const size_t size = place_added(added, settings.values.added.size(), parts.vocabulary);

  NamedVocabulary& vocabulary = parts.vocabulary;
  auto result = std::make_shared<TokenizerParts>();
  result->model =
      std::make_shared<NamedPieces>(std::move(parts.cutter), std::move(vocabulary.tokens), std::move(vocabulary.output),
                                    std::move(vocabulary.unknown), vocabulary.decodes_unknown_ids, size);
  result->normalizer = std::move(parts.normalizer);
  result->decoder = std::make_shared<NamesDecoder>(std::move(parts.to_text), special);
  result->added_vocabulary.use_python_spaces();
  result->added_vocabulary.add(added, *result->model, nullptr);

  const SpecialTokens tokens = settings.values.special_tokens();
  const auto id_of = [&](std::string_view token) {
    return parts.language_id && token == parts.language ? parts.language_id : id_of_token(*result, token);
  };
  const ProcessorInput input{options, tokens, id_of, parts.language};
  if (parts.post_processor != nullptr) {
    result->post_processor = parts.post_processor(input);
    return {finish_tokenizer(std::move(result), nullptr), tokens};
  }
  const Json processor = template_processor(input, parts.single, parts.pair);
  return {finish_tokenizer(std::move(result), processor), tokens};
}

}  // namespace imago::tokenizers
