#include "imago/peft/prompt.h"

#include <fmt/core.h>

#include <filesystem>

#include "imago/base/error.h"
#include "imago/base/file.h"
#include "imago/base/quote.h"
#include "imago/io/safetensors.h"
#include "imago/nn/adapter.h"
#include "imago/nn/losses.h"
#include "imago/nn/torch_generator.h"
#include "imago/nn/virtual_keys.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/concat/concat.h"
#include "imago/ops/contiguous/contiguous.h"
#include "imago/ops/embedding/embedding.h"
#include "imago/ops/expand/expand.h"
#include "imago/ops/permute/permute.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/slice/slice.h"
#include "imago/peft/config_keys.h"
#include "imago/tensor/grad_meta.h"

namespace imago::peft {
namespace {

constexpr const char* kWhere = "prompt";
constexpr const char* kConfigFile = "/adapter_config.json";
constexpr const char* kWeightsFile = "/adapter_model.safetensors";
constexpr const char* kNetworkFile = "/prompt_encoder.safetensors";
constexpr const char* kTensor = "prompt_embeddings";
constexpr int64_t kMostTokens = 1 << 16, kMostLayers = 1 << 12, kLargestSize = 1 << 20;

bool is_known(const std::string& type) {
  return type == "PROMPT_TUNING" || type == "PREFIX_TUNING" || type == "P_TUNING";
}

std::optional<int64_t> take_size(Json& keys, const char* key, int64_t most, std::string_view where) {
  const Json value = take(keys, key);
  if (value.is_null()) return std::nullopt;
  if (value.is_number_integer() && value.get<int64_t>() >= 1 && value.get<int64_t>() <= most)
    return value.get<int64_t>();
  throw Error(ErrorKind::kInvalidFile, where, fmt::format("{} is {}", key, dump_json(value)),
              fmt::format("it is a number from 1 to {}", most));
}

// The first embedding with a row for each word of the vocabulary.
class WordsFinder final : public nn::AdapterVisitor {
 public:
  explicit WordsFinder(Model& model) {
    const Json config = parse_json(model.config().source.text, "config.json");
    const int64_t vocab_size = config.value("vocab_size", int64_t{-1});
    for_each_parameter(model, [&](const std::string& name, Tensor& tensor) {
      if (tensor.dim() == 2 && tensor.size(0) == vocab_size) tables_[name] = &tensor;
    });
  }
  void slot(const std::string& layer, nn::AdapterSlot& slot) override {
    const auto table = tables_.find(layer + ".weight");
    const bool embeds = slot.kind == nn::AdapterSlot::Kind::kEmbedding;
    if (found == nullptr && embeds && table != tables_.end()) found = table->second;
  }
  Tensor* found = nullptr;

