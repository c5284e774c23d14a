// The decoder that most language models are today: embeddings, layers whose attention knows positions by rotation, and
// a norm. B batch, T tokens, D hidden.
#pragma once

#include "imago/nn/backbone.h"
#include "imago/nn/dropout.h"
#include "imago/nn/embeddings.h"
#include "imago/nn/grouped_query_attention.h"
#include "imago/nn/word_table.h"
#include "imago/ops/operators.h"

namespace imago::nn {

// The rotary positions of a configuration that has the usual keys; one with others has an overload in its namespace.
template <class C>
RotaryConfig rotary_config(const C& c) {
  return RotaryConfig::read(c.rope_parameters, c.rope_scaling, c.rope_theta, c.head_size(), c.max_position_embeddings);
}

// A layer that normalises what goes into its two parts. Both are made of the configuration and the layer's number.
template <class Attention, class MLP, class Norm = RMSNorm>
struct PreNormLayer : Module {
  Attention self_attn;
  MLP mlp;
  Norm input_layernorm, post_attention_layernorm;
  FIELDS(self_attn, mlp, input_layernorm, post_attention_layernorm)

  template <class C>
  PreNormLayer(const C& c, int64_t layer)
      : self_attn(c, layer),
        mlp(c, layer),
        input_layernorm(c.hidden_size, c.rms_norm_eps),
        post_attention_layernorm(c.hidden_size, c.rms_norm_eps) {}
  Tensor operator()(const Tensor& x_BTD, const RotaryContext& context) const {
    const Tensor h_BTD = x_BTD + self_attn(input_layernorm(x_BTD), context);
    return h_BTD + mlp(post_attention_layernorm(h_BTD));
  }
};

// Layer is made of the configuration and its number, and computes from x and a RotaryContext.
template <class C, class Layer, class Norm = RMSNorm>
struct RotaryDecoder : Backbone<C>, WordTable {
  static constexpr FieldName kBaseModelPrefix = "model";
  static constexpr const char* kInputEmbeddings = "embed_tokens.weight";
  Embedding embed_tokens;
  std::vector<Layer> layers;
  Norm norm;
  FIELDS(embed_tokens, layers, norm)

  explicit RotaryDecoder(const C& c)
      : Backbone<C>(c),
        embed_tokens(c.vocab_size, c.hidden_size, c.pad_token_id),
        norm(c.hidden_size, c.rms_norm_eps),
        rotary_(rotary_config(c)) {
    for (int64_t layer = 0; layer < c.num_hidden_layers; ++layer) layers.emplace_back(c, layer);
  }
  // Old checkpoints keep the frequencies, which follow from config.json.
  WeightMap weight_map() const override {
    return {.base_model_prefix = kBaseModelPrefix.string(), .ignored = {"*rotary_emb.inv_freq"}};
  }
  BaseModelOutput forward(const TextInputs& in) const override {
    Recorder record(in);
    Tensor x_BTD = embed(in, embed_tokens);
    const RotaryContext context{angles(in, x_BTD), causal_attention(in, x_BTD, record)};
    double dropped = 0;
    if constexpr (requires { this->config().attention_dropout; }) dropped = this->config().attention_dropout;
    const AttentionDropout attention_dropout(dropped);
    for (const Layer& layer : layers) x_BTD = layer(record(x_BTD), context);
    return record.finish(norm(x_BTD));
  }
  const Embedding& word_embeddings() const override { return embed_tokens; }
  std::string word_embeddings_name() const override { return kInputEmbeddings; }

 protected:
  virtual RotaryAngles angles(const TextInputs& in, const Tensor& x_BTD) const {
    return rotary_(position_ids(in, x_BTD), x_BTD.dtype());
  }
  const Rotary& rotary() const { return rotary_; }

 private:
  Rotary rotary_;
};

}  // namespace imago::nn
