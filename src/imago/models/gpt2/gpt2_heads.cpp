// B batch, C choices, T tokens, D hidden.
#include "imago/models/gpt2/gpt2_heads.h"

#include <fmt/core.h>

#include "imago/base/error.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/slice/slice.h"

namespace imago::gpt2 {
namespace {

WeightMap with_tied_head(const GPT2Model& model) {
  WeightMap map = model.weight_map();
  if (model.config().tie_word_embeddings) map.tied = {{"lm_head.weight", "transformer.wte.weight"}};
  return map;
}

}  // namespace

WeightMap GPT2LMHeadModel::weight_map() const { return with_tied_head(base); }

LogitsOutput GPT2LMHeadModel::forward(const TextInputs& in) const {
  BaseModelOutput transformer = base.forward(in);
  Tensor logits = lm_head(nn::keep_last(transformer.last_hidden_state, in.logits_to_keep));
  Tensor loss = nn::causal_lm_loss(logits, in.labels);
  return nn::logits_output(std::move(logits), std::move(loss), std::move(transformer));
}

LogitsOutput GPT2ForSequenceClassification::forward(const TextInputs& in) const {
  BaseModelOutput transformer = base.forward(in);
  Tensor logits = nn::at_last_token(score(transformer.last_hidden_state), in.input_ids, config());
  Tensor loss = nn::sequence_classification_loss(logits, in.labels, config());
  return nn::logits_output(std::move(logits), std::move(loss), std::move(transformer));
}

SequenceSummary::SequenceSummary(const GPT2Config& c) : summary_type(c.summary_type) {
  if (c.summary_use_proj) summary = nn::Linear(c.n_embd, c.summary_proj_to_labels ? 1 : c.n_embd);
  if (c.summary_activation) activation = nn::activation(*c.summary_activation);
}

Tensor SequenceSummary::operator()(const Tensor& x_BTD, const Tensor& cls_index) const {
  Tensor x_BD;
  if (summary_type == "first") {
    x_BD = select(x_BTD, 1, 0);
  } else if (summary_type == "mean") {
    x_BD = mean(x_BTD, {1});
  } else if (summary_type == "last" || (summary_type == "cls_index" && !cls_index)) {
    x_BD = select(x_BTD, 1, x_BTD.size(1) - 1);
  } else if (summary_type == "cls_index") {
    x_BD = nn::at_positions(x_BTD, cls_index);
  } else {
    throw Error(ErrorKind::kUnsupported, "config.json", fmt::format("summary_type \"{}\"", summary_type),
                "use first, last, mean or cls_index");
  }
  if (summary.weight) x_BD = summary(x_BD);
  return activation == nullptr ? x_BD : activation(x_BD);
}

WeightMap GPT2DoubleHeadsModel::weight_map() const { return with_tied_head(base); }

DoubleHeadsOutput GPT2DoubleHeadsModel::forward(const TextInputs& in) const {
  BaseModelOutput transformer = base.forward(nn::flatten_choices(in));
  const Tensor& x_BTD = transformer.last_hidden_state;
  const int64_t choices = (in.inputs_embeds ? in.inputs_embeds : in.input_ids).size(1);
  DoubleHeadsOutput out;
  out.logits = lm_head(x_BTD);
  out.loss = nn::causal_lm_loss(out.logits, in.labels ? flatten(in.labels, 0, 1) : Tensor());
  out.logits = reshape(out.logits, {-1, choices, x_BTD.size(1), out.logits.size(2)});
  out.mc_logits = reshape(multiple_choice_head(x_BTD, in.mc_token_ids), {-1, choices});
  out.mc_loss = nn::token_loss(out.mc_logits, in.mc_labels);
  static_cast<ModelOutput&>(out).hidden_states = std::move(transformer.hidden_states);
  static_cast<ModelOutput&>(out).attentions = std::move(transformer.attentions);
  return out;
}

}  // namespace imago::gpt2
