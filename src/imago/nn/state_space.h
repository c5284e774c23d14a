// What recurrent models with state spaces share (Gu and Dao 2023, "Mamba: Linear-Time Sequence Modeling with Selective
// State Spaces"). B batch, T tokens, C channels, D hidden.
#pragma once

#include "imago/nn/backbone.h"
#include "imago/nn/embeddings.h"
#include "imago/nn/heads/language_model.h"
#include "imago/nn/keep_finite.h"
#include "imago/nn/recorder.h"
#include "imago/ops/cast/cast.h"

namespace imago::nn {

// A convolution of each channel by itself that looks back kernel_size - 1 tokens.
struct CausalConvolution : Module {
  Tensor weight, bias;
  FIELDS(weight, bias)

  CausalConvolution(int64_t channels, int64_t kernel_size, bool with_bias);
  // Of x [B, C, T] behind `past` [B, C, kernel_size - 1], which becomes that of the next tokens; undefined for zeros.
  Tensor operator()(const Tensor& x_BCT, Tensor& past) const;
};

// RMSNorm whose result has the type of x or of the weight, whichever is wider: residuals are in float32.
struct WideRMSNorm : RMSNorm {
  using RMSNorm::RMSNorm;
  Tensor operator()(const Tensor& x) const;
};

// Scores in float32, of hidden states rounded to the weight's type.
struct WideLMHead : LMHead {
  using LMHead::LMHead;
  Tensor operator()(const Tensor& x_BTD) const;
};

// x with zeros at padding: attention_mask [B, seen + T], of which the last T count, may be undefined.
Tensor without_padding(const Tensor& x_BTC, const Tensor& attention_mask);

// x + mixer(norm(x)). Mixer is made of the configuration and the layer's number, and computes from x and the inputs,
// whose cache carries its state.
template <class Mixer>
struct StateSpaceLayer : Module {
  RMSNorm norm;
  Mixer mixer;
  FIELDS(norm, mixer)

  template <class C>
  StateSpaceLayer(const C& c, int64_t layer)
      : norm(c.hidden_size, c.layer_norm_epsilon), mixer(c, layer), residual_in_float32(c.residual_in_fp32) {}
  Tensor operator()(const Tensor& x_BTD, const TextInputs& in) const {
    const Tensor mixed = mixer(norm(cast(x_BTD, norm.weight.dtype())), in);
    return add_wider(residual_in_float32 ? widen(x_BTD) : x_BTD, mixed);
  }

  bool residual_in_float32;
};

template <class C, class Mixer>
struct StateSpaceModel : Backbone<C> {
  static constexpr FieldName kBaseModelPrefix = "backbone";
  static constexpr const char* kInputEmbeddings = "embeddings.weight";
  Embedding embeddings;
  std::vector<StateSpaceLayer<Mixer>> layers;
  WideRMSNorm norm_f;
  FIELDS(embeddings, layers, norm_f)

  explicit StateSpaceModel(const C& c)
      : Backbone<C>(c), embeddings(c.vocab_size, c.hidden_size), norm_f(c.hidden_size, c.layer_norm_epsilon) {
    for (int64_t layer = 0; layer < c.num_hidden_layers; ++layer) layers.emplace_back(c, layer);
  }
  WeightMap weight_map() const override { return {.base_model_prefix = kBaseModelPrefix.string()}; }
  BaseModelOutput forward(const TextInputs& in) const override {
    Recorder record(in);
    Tensor x_BTD = embed(in, embeddings);
    // The reference's hidden states are what comes out of each layer, not what goes in.
    for (const auto& layer : layers) x_BTD = record(layer(x_BTD, in));
    return record.finish(norm_f(x_BTD));
  }
};

}  // namespace imago::nn
