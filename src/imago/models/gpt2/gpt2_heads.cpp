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

Tensor SequenceSummary::operator()(const Tensor& x_BCTD, const Tensor& cls_index) const {
  const int64_t batch = x_BCTD.size(0), choices = x_BCTD.size(1), hidden = x_BCTD.size(3);
  Tensor x;
  if (summary_type == "cls_index" && cls_index) {
    x = nn::at_positions(flatten(x_BCTD, 0, 1), flatten(cls_index));
    x = reshape(x, {batch, choices, hidden});
  } else if (summary_type == "cls_index") {
    x = select(x_BCTD, 2, x_BCTD.size(2) - 1);
  } else if (summary_type == "first") {
    x = select(x_BCTD, 1, 0);
  } else if (summary_type == "last") {
    x = select(x_BCTD, 1, choices - 1);
  } else if (summary_type == "mean") {
    x = mean(x_BCTD, {1});
  } else {
    throw Error(ErrorKind::kUnsupported, "config.json", fmt::format("summary_type \"{}\"", summary_type),
                "use first, last, mean or cls_index");
  }
  if (summary.weight) x = summary(x);
  if (activation != nullptr) x = activation(x);
  return x.size(-1) == 1 ? squeeze(x, -1) : x;
}

WeightMap GPT2DoubleHeadsModel::weight_map() const { return with_tied_head(base); }

DoubleHeadsOutput GPT2DoubleHeadsModel::forward(const TextInputs& in) const {
  BaseModelOutput transformer = base.forward(nn::flatten_choices(in));
  const Shape& flat = transformer.last_hidden_state.shape();
  const int64_t choices = (in.inputs_embeds ? in.inputs_embeds : in.input_ids).size(1);
  const Tensor x_BCTD = reshape(transformer.last_hidden_state, {-1, choices, flat[1], flat[2]});
  DoubleHeadsOutput out;
  out.logits = lm_head(x_BCTD);
  out.loss = nn::causal_lm_loss(out.logits, in.labels);
  out.mc_logits = multiple_choice_head(x_BCTD, in.mc_token_ids);
  out.mc_loss = nn::token_loss(out.mc_logits, in.mc_labels);
  out.hidden_states = std::move(transformer.hidden_states);
  if (!out.hidden_states.empty()) out.hidden_states.back() = x_BCTD;
  out.attentions = std::move(transformer.attentions);
  return out;
}

}  // namespace imago::gpt2