 private:
  std::map<std::string, Tensor*> tables_;
};

// What a model of these keys has; the names differ between architectures.
int64_t config_number(const Json& config, std::initializer_list<const char*> keys) {
  for (const char* key : keys) {
    if (config.contains(key) && config.at(key).is_number_integer()) return config.at(key).get<int64_t>();
  }
  throw Error(ErrorKind::kUnsupported, kWhere, fmt::format("config.json has no {}", *keys.begin()),
              "say token_dim, num_attention_heads and num_layers in the adapter's configuration");
}

void complete(PromptConfig& prompt, const Config& config, int64_t hidden_size) {
  const Json json = parse_json(config.source.text, "config.json");
  if (!prompt.num_layers) prompt.num_layers = config_number(json, {"num_hidden_layers", "n_layer", "num_layers"});
  if (!prompt.num_attention_heads) {
    const int64_t heads = config_number(json, {"num_attention_heads", "n_head", "num_heads"});
    const int64_t shared =
        prompt.is_prefix() && json.contains("num_key_value_heads") && json.at("num_key_value_heads").is_number_integer()
            ? json.at("num_key_value_heads").get<int64_t>()
            : heads;
    if (!prompt.token_dim) prompt.token_dim = hidden_size / heads * shared;
    prompt.num_attention_heads = shared;
  }
  if (!prompt.token_dim) prompt.token_dim = hidden_size;
}

Tensor ones_before(const Tensor& mask, int64_t count) {
  return concat({Tensor::ones({mask.size(0), count}, mask.dtype()), mask}, 1);
}

}  // namespace

PromptConfig PromptConfig::read(const Json& json, std::string_view where) {
  Json keys = json;
  PromptConfig config;
  config.peft_type = take_optional_text(keys, "peft_type", where).value_or("");
  if (!is_known(config.peft_type)) {
    throw Error(ErrorKind::kUnsupported, where, fmt::format("peft_type is {}", quote(config.peft_type)),
                "PROMPT_TUNING, PREFIX_TUNING and P_TUNING learn prompts");
  }
  const std::optional<std::string> task = take_optional_text(keys, "task_type", where);
  if (task && *task != "CAUSAL_LM") {
    throw Error(ErrorKind::kUnsupported, where, fmt::format("a prompt for the task {}", quote(*task)),
                "prompts are computed for CAUSAL_LM");
  }
  config.base_model_name_or_path = take_optional_text(keys, "base_model_name_or_path", where);
  config.revision = take_optional_text(keys, "revision", where);
  config.num_virtual_tokens = take_size(keys, "num_virtual_tokens", kMostTokens, where).value_or(0);
  config.token_dim = take_size(keys, "token_dim", kLargestSize, where);
  config.num_attention_heads = take_size(keys, "num_attention_heads", kLargestSize, where);
  config.num_layers = take_size(keys, "num_layers", kMostLayers, where);
  const int64_t submodules = take_size(keys, "num_transformer_submodules", 2, where).value_or(1);
  if (submodules != 1) throw Error(ErrorKind::kUnsupported, where, "a prompt for an encoder and a decoder");
  config.encoder_hidden_size = take_size(keys, "encoder_hidden_size", kLargestSize, where);
  config.encoder_reparameterization_type =
      take_optional_text(keys, "encoder_reparameterization_type", where).value_or("MLP");
  config.prefix_projection = take_bool(keys, "prefix_projection", false, where);
  // How values were first chosen: the file has what came of it.
  for (const char* inert :
       {"auto_mapping", "peft_version", "inference_mode", "prompt_tuning_init", "prompt_tuning_init_text",
        "tokenizer_name_or_path", "tokenizer_kwargs", "init_weights", "encoder_num_layers", "encoder_dropout"}) {
    take(keys, inert);
  }
  expect_unset(keys, "modules_to_save", where);
  for (const auto& [key, value] : keys.items()) {
    throw Error(ErrorKind::kUnsupported, where, fmt::format("{} is {}", quote(key), quote(dump_json(value))),
                "this key of prompts is not supported");
  }
  if (config.num_virtual_tokens == 0) {
    throw Error(ErrorKind::kInvalidArgument, where, "there are no virtual tokens", "set num_virtual_tokens");
  }
  return config;
}

Json PromptConfig::write() const {
  const auto or_null = [](const auto& value) { return value ? Json(*value) : Json(); };
  Json json = {{"auto_mapping", nullptr},
               {"base_model_name_or_path", or_null(base_model_name_or_path)},
               {"inference_mode", true},
               {"num_attention_heads", or_null(num_attention_heads)},
               {"num_layers", or_null(num_layers)},
               {"num_transformer_submodules", 1},
               {"num_virtual_tokens", num_virtual_tokens},
               {"peft_type", peft_type},
               {"revision", or_null(revision)},
               {"task_type", "CAUSAL_LM"},
               {"token_dim", or_null(token_dim)}};
  if (is_prefix()) json["prefix_projection"] = prefix_projection;
  if (!is_prefix() && has_network()) json["encoder_reparameterization_type"] = encoder_reparameterization_type;
  if (has_network()) json["encoder_hidden_size"] = or_null(encoder_hidden_size);
  return json;
}

bool is_prompt(const std::string& folder) {
  const std::string path = folder + kConfigFile;
  if (!std::filesystem::exists(path)) return false;
  const Json json = read_json(path);
  return json.is_object() && json.contains("peft_type") && json.at("peft_type").is_string() &&
         is_known(json.at("peft_type").get<std::string>());
}

PromptedCausalLM::PromptedCausalLM(std::unique_ptr<Model> base, PromptConfig config, uint64_t seed)
    : base_(std::move(base)), causal_(dynamic_cast<const CausalLM*>(base_.get())), prompt_(std::move(config)) {
  if (causal_ == nullptr)
    throw Error(ErrorKind::kUnsupported, kWhere, "the model is no causal language model", "give one that is");
  WordsFinder finder(*base_);
  base_->each_field(finder);
  words_ = finder.found;
  if (words_ == nullptr) throw Error(ErrorKind::kUnsupported, kWhere, "the model has no table of vocab_size tokens");
  complete(prompt_, base_->config(), words_->size(1));
  if (prompt_.num_virtual_tokens < 1)
    throw Error(ErrorKind::kInvalidArgument, kWhere, "there are no virtual tokens", "set num_virtual_tokens");
  TorchGenerator random(seed);
  if (!prompt_.has_network()) {
    embeddings_ = random.normal(expected_shape(), 1);
    return;
  }
  const int64_t inner = prompt_.encoder_hidden_size.value_or(*prompt_.token_dim), outer = expected_shape()[1];
  prompt_.encoder_hidden_size = inner;
  if (prompt_.is_prefix()) {
    network_.emplace("transform", true, prompt_.num_virtual_tokens, std::vector{*prompt_.token_dim, inner, outer},
                     random);
  } else if (prompt_.encoder_reparameterization_type == "MLP") {
    network_.emplace("mlp_head", false, prompt_.num_virtual_tokens,
                     std::vector{*prompt_.token_dim, inner, inner, outer}, random);
  } else {
    throw Error(ErrorKind::kUnsupported, kWhere,
                "encoder_reparameterization_type is " + quote(prompt_.encoder_reparameterization_type),
                "networks of the type MLP are trained");
  }
}

Shape PromptedCausalLM::expected_shape() const {
  const int64_t width = prompt_.is_prefix() ? *prompt_.num_layers * 2 * *prompt_.token_dim : *prompt_.token_dim;
  return {prompt_.num_virtual_tokens, width};
}

std::unique_ptr<PromptedCausalLM> PromptedCausalLM::load(std::unique_ptr<Model> base, const std::string& folder) {
  const std::string config_file = folder + kConfigFile;
  PromptConfig config = PromptConfig::read(read_json(config_file), config_file);
  const PromptConfig said = config;
  const bool with_network = config.has_network() && std::filesystem::exists(folder + kNetworkFile);
  if (!with_network && config.has_network()) {
    config.prefix_projection = false;
    if (!config.is_prefix()) config.peft_type = "PROMPT_TUNING";
  }
  auto model = std::make_unique<PromptedCausalLM>(std::move(base), config, 0);
  if (!with_network) {
    model->prompt_.peft_type = said.peft_type;
    model->prompt_.prefix_projection = said.prefix_projection;
  }
  model->load_values(folder);
  return model;
}

void PromptedCausalLM::load_values(const std::string& folder) {
  if (network_) return network_->load(folder + kNetworkFile);
  const std::string weights_file = folder + kWeightsFile;
  const SafetensorsFile file = SafetensorsFile::open(weights_file);
  for (const std::string& name : file.names()) {
    if (name != kTensor) throw Error(ErrorKind::kInvalidFile, weights_file, name + " is no part of a prompt");
  }
  const Tensor found = file.tensor(kTensor);
  if (!(found.shape() == expected_shape())) {
    throw Error(
        ErrorKind::kInvalidFile, weights_file,
        fmt::format("{} is {}, the configuration says {}", kTensor, found.describe(), expected_shape().to_string()));
  }
  const bool trainable = embeddings_.requires_grad();
  const NoGrad no_grad;
  embeddings_ = clone(cast(found, DType::f32));
  embeddings_.set_requires_grad(trainable);
}

void PromptedCausalLM::save(const std::string& folder) const {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) throw Error(ErrorKind::kIo, folder, error.message());
  const NoGrad no_grad;
  const NamedTensors tensors = {{kTensor, contiguous(embeddings().detach())}};
  if (network_) const_cast<PromptEncoder&>(*network_).save(folder + kNetworkFile);
  save_safetensors(folder + kWeightsFile, tensors, SafetensorsMetadata{{"format", "pt"}});
  write_file_atomically(folder + kConfigFile, dump_json(prompt_.write(), 2) + "\n");
}

