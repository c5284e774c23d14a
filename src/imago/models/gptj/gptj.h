// GPT-J (Wang and Komatsuzaki 2021, "GPT-J-6B: A 6 Billion Parameter Autoregressive Language Model").
#pragma once

#include "imago/nn/activations.h"
#include "imago/nn/backbone.h"
#include "imago/nn/grouped_query_attention.h"
#include "imago/nn/heads/classification.h"
#include "imago/nn/heads/language_model.h"
#include "imago/nn/heads/question_answering.h"

namespace imago::gptj {

struct GPTJConfig : Config {
  static constexpr const char* kModelType = "gptj";
  int64_t vocab_size = 50400, n_positions = 2048, n_embd = 4096, n_layer = 28, n_head = 16;
  int64_t rotary_dim = 64;  // channels of a head that tell positions
  std::optional<int64_t> n_inner;
  std::string activation_function = "gelu_new";
  double layer_norm_epsilon = 1e-5;
  // Of no effect, in published files: the first implementation's.
  JsonText rotary, scale_attn_weights, summary_type, summary_use_proj, summary_activation, summary_proj_to_labels;
  FIELDS_AND(Config, vocab_size, n_positions, n_embd, n_layer, n_head, rotary_dim, n_inner, activation_function,
             layer_norm_epsilon, rotary, scale_attn_weights, summary_type, summary_use_proj, summary_activation,
             summary_proj_to_labels)

  GPTJConfig();
  void validate() const override;
};

struct Attention : Module {
  nn::Linear k_proj, v_proj, q_proj, out_proj;
  FIELDS(k_proj, v_proj, q_proj, out_proj)

  Attention(const GPTJConfig& c, int64_t layer);
  Tensor operator()(const Tensor& x_BTD, const nn::RotaryContext& context) const;

  int64_t heads, layer;
};

struct MLP : Module {
  nn::Linear fc_in, fc_out;
  FIELDS(fc_in, fc_out)

  explicit MLP(const GPTJConfig& c);
  Tensor operator()(const Tensor& x_BTD) const { return fc_out(activation(fc_in(x_BTD))); }

  nn::Activation activation;
};

// Both parts read the same normalised input, side by side.
struct Block : Module {
  nn::LayerNorm ln_1;
  Attention attn;
  MLP mlp;
  FIELDS(ln_1, attn, mlp)

  Block(const GPTJConfig& c, int64_t layer);
  Tensor operator()(const Tensor& x_BTD, const nn::RotaryContext& context) const;
};

struct GPTJModel : nn::Backbone<GPTJConfig> {
  static constexpr nn::FieldName kBaseModelPrefix = "transformer";
  static constexpr const char* kInputEmbeddings = "wte.weight";
  nn::Embedding wte;
  std::vector<Block> h;
  nn::LayerNorm ln_f;
  FIELDS(wte, h, ln_f)

  explicit GPTJModel(const GPTJConfig& c);
  WeightMap weight_map() const override;
  BaseModelOutput forward(const TextInputs& in) const override;

 private:
  nn::Rotary rotary_;
};

struct LMHead : nn::LMHead {
  explicit LMHead(const GPTJConfig& c) : nn::LMHead(c) { bias = parameter({c.vocab_size}); }
};

using GPTJForCausalLM = nn::ForCausalLM<GPTJModel, LMHead>;
using GPTJForSequenceClassification = nn::ScoreAtLastToken<GPTJModel>;
using GPTJForQuestionAnswering = nn::ForQuestionAnswering<GPTJModel>;

}  // namespace imago::gptj
