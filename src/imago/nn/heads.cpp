#include "imago/nn/heads.h"

#include <fmt/core.h>

#include "imago/base/error.h"
#include "imago/ops/expand/expand.h"
#include "imago/ops/gather/gather.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/slice/slice.h"

namespace imago::nn {

Tensor keep_last(const Tensor& x_BTD, int64_t keep) {
  const int64_t tokens = x_BTD.size(1);
  return keep == 0 || keep >= tokens ? x_BTD : narrow(x_BTD, 1, tokens - keep, keep);
}

Tensor at_last_token(const Tensor& logits, const Tensor& input_ids, const Config& config) {
  const int64_t batch = logits.size(0), tokens = logits.size(1);
  if (!config.pad_token_id && batch != 1) {
    throw Error(ErrorKind::kInvalidArgument, "classify",
                fmt::format("{} rows, but config.json has no pad_token_id", batch),
                "set pad_token_id, or pass one row at a time");
  }
  if (!config.pad_token_id || !input_ids) return select(logits, 1, tokens - 1);
  const std::vector<int64_t> ids = input_ids.to_vector<int64_t>();
  std::vector<int64_t> positions;
  for (int64_t row = 0; row < batch; ++row) {
    int64_t last = tokens - 1;
    while (last > 0 && ids[static_cast<size_t>(row * tokens + last)] == *config.pad_token_id) --last;
    positions.push_back(last);
  }
  return at_positions(logits, Tensor::from(std::span<const int64_t>(positions), {batch}));
}

Tensor at_positions(const Tensor& x_BTD, const Tensor& positions_B) {
  const int64_t batch = x_BTD.size(0), hidden = x_BTD.size(2);
  return squeeze(gather(x_BTD, 1, expand(reshape(positions_B, {batch, 1, 1}), {batch, 1, hidden})), 1);
}

TextInputs flatten_choices(TextInputs in) {
  if (!in.input_ids && !in.inputs_embeds) {
    throw Error(ErrorKind::kInvalidArgument, "forward", "the model takes either input_ids or inputs_embeds");
  }
  const int wanted = in.inputs_embeds ? in.inputs_embeds.dim() : in.input_ids.dim() + 1;
  if (wanted != 4) {
    throw Error(ErrorKind::kInvalidArgument, "forward", "the model compares choices, but the inputs have none",
                "give input_ids as [batch, choices, tokens]");
  }
  for (Tensor* input : {&in.input_ids, &in.attention_mask, &in.token_type_ids, &in.position_ids, &in.inputs_embeds}) {
    if (*input) *input = flatten(*input, 0, 1);
  }
  return in;
}

QuestionAnsweringOutput answer_span(const Tensor& logits, BaseModelOutput base, const TextInputs& inputs) {
  QuestionAnsweringOutput out;
  static_cast<ModelOutput&>(out) = std::move(base);
  out.start_logits = select(logits, 2, 0);
  out.end_logits = select(logits, 2, 1);
  out.loss = question_answering_loss(out.start_logits, out.end_logits, inputs);
  return out;
}

LogitsOutput logits_output(Tensor logits, Tensor loss, BaseModelOutput base) {
  LogitsOutput out;
  static_cast<ModelOutput&>(out) = std::move(base);
  out.logits = std::move(logits);
  out.loss = std::move(loss);
  return out;
}

}  // namespace imago::nn