LogitsOutput PromptedCausalLM::forward(const TextInputs& inputs) const {
  if (inputs.position_ids && inputs.past_key_values == nullptr) {
    throw Error(ErrorKind::kUnsupported, kWhere, "position_ids of a row with virtual tokens", "leave them out");
  }
  TextInputs longer = inputs;
  longer.position_ids = {};  // counted anew from the cache, as the reference does when it generates
  const int64_t count = prompt_.num_virtual_tokens;
  const int64_t past = inputs.past_key_values != nullptr ? inputs.past_key_values->length() : 0;
  if (Tensor& mask = longer.attention_mask; mask.defined()) {
    // Whoever counts the cache's tokens has added ones for the virtual ones, behind all.
    const int64_t tokens = past + (inputs.input_ids ? inputs.input_ids : inputs.inputs_embeds).size(1);
    mask = ones_before(past > 0 && mask.size(1) == tokens ? narrow(mask, 1, 0, tokens - count) : mask, count);
  }
  // Later tokens find what is before them in the cache.
  if (past > 0) return causal_->forward(longer);
  return prompt_.is_prefix() ? forward_with_keys(std::move(longer)) : forward_with_tokens(std::move(longer));
}

LogitsOutput PromptedCausalLM::forward_with_tokens(TextInputs inputs) const {
  const Tensor x_BTD = inputs.inputs_embeds ? inputs.inputs_embeds : embedding(inputs.input_ids, *words_);
  const int64_t batch = x_BTD.size(0), count = prompt_.num_virtual_tokens;
  const Tensor prompt = expand(unsqueeze(cast(embeddings(), x_BTD.dtype()), 0), {batch, count, x_BTD.size(2)});
  inputs.inputs_embeds = concat({prompt, x_BTD}, 1);
  inputs.input_ids = {};
  if (inputs.labels) {
    const Tensor none = Tensor::full({batch, count}, nn::kIgnoredLabel, inputs.labels.dtype());
    inputs.labels = concat({none, inputs.labels}, 1);
  }
  return causal_->forward(inputs);
}

