#include "imago/nn/heads/double_heads.h"

#include <fmt/core.h>

#include "imago/base/error.h"
#include "imago/nn/heads/classification.h"
#include "imago/nn/losses.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/slice/slice.h"

namespace imago::nn {
namespace {

Tensor choice_vectors(const std::string& type, const Tensor& x_BCTD, const Tensor& cls_index) {
  const int64_t batch = x_BCTD.size(0), choices = x_BCTD.size(1), tokens = x_BCTD.size(2), hidden = x_BCTD.size(3);
  if (type == "cls_index" && cls_index)
    return reshape(at_positions(flatten(x_BCTD, 0, 1), flatten(cls_index)), {batch, choices, hidden});
  if (type == "cls_index") return select(x_BCTD, 2, tokens - 1);
  if (type == "first") return select(x_BCTD, 1, 0);
  if (type == "last") return select(x_BCTD, 1, choices - 1);
  if (type == "mean") return mean(x_BCTD, {1});
  throw Error(ErrorKind::kUnsupported, "config.json", fmt::format("summary_type \"{}\"", type),
              "use first, last, mean or cls_index");
}

}  // namespace

SequenceSummary::SequenceSummary(const SummaryOptions& options, int64_t hidden_size)
    : type(options.type), dropped(options.dropped) {
  if (options.use_proj) summary = Linear(hidden_size, options.proj_to_labels ? 1 : hidden_size);
  if (options.activation) activation = nn::activation(*options.activation);
}

Tensor SequenceSummary::operator()(const Tensor& x_BCTD, const Tensor& cls_index) const {
  Tensor x = dropout(choice_vectors(type, x_BCTD, cls_index), dropped);
  if (summary.weight) x = summary(x);
  if (activation != nullptr) x = activation(x);
  return x.size(-1) == 1 ? squeeze(x, -1) : x;
}

DoubleHeadsOutput choose_and_predict(const TextModel& base, const HeadFunction& lm_head, const SequenceSummary& choice,
                                     const TextInputs& in) {
  BaseModelOutput below = base.forward(flatten_choices(in));
  const Shape& flat = below.last_hidden_state.shape();
  const Tensor x_BCTD = reshape(below.last_hidden_state, {-1, number_of_choices(in), flat[1], flat[2]});
  DoubleHeadsOutput out;
  out.logits = lm_head(x_BCTD);
  out.loss = causal_lm_loss(out.logits, in.labels);
  out.mc_logits = choice(x_BCTD, in.mc_token_ids);
  out.mc_loss = token_loss(out.mc_logits, in.mc_labels);
  if (!below.hidden_states.empty()) below.hidden_states.back() = x_BCTD;
  take_states(out, std::move(below));
  return out;
}

}  // namespace imago::nn
