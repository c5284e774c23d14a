// Learned tokens before a prompt, and learned keys and values before those of each layer: prompt tuning (Lester et al.
// 2021), P-tuning (Liu et al. 2021) and prefix tuning (Li and Liang 2021), in PEFT's format.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "imago/base/json.h"
#include "imago/nn/model.h"
#include "imago/peft/prompt_encoder.h"

namespace imago::peft {

// What adapter_config.json says.
struct PromptConfig {
  std::string peft_type = "PROMPT_TUNING";  // or "PREFIX_TUNING" or "P_TUNING"
  std::optional<std::string> base_model_name_or_path, revision;
  int64_t num_virtual_tokens = 0;
  // Of the model, where absent: the size of a token's vector (of prefixes: of all key/value heads), heads and layers.
  std::optional<int64_t> token_dim, num_attention_heads, num_layers;
  // Of the network that gives the prompt while it is trained: P_TUNING's, which is "MLP" (or "LSTM", which is not
  // trained here), and that of prefixes with `prefix_projection`. Its size is token_dim where absent.
  std::optional<int64_t> encoder_hidden_size;
  std::string encoder_reparameterization_type = "MLP";
  bool prefix_projection = false;

  bool is_prefix() const { return peft_type == "PREFIX_TUNING"; }
  bool has_network() const { return peft_type == "P_TUNING" || (is_prefix() && prefix_projection); }
  // Throws Error kUnsupported for another kind, and for keys that are not known to leave the arithmetic alone.
  static PromptConfig read(const Json& json, std::string_view where);
  Json write() const;
};

// Whether a folder's adapter is of these kinds.
bool is_prompt(const std::string& folder);

// A causal language model with what was learned before each row. Its parameters by name are the base's own. Logits of
// prompt tuning are of the virtual tokens, too, as in the reference; labels are the caller's tokens'.
class PromptedCausalLM final : public CausalLM {
 public:
  // With fresh values, which the seed gives. Throws Error kInvalidArgument where there are no virtual tokens, and
  // kUnsupported for a network with LSTM.
  PromptedCausalLM(std::unique_ptr<Model> base, PromptConfig config, uint64_t seed);
  // From a folder with adapter_config.json and adapter_model.safetensors. Throws what reading throws, and Error
  // kInvalidFile for tensors that are missing, unexpected or of another shape. A network is there again where the
  // folder has it; PEFT's own folders have what it gave.
  static std::unique_ptr<PromptedCausalLM> load(std::unique_ptr<Model> base, const std::string& folder);

  // Both files, each replaced atomically; and prompt_encoder.safetensors where there is a network.
  void save(const std::string& folder) const;
  void load_values(const std::string& folder);

  Tensor& prompt_embeddings() { return embeddings_; }  // of no meaning with a network
  PromptEncoder* network() { return network_ ? &*network_ : nullptr; }
  const PromptConfig& prompt_config() const { return prompt_; }
  Model& base() { return *base_; }

  void each_field(FieldVisitor& visitor) override { base_->each_field(visitor); }
  const Config& config() const override { return base_->config(); }
  WeightMap weight_map() const override { return base_->weight_map(); }
  LogitsOutput forward(const TextInputs& inputs) const override;

 private:
  LogitsOutput forward_with_tokens(TextInputs inputs) const;
  LogitsOutput forward_with_keys(TextInputs inputs) const;
  Shape expected_shape() const;
  Tensor embeddings() const { return network_ ? (*network_)() : embeddings_; }

  std::unique_ptr<Model> base_;
  const CausalLM* causal_;
  PromptConfig prompt_;
  Tensor* words_ = nullptr;  // the base's table of tokens
  Tensor embeddings_;        // [virtual tokens, token_dim], or of prefixes [virtual tokens, layers * 2 * token_dim]
  std::optional<PromptEncoder> network_;
};

}  // namespace imago::peft
