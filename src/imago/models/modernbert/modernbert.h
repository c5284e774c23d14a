// ModernBERT (Warner et al. 2024, "Smarter, Better, Faster, Longer: A Modern Bidirectional Encoder for Fast, Memory
// Efficient, and Long Context Finetuning and Inference").
#pragma once

#include "imago/nn/activations.h"
#include "imago/nn/backbone.h"
#include "imago/nn/grouped_query_attention.h"
#include "imago/nn/heads/classification.h"
#include "imago/nn/heads/question_answering.h"
#include "imago/nn/rotary.h"

namespace imago::modernbert {

struct ModernBertConfig : Config {
  static constexpr const char* kModelType = "modernbert";
  int64_t vocab_size = 50368, hidden_size = 768, intermediate_size = 1152, num_hidden_layers = 22;
  int64_t num_attention_heads = 12, max_position_embeddings = 8192, local_attention = 128;
  std::string hidden_activation = "gelu", classifier_activation = "gelu", classifier_pooling = "cls";
  double norm_eps = 1e-5;
  bool norm_bias = false, attention_bias = false, mlp_bias = false, decoder_bias = true, classifier_bias = false;
  bool sparse_prediction = false;
  int64_t global_attn_every_n_layers = 3;
  std::optional<std::vector<std::string>> layer_types;
  double global_rope_theta = 160000, local_rope_theta = 10000;
  JsonText rope_parameters;
  // Of no effect: training, and what early files have beside the keys that count.
  JsonText embedding_dropout, mlp_dropout, deterministic_flash_attn, sparse_pred_ignore_index, reference_compile,
      repad_logits_with_grad, initializer_cutoff_factor, layer_norm_eps;
  FIELDS_AND(Config, vocab_size, hidden_size, intermediate_size, num_hidden_layers, num_attention_heads,
             max_position_embeddings, local_attention, hidden_activation, classifier_activation, classifier_pooling,
             norm_eps, norm_bias, attention_bias, mlp_bias, decoder_bias, classifier_bias, sparse_prediction,
             global_attn_every_n_layers, layer_types, global_rope_theta, local_rope_theta, rope_parameters,
             embedding_dropout, mlp_dropout, deterministic_flash_attn, sparse_pred_ignore_index, reference_compile,
             repad_logits_with_grad, initializer_cutoff_factor, layer_norm_eps)

  ModernBertConfig();
  void validate() const override;
  // How far a layer's tokens see to either side, their own position included; all the way where absent.
  std::optional<int64_t> window(int64_t layer) const;
  nn::RotaryConfig rotary(bool sliding) const;
  nn::LayerNorm norm() const { return {hidden_size, norm_eps, norm_bias}; }
};

struct Embeddings : Module {
  nn::Embedding tok_embeddings;
  nn::LayerNorm norm;
  FIELDS(tok_embeddings, norm)

  explicit Embeddings(const ModernBertConfig& c)
      : tok_embeddings(c.vocab_size, c.hidden_size, c.pad_token_id), norm(c.norm()) {}
};

struct Attention : Module {
  nn::Linear Wqkv, Wo;
  FIELDS(Wqkv, Wo)

  Attention(const ModernBertConfig& c, int64_t layer);
  Tensor operator()(const Tensor& x_BTD, const nn::RotaryContext& context) const;

  int64_t heads;
  std::optional<int64_t> window;
};

// Wo(activation(a) b), a and b being the halves of Wi x.
struct MLP : Module {
  nn::Linear Wi, Wo;
  FIELDS(Wi, Wo)

  explicit MLP(const ModernBertConfig& c);
  Tensor operator()(const Tensor& x_BTD) const;

  std::string activation;
};

struct EncoderLayer : Module {
  nn::LayerNorm attn_norm;  // not in the first layer, whose input is normalised
  Attention attn;
  nn::LayerNorm mlp_norm;
  MLP mlp;
  FIELDS(attn_norm, attn, mlp_norm, mlp)

  EncoderLayer(const ModernBertConfig& c, int64_t layer);
  Tensor operator()(const Tensor& x_BTD, const nn::RotaryContext& context) const;
};

struct ModernBertModel : nn::Backbone<ModernBertConfig> {
  static constexpr nn::FieldName kBaseModelPrefix = "model";
  static constexpr const char* kInputEmbeddings = "embeddings.tok_embeddings.weight";
  Embeddings embeddings;
  std::vector<EncoderLayer> layers;
  nn::LayerNorm final_norm;
  FIELDS(embeddings, layers, final_norm)

  explicit ModernBertModel(const ModernBertConfig& c);
  WeightMap weight_map() const override { return {.base_model_prefix = "model"}; }
  BaseModelOutput forward(const TextInputs& in) const override;

 private:
  nn::Rotary local_, global_;
};

struct LMHead : nn::FlatLMHead<"head.dense", "head.norm", "decoder"> {
  explicit LMHead(const ModernBertConfig& c);
};

// classifier(norm(activation(dense x)))
template <class Scores>
struct PredictionScores : Module {
  nn::Linear dense;
  nn::LayerNorm norm;
  Scores classifier;
  void each_field(FieldVisitor& visitor) {
    imago::internal::visit_field(visitor, "head.dense", dense);
    imago::internal::visit_field(visitor, "head.norm", norm);
    imago::internal::visit_field(visitor, "classifier", classifier);
  }

  explicit PredictionScores(const ModernBertConfig& c)
      : dense(c.hidden_size, c.hidden_size, c.classifier_bias),
        norm(c.norm()),
        classifier(c),
        activation(nn::activation(c.classifier_activation)) {}
  Tensor operator()(const Tensor& x) const { return classifier(norm(activation(dense(x)))); }

  nn::Activation activation;
};

template <class Interface, class Scores>
using Predicting = nn::WithHead<Interface, ModernBertModel, PredictionScores<Scores>, "">;

struct ModernBertForSequenceClassification : Predicting<SequenceClassification, nn::LabelScores<true>> {
  using WithHead::WithHead;
  LogitsOutput forward(const TextInputs& in) const override;
};

struct ModernBertForMultipleChoice : Predicting<MultipleChoice, nn::Scores<1>> {
  using WithHead::WithHead;
  LogitsOutput forward(const TextInputs& in) const override;
};

struct ModernBertForTokenClassification : Predicting<TokenClassification, nn::LabelScores<true>> {
  using WithHead::WithHead;
  LogitsOutput forward(const TextInputs& in) const override { return nn::predict_tokens(base, head_function(), in); }
};

struct ModernBertForQuestionAnswering : Predicting<QuestionAnswering, nn::Scores<2>> {
  using WithHead::WithHead;
  QuestionAnsweringOutput forward(const TextInputs& in) const override {
    return nn::answer_question(base, head_function(), in);
  }
};

using ModernBertForMaskedLM = nn::ForMaskedLM<ModernBertModel, LMHead, "">;

}  // namespace imago::modernbert
