// GPT-2 (Radford et al. 2019, "Language Models are Unsupervised Multitask Learners").
#pragma once

#include "imago/nn/attention.h"
#include "imago/nn/backbone.h"
#include "imago/nn/feed_forward.h"
#include "imago/nn/heads/classification.h"
#include "imago/nn/heads/double_heads.h"
#include "imago/nn/heads/question_answering.h"

namespace imago::gpt2 {

struct GPT2Config : Config {
  static constexpr const char* kModelType = "gpt2";
  int64_t vocab_size = 50257, n_positions = 1024, n_embd = 768, n_layer = 12, n_head = 12;
  std::optional<int64_t> n_inner;
  std::string activation_function = "gelu_new";
  double layer_norm_epsilon = 1e-5;
  bool scale_attn_weights = true, scale_attn_by_inverse_layer_idx = false, reorder_and_upcast_attn = false;
  bool add_cross_attention = false;
  std::string summary_type = "cls_index";
  bool summary_use_proj = true, summary_proj_to_labels = true;
  std::optional<std::string> summary_activation;
  double resid_pdrop = 0.1, embd_pdrop = 0.1, attn_pdrop = 0.1, summary_first_dropout = 0.1;
  FIELDS_AND(Config, vocab_size, n_positions, n_embd, n_layer, n_head, n_inner, activation_function, layer_norm_epsilon,
             scale_attn_weights, scale_attn_by_inverse_layer_idx, reorder_and_upcast_attn, add_cross_attention,
             summary_type, summary_use_proj, summary_proj_to_labels, summary_activation, resid_pdrop, embd_pdrop,
             attn_pdrop, summary_first_dropout)

  GPT2Config();
  void validate() const override { require_heads("n_embd", n_embd, "n_head", n_head); }
  nn::SummaryOptions summary_options() const {
    return {summary_type, summary_use_proj, summary_proj_to_labels, summary_activation, summary_first_dropout};
  }
};

// To the tokens before, or with `cross` to an encoder's output.
struct Attention : Module {
  nn::Linear c_attn, q_attn, c_proj;  // q_attn only in cross attention, where c_attn makes keys and values
  FIELDS(c_attn, q_attn, c_proj)

  Attention(const GPT2Config& c, int64_t layer, bool cross = false);
  Tensor operator()(const Tensor& x_BTD, const nn::AttentionContext& context) const;

  int64_t heads, layer;
  double scale, dropped;
  bool upcast;
};

struct Block : Module {
  nn::LayerNorm ln_1, ln_cross_attn, ln_2;
  Attention attn;
  std::optional<Attention> crossattention;
  nn::FeedForward<"c_fc", "c_proj"> mlp;
  FIELDS(ln_1, attn, ln_cross_attn, crossattention, ln_2, mlp)

  Block(const GPT2Config& c, int64_t layer);
  Tensor operator()(const Tensor& x_BTD, const nn::DecoderContext& context) const;
};

struct GPT2Model : nn::Backbone<GPT2Config> {
  static constexpr nn::FieldName kBaseModelPrefix = "transformer";
  static constexpr const char* kInputEmbeddings = "wte.weight";
  nn::Embedding wte, wpe;
  std::vector<Block> h;
  nn::LayerNorm ln_f;
  FIELDS(wte, wpe, h, ln_f)

  explicit GPT2Model(const GPT2Config& c);
  WeightMap weight_map() const override;
  BaseModelOutput forward(const TextInputs& in) const override;
};

using GPT2LMHeadModel = nn::AlsoServes<nn::ForCausalLM<GPT2Model>, "AutoModelForPreTraining">;
using GPT2DoubleHeadsModel = nn::DoubleHeadsModel<GPT2Model>;
using GPT2ForSequenceClassification = nn::ScoreAtLastToken<GPT2Model>;
using GPT2ForTokenClassification = nn::ForTokenClassification<GPT2Model>;
using GPT2ForQuestionAnswering = nn::ForQuestionAnswering<GPT2Model>;

}  // namespace imago::gpt2
