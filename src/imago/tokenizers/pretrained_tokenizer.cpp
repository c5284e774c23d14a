#include "imago/tokenizers/pretrained_tokenizer.h"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/tokenizers/legacy/class_stages.h"
#include "imago/tokenizers/legacy/legacy_tokenizer.h"
#include "imago/tokenizers/processors/processors.h"
#include "imago/tokenizers/tokenizer_parts.h"

namespace imago {
namespace {

// What the reference writes where a model has no limit is 1e30.
constexpr double kNoLimit = 1e15;

// The class that tokenizer_config.json names, or the one that goes with the model; empty where neither says.
std::string class_name_of(const std::string& folder, const Json& config) {
  if (const auto found = config.find("tokenizer_class"); found != config.end() && found->is_string()) {
    return found->get<std::string>();
  }
  const std::string path = folder + "/config.json";
  if (!std::filesystem::exists(path)) return {};
  const Json model = read_json(path);
  if (!model.is_object()) return {};
  const auto type = model.find("model_type");
  if (type == model.end() || !type->is_string()) return {};
  return std::string(tokenizers::tokenizer_class_of_model(type->as_string()));
}

bool is_generic(std::string_view class_name) {
  constexpr std::string_view kGeneric[] = {"", "PreTrainedTokenizer", "PreTrainedTokenizerFast", "TokenizersBackend"};
  return std::find(std::begin(kGeneric), std::end(kGeneric), class_name) != std::end(kGeneric);
}

}  // namespace

// What is known of languages: the class, and tokenizer_config.json.
struct PretrainedTokenizer::Languages {
  const tokenizers::TokenizerClass& tokenizer_class;
  Json config;

  // The token of a language, which must be one that the vocabulary has.
  std::string token(const Tokenizer& tokenizer, const std::string& language) const {
    Json with_language = config;
    with_language["src_lang"] = language;
    std::string token = tokenizer_class.language(tokenizers::ClassOptions(with_language));
    if (!tokenizer.token_to_id(token)) {
      throw Error(ErrorKind::kInvalidArgument, "tokenizer",
                  fmt::format("the language '{}' is not in the vocabulary", language),
                  fmt::format("name it as src_lang of a {} does", tokenizer_class.name));
    }
    return token;
  }
};

PretrainedTokenizer PretrainedTokenizer::for_source_language(const std::string& language) const {
  if (!languages_) throw Error(ErrorKind::kUnsupported, "tokenizer", "its texts have no language of their own");
  PretrainedTokenizer result = *this;
  const tokenizers::ClassOptions options(languages_->config);
  const auto id_of = [&](std::string_view token) { return tokenizer_.token_to_id(token); };
  const tokenizers::ProcessorInput input{options, special_tokens_, id_of, languages_->token(tokenizer_, language)};
  const tokenizers::TokenizerClass& tokenizer_class = languages_->tokenizer_class;
  const Json processor = tokenizer_class.post_processor != nullptr
                             ? tokenizer_class.post_processor(input)
                             : tokenizers::template_processor(input, tokenizer_class.single, tokenizer_class.pair);
  auto parts = std::make_shared<TokenizerParts>(tokenizer_.parts());
  parts->replace_post_processor(tokenizers::make_processor(processor));
  result.tokenizer_ = Tokenizer(std::move(parts));
  return result;
}

int32_t PretrainedTokenizer::language_token_id(const std::string& language) const {
  if (!languages_) throw Error(ErrorKind::kUnsupported, "tokenizer", "its texts have no language of their own");
  return *tokenizer_.token_to_id(languages_->token(tokenizer_, language));
}

PretrainedTokenizer PretrainedTokenizer::from_folder(const std::string& folder) {
  if (folder.ends_with(".gguf") && std::filesystem::is_regular_file(folder)) return from_file(folder);
  const ErrorScope scope(folder);
  const std::string path = folder + "/tokenizer.json";
  const Json config = tokenizers::read_tokenizer_config(folder);
  const std::string class_name = class_name_of(folder, config);
  if (const char* why = tokenizers::why_refused(class_name); why != nullptr) {
    throw Error(ErrorKind::kUnsupported, "tokenizer_config.json",
                fmt::format("the tokenizer class '{}': {}", class_name, why));
  }
  const tokenizers::TokenizerClass* tokenizer_class = tokenizers::find_tokenizer_class(class_name);
  const tokenizers::SpecialTokenValues values = tokenizers::read_special_token_values(config, tokenizer_class);

  // The reference's classes in Python do not look at a tokenizer.json.
  const bool own_files = tokenizer_class != nullptr && tokenizer_class->read != nullptr;
  std::optional<PretrainedTokenizer> result;
  if (std::filesystem::exists(path) && !own_files) {
    result.emplace(Tokenizer::from_file(path));
    result->special_tokens_ = values.special_tokens();
    result->tokenizer_.add_tokens(values.added);
  } else {
    // What an unknown class would make of the files is a guess, and a wrong guess is wrong ids.
    if (tokenizer_class == nullptr && !is_generic(class_name)) {
      throw Error(ErrorKind::kUnsupported, "tokenizer_config.json",
                  fmt::format("the tokenizer class '{}' without a tokenizer.json", class_name),
                  "save the tokenizer as tokenizer.json beside the model");
    }
    tokenizers::LegacyTokenizer legacy = tokenizers::read_legacy_folder(folder, config, tokenizer_class, values);
    result.emplace(std::move(legacy.tokenizer));
    result->special_tokens_ = std::move(legacy.special_tokens);
  }

  const tokenizers::ClassOptions options(config);
  result->padding_side_ = tokenizer_class != nullptr && tokenizer_class->pads_left ? "left" : "right";
  if (const auto side = config.find("padding_side"); side != config.end() && !side->is_null()) {
    if (*side != "left" && *side != "right") {
      throw Error(ErrorKind::kInvalidFile, "tokenizer_config.json", "padding_side is neither \"left\" nor \"right\"");
    }
    result->padding_side_ = side->get<std::string>();
  }
  if (tokenizer_class != nullptr && tokenizer_class->translates) {
    result->languages_ = std::make_shared<const Languages>(Languages{*tokenizer_class, config});
  }
  const bool cleans_up = tokenizer_class != nullptr && tokenizer_class->cleans_up;
  result->clean_up_tokenization_spaces_ = options.boolean("clean_up_tokenization_spaces", cleans_up);
  if (tokenizer_class != nullptr && tokenizer_class->model_max_length > 0) {
    result->model_max_length_ = tokenizer_class->model_max_length;
  }
  if (const auto found = config.find("model_max_length"); found != config.end() && found->is_number()) {
    result->model_max_length_ = std::nullopt;
    if (found->get<double>() < kNoLimit) result->model_max_length_ = found->get<int64_t>();
  }
  return *std::move(result);
}

PretrainedTokenizer PretrainedTokenizer::from_file(const std::string& path) {
  const ErrorScope scope(path);
  if (path.ends_with(".json")) return PretrainedTokenizer(Tokenizer::from_file(path));
  tokenizers::LegacyTokenizer legacy = tokenizers::read_legacy_file(path);
  PretrainedTokenizer result(std::move(legacy.tokenizer));
  result.special_tokens_ = std::move(legacy.special_tokens);
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
