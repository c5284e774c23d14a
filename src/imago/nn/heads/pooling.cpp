#include "imago/nn/heads/pooling.h"

#include <fmt/core.h>

#include <algorithm>

#include "imago/base/error.h"
#include "imago/ops/expand/expand.h"
#include "imago/ops/gather/gather.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/slice/slice.h"
#include "imago/ops/unary/unary.h"

namespace imago::nn {
namespace {

Tensor at_last_token(const Tensor& x_BTD, const Tensor& input_ids, const Config& config) {
  const int64_t batch = x_BTD.size(0), tokens = x_BTD.size(1);
  if (!config.pad_token_id && batch != 1) {
    throw Error(ErrorKind::kInvalidArgument, "classify",
                fmt::format("{} rows, but config.json has no pad_token_id", batch),
                "set pad_token_id, or pass one row at a time");
  }
  if (!config.pad_token_id || !input_ids) return select(x_BTD, 1, tokens - 1);
  const std::vector<int64_t> ids = input_ids.to_vector<int64_t>();
  std::vector<int64_t> positions;
  for (int64_t row = 0; row < batch; ++row) {
    int64_t last = tokens - 1;
    while (last > 0 && ids[static_cast<size_t>(row * tokens + last)] == *config.pad_token_id) --last;
    positions.push_back(last);
  }
  return at_positions(x_BTD, Tensor::from(std::span<const int64_t>(positions), {batch}));
}

Tensor at_end_of_sequence(const Tensor& x_BTD, const Tensor& input_ids, const Config& config) {
  if (!input_ids) {
    throw Error(ErrorKind::kInvalidArgument, "classify", "the model reads its answer at a token of input_ids",
                "pass input_ids, not inputs_embeds");
  }
  const int64_t batch = input_ids.size(0), tokens = input_ids.size(1);
  const std::vector<int64_t> ids = input_ids.to_vector<int64_t>();
  const auto is_end = [&](int64_t id) {
    return std::find(config.eos_token_id.begin(), config.eos_token_id.end(), id) != config.eos_token_id.end();
  };
  std::vector<int64_t> positions, counts;
  for (auto row = ids.begin(); row != ids.end(); row += tokens) {
    const auto end = std::make_reverse_iterator(row), begin = std::make_reverse_iterator(row + tokens);
    positions.push_back(std::find_if(begin, end, is_end).base() - row - 1);
    counts.push_back(std::count_if(begin, end, is_end));
  }
  if (!std::all_of(counts.begin(), counts.end(), [&](int64_t n) { return n > 0 && n == counts[0]; })) {
    throw Error(ErrorKind::kInvalidArgument, "classify",
                "the rows of input_ids do not each have the same number of end-of-sequence tokens, at least one",
                "end each text with the token eos_token_id");
  }
  return at_positions(x_BTD, Tensor::from(std::span<const int64_t>(positions), {batch}));
}

}  // namespace

Tensor pool(Pooling pooling, const BaseModelOutput& output, const TextInputs& inputs, const Config& config) {
  switch (pooling) {
    case Pooling::kPooler: return output.pooler_output;
    case Pooling::kFirstToken: return select(output.last_hidden_state, 1, 0);
    case Pooling::kLastToken: return at_last_token(output.last_hidden_state, inputs.input_ids, config);
    case Pooling::kEndOfSequence: return at_end_of_sequence(output.last_hidden_state, inputs.input_ids, config);
  }
  return {};
}

Tensor Pooler::operator()(const Tensor& x_BTD) const { return tanh(dense(select(x_BTD, 1, 0))); }

Tensor FlatPooler::operator()(const Tensor& x_BTD) const { return tanh(Linear::operator()(select(x_BTD, 1, 0))); }

Tensor at_positions(const Tensor& x_BTD, const Tensor& positions_B) {
  const int64_t batch = x_BTD.size(0), hidden = x_BTD.size(2);
  return squeeze(gather(x_BTD, 1, expand(reshape(positions_B, {batch, 1, 1}), {batch, 1, hidden})), 1);
}

Tensor keep_last(const Tensor& x_BTD, int64_t keep) {
  const int64_t tokens = x_BTD.size(1);
  return keep == 0 || keep >= tokens ? x_BTD : narrow(x_BTD, 1, tokens - keep, keep);
}

}  // namespace imago::nn
