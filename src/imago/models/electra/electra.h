// ELECTRA (Clark et al. 2020, "ELECTRA: Pre-training Text Encoders as Discriminators Rather Than Generators").
#pragma once

#include "imago/models/bert/bert.h"

namespace imago::electra {

struct ElectraConfig : bert::DropoutConfig {
  static constexpr const char* kModelType = "electra";
  int64_t embedding_size = 128;
  std::string summary_type = "first";
  bool summary_use_proj = true;
  std::optional<std::string> summary_activation = "gelu";
  double summary_last_dropout = 0.1;  // of the head that chooses, which does not compute it
  FIELDS_AND(DropoutConfig, embedding_size, summary_type, summary_use_proj, summary_activation, summary_last_dropout)

  ElectraConfig();
};

struct ElectraModel : nn::Backbone<ElectraConfig, nn::TextEncoder> {
  static constexpr nn::FieldName kBaseModelPrefix = "electra";
  static constexpr const char* kInputEmbeddings = "embeddings.word_embeddings.weight";
  bert::Embeddings embeddings;
  nn::Linear embeddings_project;  // where words' vectors have another size than the layers'
  bert::Encoder encoder;
  FIELDS(embeddings, embeddings_project, encoder)

  explicit ElectraModel(const ElectraConfig& c);
  WeightMap weight_map() const override;
  BaseModelOutput forward(const TextInputs& in) const override;
};

// Of the generator.
struct LMHead : nn::FlatLMHead<"generator_predictions.dense", "generator_predictions.LayerNorm", "generator_lm_head"> {
  explicit LMHead(const ElectraConfig& c) : FlatLMHead(c, "gelu", c.layer_norm_eps) {}
};

// Of the discriminator: how likely each token is to be replaced.
struct DiscriminatorPredictions : Module {
  nn::Linear dense, dense_prediction;
  FIELDS(dense, dense_prediction)

  explicit DiscriminatorPredictions(const ElectraConfig& c);
  Tensor operator()(const Tensor& x_BTD) const;  // [B, T]

  nn::Activation activation;
};

struct ElectraForPreTraining : nn::WithHead<CallableModel<TextInputs, LogitsOutput>, ElectraModel,
                                            DiscriminatorPredictions, "discriminator_predictions"> {
  static constexpr const char* kAutoClass = PreTraining::kAutoClass;
  using WithHead::WithHead;
  LogitsOutput forward(const TextInputs& in) const override;
};

struct ClassificationHead : nn::ClassificationHead {
  explicit ClassificationHead(const ElectraConfig& c) : nn::ClassificationHead(c, "gelu"), dropped(c.head_dropout()) {}
  Tensor operator()(const Tensor& x) const { return out_proj(nn::dropout(activation(dense(x)), dropped)); }

  double dropped;
};

// classifier(activation(summary x)) of the first token.
struct ChoiceHead : Module {
  nn::Linear summary, classifier;
  void each_field(FieldVisitor& visitor);

  explicit ChoiceHead(const ElectraConfig& c);
  Tensor operator()(const Tensor& x) const;

  nn::Activation activation = nullptr;
};

using ElectraForCausalLM = nn::ForCausalLM<ElectraModel, LMHead, "">;
using ElectraForMaskedLM = nn::ForMaskedLM<ElectraModel, LMHead, "">;
using ElectraForSequenceClassification =
    nn::ForSequenceClassification<ElectraModel, nn::Pooling::kFirstToken, ClassificationHead>;
using ElectraForMultipleChoice = nn::ForMultipleChoice<ElectraModel, nn::Pooling::kFirstToken, ChoiceHead, "">;
using ElectraForTokenClassification = nn::ForTokenClassification<ElectraModel>;
using ElectraForQuestionAnswering = nn::ForQuestionAnswering<ElectraModel>;

}  // namespace imago::electra
