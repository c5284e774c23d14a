// ELECTRA (Clark et al. 2020, "ELECTRA: Pre-training Text Encoders as Discriminators Rather Than Generators"). B batch,
// T tokens, D hidden.
#include <fmt/core.h>

#include "imago/base/error.h"
#include "imago/models/bert/bert.h"
#include "imago/nn/losses.h"
#include "imago/nn/registry.h"
#include "imago/ops/reshape/reshape.h"

namespace imago::electra {

struct ElectraConfig : bert::DropoutConfig {
  static constexpr const char* kModelType = "electra";
  int64_t embedding_size = 128;
  std::string summary_type = "first";
  bool summary_use_proj = true;
  std::optional<std::string> summary_activation = "gelu";
  double summary_last_dropout = 0.1;
  FIELDS_AND(DropoutConfig, embedding_size, summary_type, summary_use_proj, summary_activation, summary_last_dropout)

  ElectraConfig() {
    hidden_size = 256;
    num_attention_heads = 4;
    intermediate_size = 1024;
  }
  double choice_dropout() const override { return 0; }  // ChoiceHead drops within
};

struct ElectraModel : nn::Backbone<ElectraConfig, nn::TextEncoder> {
  static constexpr nn::FieldName kBaseModelPrefix = "electra";
  static constexpr const char* kInputEmbeddings = "embeddings.word_embeddings.weight";
  bert::Embeddings embeddings;
  nn::Linear embeddings_project;  // where words' vectors have another size than the layers'
  bert::Encoder encoder;
  FIELDS(embeddings, embeddings_project, encoder)

  explicit ElectraModel(const ElectraConfig& c) : Backbone(c), embeddings(c, c.embedding_size), encoder(c) {
    if (c.embedding_size != c.hidden_size) embeddings_project = nn::Linear(c.embedding_size, c.hidden_size);
  }
  WeightMap weight_map() const override { return bert::weight_map("electra"); }
  BaseModelOutput forward(const TextInputs& in) const override {
    const Tensor x = embeddings(in);
    return encoder(embeddings_project.weight ? embeddings_project(x) : x, in, config());
  }
};

// Of the generator.
struct LMHead : nn::FlatLMHead<"generator_predictions.dense", "generator_predictions.LayerNorm", "generator_lm_head"> {
  explicit LMHead(const ElectraConfig& c) : FlatLMHead(c, "gelu", c.layer_norm_eps) {}
};

// Of the discriminator: how likely each token is to be replaced, [B, T].
struct DiscriminatorPredictions : Module {
  nn::Linear dense, dense_prediction;
  FIELDS(dense, dense_prediction)

  explicit DiscriminatorPredictions(const ElectraConfig& c)
      : dense(c.hidden_size, c.hidden_size),
        dense_prediction(c.hidden_size, 1),
        activation(nn::activation(c.hidden_act)) {}
  Tensor operator()(const Tensor& x_BTD) const { return squeeze(dense_prediction(activation(dense(x_BTD))), -1); }

  nn::Activation activation;
};

struct ElectraForPreTraining : nn::WithHead<CallableModel<TextInputs, LogitsOutput>, ElectraModel,
                                            DiscriminatorPredictions, "discriminator_predictions"> {
  static constexpr const char* kAutoClass = PreTraining::kAutoClass;
  using WithHead::WithHead;
  LogitsOutput forward(const TextInputs& in) const override {
    BaseModelOutput below = base.forward(in);
    Tensor logits = head(below.last_hidden_state);
    Tensor loss = nn::binary_token_loss(logits, in.labels, in.attention_mask);
    return logits_output(std::move(logits), std::move(loss), std::move(below));
  }
};

struct ClassificationHead : nn::ClassificationHead {
  explicit ClassificationHead(const ElectraConfig& c) : nn::ClassificationHead(c, "gelu") {}
};

// classifier(activation(summary x)) of the first token.
struct ChoiceHead : Module {
  nn::Linear summary, classifier;
  void each_field(FieldVisitor& visitor) {
    imago::internal::visit_field(visitor, "sequence_summary.summary", summary);
    imago::internal::visit_field(visitor, "classifier", classifier);
  }

  explicit ChoiceHead(const ElectraConfig& c) : classifier(c.hidden_size, 1), dropped(c.summary_last_dropout) {
    if (c.summary_type != "first") {
      throw Error(ErrorKind::kUnsupported, "config.json", fmt::format("summary_type \"{}\"", c.summary_type),
                  "choices are compared by their first token: use first");
    }
    if (c.summary_use_proj) summary = nn::Linear(c.hidden_size, c.hidden_size);
    if (c.summary_activation) activation = nn::activation(*c.summary_activation);
  }
  Tensor operator()(const Tensor& x) const {
    const Tensor h = summary.weight ? summary(x) : x;
    return classifier(nn::dropout(activation != nullptr ? activation(h) : h, dropped));
  }

  nn::Activation activation = nullptr;
  double dropped;
};

using ElectraForCausalLM = nn::ForCausalLM<ElectraModel, LMHead, "">;
using ElectraForMaskedLM = nn::ForMaskedLM<ElectraModel, LMHead, "">;
using ElectraForSequenceClassification =
    nn::ForSequenceClassification<ElectraModel, nn::Pooling::kFirstToken, ClassificationHead>;
using ElectraForMultipleChoice = nn::ForMultipleChoice<ElectraModel, nn::Pooling::kFirstToken, ChoiceHead, "">;
using ElectraForTokenClassification = nn::ForTokenClassification<ElectraModel>;
using ElectraForQuestionAnswering = nn::ForQuestionAnswering<ElectraModel>;

}  // namespace imago::electra

REGISTER_MODELS(electra, ElectraModel, ElectraForPreTraining, ElectraForCausalLM, ElectraForMaskedLM,
                ElectraForSequenceClassification, ElectraForMultipleChoice, ElectraForTokenClassification,
                ElectraForQuestionAnswering)
