// B batch, T tokens, D hidden.
#include "imago/models/electra/electra.h"

#include <fmt/core.h>

#include "imago/base/error.h"
#include "imago/nn/losses.h"
#include "imago/nn/registry.h"
#include "imago/ops/reshape/reshape.h"

namespace imago::electra {

ElectraConfig::ElectraConfig() {
  hidden_size = 256;
  num_attention_heads = 4;
  intermediate_size = 1024;
}

ElectraModel::ElectraModel(const ElectraConfig& c) : Backbone(c), embeddings(c, c.embedding_size), encoder(c) {
  if (c.embedding_size != c.hidden_size) embeddings_project = nn::Linear(c.embedding_size, c.hidden_size);
}

WeightMap ElectraModel::weight_map() const { return bert::weight_map("electra"); }

BaseModelOutput ElectraModel::forward(const TextInputs& in) const {
  const Tensor x = embeddings(in);
  return encoder(embeddings_project.weight ? embeddings_project(x) : x, in, config());
}

DiscriminatorPredictions::DiscriminatorPredictions(const ElectraConfig& c)
    : dense(c.hidden_size, c.hidden_size),
      dense_prediction(c.hidden_size, 1),
      activation(nn::activation(c.hidden_act)) {}

Tensor DiscriminatorPredictions::operator()(const Tensor& x_BTD) const {
  return squeeze(dense_prediction(activation(dense(x_BTD))), -1);
}

LogitsOutput ElectraForPreTraining::forward(const TextInputs& in) const {
  BaseModelOutput below = base.forward(in);
  Tensor logits = head(below.last_hidden_state);
  Tensor loss = nn::binary_token_loss(logits, in.labels, in.attention_mask);
  return logits_output(std::move(logits), std::move(loss), std::move(below));
}

ChoiceHead::ChoiceHead(const ElectraConfig& c) : classifier(c.hidden_size, 1) {
  if (c.summary_type != "first") {
    throw Error(ErrorKind::kUnsupported, "config.json", fmt::format("summary_type \"{}\"", c.summary_type),
                "choices are compared by their first token: use first");
  }
  if (c.summary_use_proj) summary = nn::Linear(c.hidden_size, c.hidden_size);
  if (c.summary_activation) activation = nn::activation(*c.summary_activation);
}

void ChoiceHead::each_field(FieldVisitor& visitor) {
  imago::internal::visit_field(visitor, "sequence_summary.summary", summary);
  imago::internal::visit_field(visitor, "classifier", classifier);
}

Tensor ChoiceHead::operator()(const Tensor& x) const {
  const Tensor h = summary.weight ? summary(x) : x;
  return classifier(activation != nullptr ? activation(h) : h);
}

}  // namespace imago::electra

REGISTER_MODELS(electra, ElectraModel, ElectraForPreTraining, ElectraForCausalLM, ElectraForMaskedLM,
                ElectraForSequenceClassification, ElectraForMultipleChoice, ElectraForTokenClassification,
                ElectraForQuestionAnswering)
