#include "imago/tokenizers/pretrained_tokenizer.h"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>

#include "imago/base/error.h"
#include "imago/base/json.h"

namespace imago {
namespace {

// What the reference writes where a model has no limit is 1e30.
constexpr double kNoLimit = 1e15;

std::optional<Json> read_json_if_there(const std::string& path) {
  if (!std::filesystem::exists(path)) return std::nullopt;
  return read_json(path);
}

// A token is given as its text, or as an object with its text and flags.
std::optional<std::string> token_text(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_object() && value.contains("content") && value["content"].is_string())
    return value["content"].get<std::string>();
  return std::nullopt;
}

void read_special_tokens(const Json& json, SpecialTokens& tokens) {
  const std::pair<const char*, std::optional<std::string>*> roles[] = {
      {"bos_token", &tokens.bos_token},  {"eos_token", &tokens.eos_token}, {"unk_token", &tokens.unk_token},
      {"sep_token", &tokens.sep_token},  {"pad_token", &tokens.pad_token}, {"cls_token", &tokens.cls_token},
      {"mask_token", &tokens.mask_token}};
  for (const auto& [key, slot] : roles) {
    if (const auto found = json.find(key); found != json.end()) *slot = token_text(*found);
  }
  for (const char* key : {"additional_special_tokens", "extra_special_tokens"}) {
    const auto found = json.find(key);
    if (found == json.end() || !found->is_array()) continue;
    tokens.additional_special_tokens.clear();
    for (const Json& item : *found) {
      if (auto text = token_text(item)) tokens.additional_special_tokens.push_back(std::move(*text));
    }
  }
}

// Tokens that tokenizer_config.json adds and tokenizer.json does not have yet, in the order of their ids.
std::vector<AddedToken> added_tokens_decoder(const Json& config) {
  std::vector<AddedToken> tokens;
  const auto found = config.find("added_tokens_decoder");
  if (found == config.end() || !found->is_object()) return tokens;
  for (const auto& [id, value] : found->items()) {
    const auto text = token_text(value);
    if (!text || id.empty() || id.size() > 9 || id.find_first_not_of("0123456789") != std::string::npos) {
      throw Error(ErrorKind::kInvalidFile, "tokenizer_config.json",
                  fmt::format("added_tokens_decoder has the entry \"{}\"", id));
    }
    AddedToken token{static_cast<int32_t>(std::stol(id)), *text};
    token.single_word = value.value("single_word", false);
    token.lstrip = value.value("lstrip", false);
    token.rstrip = value.value("rstrip", false);
    token.normalized = value.value("normalized", true);
    token.special = value.value("special", false);
    tokens.push_back(std::move(token));
  }
  std::sort(tokens.begin(), tokens.end(), [](const AddedToken& a, const AddedToken& b) { return a.id < b.id; });
  return tokens;
}

}  // namespace

PretrainedTokenizer PretrainedTokenizer::from_folder(const std::string& folder) {
  const std::string path = folder + "/tokenizer.json";
  if (!std::filesystem::exists(path)) {
    throw Error(ErrorKind::kNotFound, "tokenizer", fmt::format("{} has no tokenizer.json", folder),
                "save the tokenizer in that format beside the model");
  }
  PretrainedTokenizer result(Tokenizer::from_file(path));
  try {
    if (const auto json = read_json_if_there(folder + "/special_tokens_map.json"))
      read_special_tokens(*json, result.special_tokens_);
    if (const auto json = read_json_if_there(folder + "/tokenizer_config.json")) {
      read_special_tokens(*json, result.special_tokens_);
      const std::vector<AddedToken> added = added_tokens_decoder(*json);
      result.tokenizer_.add_tokens(added);
      result.padding_side_ = json->value("padding_side", std::string("right"));
      result.clean_up_tokenization_spaces_ = json->value("clean_up_tokenization_spaces", false);
      if (const auto found = json->find("model_max_length"); found != json->end() && found->is_number()) {
        if (found->get<double>() < kNoLimit) result.model_max_length_ = found->get<int64_t>();
      }
    }
  } catch (const nlohmann::json::exception& error) {
    throw Error(ErrorKind::kInvalidFile, "tokenizer_config.json", error.what());
  }
  return result;
}

std::optional<int32_t> PretrainedTokenizer::id_of(const std::optional<std::string>& token) const {
  return token ? tokenizer_.token_to_id(*token) : std::nullopt;
}

TokenBatch PretrainedTokenizer::encode_batch(std::span<const std::string> texts, std::span<const std::string> pairs,
                                             std::optional<int64_t> max_length) const {
  if (!pairs.empty() && pairs.size() != texts.size()) {
    throw Error(ErrorKind::kInvalidArgument, "tokenizer",
                fmt::format("{} texts with {} pairs", texts.size(), pairs.size()));
  }
  Tokenizer plain = tokenizer_;  // what tokenizer.json says of padding and truncation does not count here
  plain.set_padding(std::nullopt);
  plain.set_truncation(std::nullopt);
  EncodeOptions options;
  if (max_length) options.truncation = Truncation{.max_length = static_cast<size_t>(*max_length)};

  TokenBatch batch;
  batch.rows = static_cast<int64_t>(texts.size());
  for (size_t i = 0; i < texts.size(); ++i) {
    options.pair = pairs.empty() ? std::nullopt : std::optional<std::string_view>(pairs[i]);
    batch.encodings.push_back(plain.encode(texts[i], options));
    batch.tokens = std::max(batch.tokens, static_cast<int64_t>(batch.encodings.back().size()));
  }
  const int64_t pad = pad_token_id().value_or(0);
  for (const Encoding& encoding : batch.encodings) {
    const auto padding = static_cast<size_t>(batch.tokens) - encoding.size();
    const bool left = padding_side_ == "left";
    const auto append = [&](std::vector<int64_t>& list, const auto& values, int64_t fill) {
      if (left) list.insert(list.end(), padding, fill);
      list.insert(list.end(), values.begin(), values.end());
      if (!left) list.insert(list.end(), padding, fill);
    };
    append(batch.input_ids, encoding.ids, pad);
    append(batch.attention_mask, encoding.attention_mask, 0);
    append(batch.token_type_ids, encoding.type_ids, 0);
  }
  return batch;
}

std::string PretrainedTokenizer::decode(std::span<const int64_t> ids, bool skip_special_tokens) const {
  const std::vector<int32_t> narrow(ids.begin(), ids.end());
  return tokenizer_.decode(narrow, {.skip_special_tokens = skip_special_tokens,
                                    .clean_up_tokenization_spaces = clean_up_tokenization_spaces_});
}

}  // namespace imago
