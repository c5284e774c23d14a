// RWKV 4 (Peng et al. 2023, "RWKV: Reinventing RNNs for the Transformer Era").
#pragma once

#include "imago/nn/backbone.h"
#include "imago/nn/heads/language_model.h"

namespace imago::rwkv {

struct RwkvConfig : Config {
  static constexpr const char* kModelType = "rwkv";
  int64_t vocab_size = 50277, hidden_size = 4096, num_hidden_layers = 32;
  std::optional<int64_t> attention_hidden_size, intermediate_size;
  double layer_norm_epsilon = 1e-5;
  int64_t rescale_every = 6;                         // hidden states are halved behind so many layers; 0 for never
  JsonText context_length, max_position_embeddings;  // of no effect: the length that it was trained on
  FIELDS_AND(Config, vocab_size, hidden_size, num_hidden_layers, attention_hidden_size, intermediate_size,
             layer_norm_epsilon, rescale_every, context_length, max_position_embeddings)

  RwkvConfig();
};

// A mean of the values of all tokens so far whose weights are exp(key), falling by the channel's decay with each token.
struct SelfAttention : Module {
  Tensor time_decay, time_first, time_mix_key, time_mix_value, time_mix_receptance;
  nn::Linear key, value, receptance, output;
  FIELDS(time_decay, time_first, time_mix_key, time_mix_value, time_mix_receptance, key, value, receptance, output)

  explicit SelfAttention(const RwkvConfig& c);
  // `last` is what came in at the token before [B, 1, D], `sums` the state of the mean; both undefined at the first.
  Tensor operator()(const Tensor& x_BTD, Tensor& last, Tensors& sums) const;

 private:
  Tensor mean(const Tensor& key_BTA, const Tensor& value_BTA, Tensors& sums) const;
};

struct FeedForward : Module {
  Tensor time_mix_key, time_mix_receptance;
  nn::Linear key, receptance, value;
  FIELDS(time_mix_key, time_mix_receptance, key, receptance, value)

  explicit FeedForward(const RwkvConfig& c);
  Tensor operator()(const Tensor& x_BTD, Tensor& last) const;
};

struct Block : Module {
  nn::LayerNorm pre_ln, ln1, ln2;
  SelfAttention attention;
  FeedForward feed_forward;
  FIELDS(pre_ln, ln1, ln2, attention, feed_forward)

  Block(const RwkvConfig& c, int64_t layer);
  Tensor operator()(const Tensor& x_BTD, KeyValueCache* cache, Tensors* attentions) const;

  int64_t layer;
  double scale, scale_after;  // of what the parts add, and of the sum
};

struct RwkvModel : nn::Backbone<RwkvConfig> {
  static constexpr nn::FieldName kBaseModelPrefix = "rwkv";
  static constexpr const char* kInputEmbeddings = "embeddings.weight";
  nn::Embedding embeddings;
  std::vector<Block> blocks;
  nn::LayerNorm ln_out;
  FIELDS(embeddings, blocks, ln_out)

  explicit RwkvModel(const RwkvConfig& c);
  WeightMap weight_map() const override;
  BaseModelOutput forward(const TextInputs& in) const override;
};

using RwkvForCausalLM = nn::AlsoServes<nn::ForCausalLM<RwkvModel, nn::LMHead, "head">, "AutoModelForPreTraining">;

}  // namespace imago::rwkv