LogitsOutput PromptedCausalLM::forward_with_keys(TextInputs inputs) const {
  const Tensor& rows = inputs.input_ids ? inputs.input_ids : inputs.inputs_embeds;
  const int64_t batch = rows.size(0), count = prompt_.num_virtual_tokens, layers = *prompt_.num_layers;
  const int64_t heads = *prompt_.num_attention_heads, size = *prompt_.token_dim / heads;
  // [tokens, 2 L, H, K] -> [2 L, 1, H, tokens, K]
  const Tensor all = permute(reshape(embeddings(), {count, 2 * layers, heads, size}), {1, 2, 0, 3});
  std::vector<KeysValues> prefix;
  for (int64_t layer = 0; layer < layers; ++layer) {
    const auto of_rows = [&](int64_t index) {
      return expand(unsqueeze(select(all, 0, index), 0), {batch, heads, count, size});
    };
    prefix.push_back({of_rows(2 * layer), of_rows(2 * layer + 1)});
  }
  inputs.position_ids =
      unsqueeze(Tensor::arange(static_cast<double>(count), static_cast<double>(count + rows.size(1))), 0);
  const nn::VirtualKeys keys(std::move(prefix));
  LogitsOutput output = causal_->forward(inputs);
  if (keys.layers_used() != static_cast<size_t>(layers)) {
    throw Error(ErrorKind::kUnsupported, kWhere,
                fmt::format("{} of {} layers have keys before which a prefix could stand", keys.layers_used(), layers),
                "choose PROMPT_TUNING");
  }
  return output;
}

}  // namespace imago::peft
