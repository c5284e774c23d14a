#include "imago/tokenizers/tokenizer_json.h"

#include <simdjson.h>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/tokenizers/decoders/decoders.h"
#include "imago/tokenizers/json_writer.h"
#include "imago/tokenizers/models/model_json.h"
#include "imago/tokenizers/normalizers/normalizers.h"
#include "imago/tokenizers/pre_tokenizers/pre_tokenizers.h"
#include "imago/tokenizers/processors/processors.h"
#include "imago/tokenizers/tokenizer_parts.h"
#include "imago/tokenizers/vocabulary.h"

namespace imago::tokenizers {

size_t Model::vocab_size() const { return vocabulary().size(); }

std::optional<std::string_view> Model::spelling(int32_t id) const {
  return vocabulary().contains_id(id) ? std::optional(vocabulary().token(id)) : std::nullopt;
}

void Model::tokenize_all(std::span<const std::string_view> pieces, ModelScratch& scratch,
                         std::vector<int32_t>& ids) const {
  for (const std::string_view piece : pieces) tokenize_ids(piece, scratch, ids);
}

namespace {

constexpr size_t kMaxFileBytes = size_t{1} << 30;

AddedToken read_added_token(const Json& json) {
  AddedToken token;
  const auto id = json.find("id"), content = json.find("content");
  if (id == json.end() || content == json.end() || !content->is_string()) {
    throw Error(ErrorKind::kInvalidFile, "added_tokens", "a token has no id or no content");
  }
  token.id = to_token_id(*id, "added_tokens");
  token.content = content->get<std::string>();
  const std::pair<std::string_view, bool*> flags[] = {{"single_word", &token.single_word},
                                                      {"lstrip", &token.lstrip},
                                                      {"rstrip", &token.rstrip},
                                                      {"normalized", &token.normalized},
                                                      {"special", &token.special}};
  for (const auto& [name, flag] : flags) {
    const auto member = json.find(name);
    if (member == json.end() || !member->is_boolean()) {
      throw Error(ErrorKind::kInvalidFile, "added_tokens", "'" + token.content + "' lacks '" + std::string(name) + "'");
    }
    *flag = member->get<bool>();
  }
  return token;
}

template <class Enum, size_t kCount>
Enum read_choice(const Json& json, std::string_view name, const std::pair<std::string_view, Enum> (&choices)[kCount],
                 std::string_view where) {
  const auto found = json.find(name);
  if (found != json.end() && found->is_string()) {
    for (const auto& [text, choice] : choices) {
      if (found->as_string() == text) return choice;
    }
  }
  throw Error(ErrorKind::kInvalidFile, where, "'" + std::string(name) + "' is missing or unknown");
}

size_t read_size(const Json& json, std::string_view name, std::string_view where) {
  const auto found = json.find(name);
  if (found == json.end() || !found->is_number_integer() || found->get<int64_t>() < 0) {
    throw Error(ErrorKind::kInvalidFile, where, "'" + std::string(name) + "' is missing or no number");
  }
  return found->get<size_t>();
}

constexpr std::pair<std::string_view, Truncation::Strategy> kStrategies[] = {
    {"LongestFirst", Truncation::Strategy::kLongestFirst},
    {"OnlyFirst", Truncation::Strategy::kOnlyFirst},
    {"OnlySecond", Truncation::Strategy::kOnlySecond}};
constexpr std::pair<std::string_view, Truncation::Direction> kTruncationDirections[] = {
    {"Left", Truncation::Direction::kLeft}, {"Right", Truncation::Direction::kRight}};
constexpr std::pair<std::string_view, Padding::Direction> kPaddingDirections[] = {
    {"Left", Padding::Direction::kLeft}, {"Right", Padding::Direction::kRight}};

Truncation read_truncation(const Json& json) {
  Truncation truncation;
  if (json.contains("direction")) {
    truncation.direction = read_choice(json, "direction", kTruncationDirections, "truncation");
  }
  truncation.max_length = read_size(json, "max_length", "truncation");
  truncation.strategy = read_choice(json, "strategy", kStrategies, "truncation");
  truncation.stride = read_size(json, "stride", "truncation");
  return truncation;
}

Padding read_padding(const Json& json) {
  Padding padding;
  const auto strategy = json.find("strategy");
  if (strategy != json.end() && strategy->is_object() && strategy->size() == 1 && strategy->contains("Fixed")) {
    padding.length = read_size(*strategy, "Fixed", "padding");
  } else if (strategy == json.end() || *strategy != "BatchLongest") {
    throw Error(ErrorKind::kInvalidFile, "padding", "the strategy is neither BatchLongest nor Fixed");
  }
  padding.direction = read_choice(json, "direction", kPaddingDirections, "padding");
  if (json.contains("pad_to_multiple_of") && !json["pad_to_multiple_of"].is_null()) {
    padding.pad_to_multiple_of = read_size(json, "pad_to_multiple_of", "padding");
  }
  padding.pad_id = static_cast<int32_t>(std::min<size_t>(read_size(json, "pad_id", "padding"), INT32_MAX));
  padding.pad_type_id = static_cast<int32_t>(std::min<size_t>(read_size(json, "pad_type_id", "padding"), INT32_MAX));
  const auto token = json.find("pad_token");
  if (token == json.end() || !token->is_string())
    throw Error(ErrorKind::kInvalidFile, "padding", "pad_token is missing");
  padding.pad_token = token->get<std::string>();
  return padding;
}

template <class Enum, size_t kCount>
std::string_view name_of(Enum value, const std::pair<std::string_view, Enum> (&choices)[kCount]) {
  for (const auto& [text, choice] : choices) {
    if (choice == value) return text;
  }
  return "";
}

void write_truncation(JsonWriter& writer, const std::optional<Truncation>& truncation) {
  if (!truncation) return writer.null_member("truncation");
  writer.key("truncation");
  writer.begin_object();
  writer.member("direction", name_of(truncation->direction, kTruncationDirections));
  writer.member("max_length", truncation->max_length);
  writer.member("strategy", name_of(truncation->strategy, kStrategies));
  writer.member("stride", truncation->stride);
  writer.end_object();
}

void write_padding(JsonWriter& writer, const std::optional<Padding>& padding) {
  if (!padding) return writer.null_member("padding");
  writer.key("padding");
  writer.begin_object();
  if (padding->length) {
    writer.key("strategy");
    writer.begin_object();
    writer.member("Fixed", *padding->length);
    writer.end_object();
  } else {
    writer.member("strategy", "BatchLongest");
  }
  writer.member("direction", name_of(padding->direction, kPaddingDirections));
  if (padding->pad_to_multiple_of) {
    writer.member("pad_to_multiple_of", *padding->pad_to_multiple_of);
  } else {
    writer.null_member("pad_to_multiple_of");
  }
  writer.member("pad_id", padding->pad_id);
  writer.member("pad_type_id", padding->pad_type_id);
  writer.member("pad_token", padding->pad_token);
  writer.end_object();
}

void write_added_token(JsonWriter& writer, const AddedToken& token) {
  writer.begin_object();
  writer.member("id", token.id);
  writer.member("content", token.content);
  writer.member("single_word", token.single_word);
  writer.member("lstrip", token.lstrip);
  writer.member("rstrip", token.rstrip);
  writer.member("normalized", token.normalized);
  writer.member("special", token.special);
  writer.end_object();
}

void read_part(std::string_view name, const Json& json, TokenizerParts& parts, std::vector<AddedToken>& added) {
  if (name == "version") {
    if (!json.is_string() || json != "1.0") {
      throw Error(ErrorKind::kUnsupported, "tokenizer.json", "the version is not 1.0");
    }
  } else if (json.is_null()) {
    return;
  } else if (name == "added_tokens") {
    if (!json.is_array()) throw Error(ErrorKind::kInvalidFile, "added_tokens", "not an array");
    for (const Json& token : json) added.push_back(read_added_token(token));
  } else if (name == "truncation") {
    parts.truncation = read_truncation(json);
  } else if (name == "padding") {
    parts.padding = read_padding(json);
  } else if (name == "normalizer") {
    parts.normalizer = make_normalizer(json);
  } else if (name == "pre_tokenizer") {
    parts.pre_tokenizer = make_pre_tokenizer(json);
  } else if (name == "post_processor") {
    parts.post_processor = make_processor(json);
  } else if (name == "decoder") {
    parts.decoder = make_decoder(json);
  } else {
    throw Error(ErrorKind::kUnsupported, "tokenizer.json", "the member '" + std::string(name) + "' is unknown");
  }
}

// The text must be followed by SIMDJSON_PADDING bytes that may be read.
std::shared_ptr<TokenizerParts> read_parts(std::string_view text) {
  namespace ondemand = simdjson::ondemand;
  ondemand::parser parser;
  ondemand::document document = parser.iterate(text.data(), text.size(), text.size() + simdjson::SIMDJSON_PADDING);
  auto parts = std::make_shared<TokenizerParts>();
  std::vector<AddedToken> added;
  for (ondemand::field field : document.get_object()) {
    const std::string name(std::string_view(field.unescaped_key()));
    if (name == "model") {
      parts->model = read_model(field.value(), text.size());
    } else {
      read_part(name, parse_json(std::string_view(simdjson::to_json_string(field.value())), name), *parts, added);
    }
  }
  if (!document.current_location().error()) {
    throw Error(ErrorKind::kInvalidFile, "tokenizer.json", "there is more behind the object");
  }
  if (!parts->model) throw Error(ErrorKind::kInvalidFile, "tokenizer.json", "the member 'model' is missing");
  parts->added_vocabulary.add(added, *parts->model, parts->normalizer.get());
  parts->finish();
  return parts;
}

}  // namespace

std::shared_ptr<TokenizerParts> read_tokenizer_json(std::string_view json, std::string_view where, bool mapped) {
  const ErrorScope scope(where);
  if (json.size() > kMaxFileBytes) throw Error(ErrorKind::kLimitExceeded, "tokenizer.json", "larger than 1 GiB");
  // The parser reads a few bytes beyond the end. Of a mapped file the rest of
  // the last page is there to be read; any other text is copied, and so is a
  // file that fills its last page.
  const size_t behind = json.size() % 4096;
  const bool in_place = mapped && behind != 0 && behind + simdjson::SIMDJSON_PADDING <= 4096;
  const simdjson::padded_string copy = in_place ? simdjson::padded_string() : simdjson::padded_string(json);
  try {
    return read_parts(in_place ? json : std::string_view(copy));
  } catch (const simdjson::simdjson_error& error) {
    throw Error(ErrorKind::kInvalidFile, "tokenizer.json", error.what());
  }
}

std::string write_tokenizer_json(const TokenizerParts& parts, bool pretty) {
  JsonWriter writer(pretty);
  const auto stage = [&](std::string_view name, const Stage* part) {
    if (part == nullptr) return writer.null_member(name);
    writer.key(name);
    part->write_json(writer);
  };
  writer.begin_object();
  writer.member("version", "1.0");
  write_truncation(writer, parts.truncation);
  write_padding(writer, parts.padding);
  writer.array("added_tokens", parts.added_vocabulary.tokens(),
               [&](const auto& entry) { write_added_token(writer, entry.second); });
  stage("normalizer", parts.normalizer.get());
  stage("pre_tokenizer", parts.pre_tokenizer.get());
  stage("post_processor", parts.post_processor.get());
  stage("decoder", parts.decoder.get());
  stage("model", parts.model.get());
  writer.end_object();
  return writer.take();
}

}  // namespace imago::tokenizers
