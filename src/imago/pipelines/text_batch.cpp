#include "imago/pipelines/text_batch.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/base/progress.h"
#include "imago/ops/slice/slice.h"

namespace imago {
namespace {

Tokenizer without_own_limits(Tokenizer tokenizer) {
  tokenizer.set_padding(std::nullopt);
  tokenizer.set_truncation(std::nullopt);
  return tokenizer;
}

Tensor matrix(const std::vector<int64_t>& values, size_t rows) {
  return Tensor::from(values, {static_cast<int64_t>(rows), static_cast<int64_t>(values.size() / rows)});
}

}  // namespace

void check_length(const PipelineModel& model, size_t tokens) {
  const auto limit = model.position_limit();
  if (!limit || tokens <= static_cast<size_t>(*limit)) return;
  throw Error(ErrorKind::kLimitExceeded, "pipeline",
              fmt::format("the input has {} tokens, the model has {} positions", tokens, *limit),
              "shorten it, or set truncation to true");
}

Encoding encode_input(const PipelineModel& model, const PipelineInput& input, const TextEncodeOptions& options) {
  EncodeOptions encode;
  encode.add_special_tokens = options.add_special_tokens;
  encode.literal = options.literal;
  if (input.text_pair) encode.pair = *input.text_pair;
  const auto limit = options.max_length ? options.max_length : model.truncation_limit();
  if (options.truncation && limit) {
    encode.truncation = Truncation{.max_length = static_cast<size_t>(*limit)};
    if (options.only_first) encode.truncation->strategy = Truncation::Strategy::kOnlyFirst;
  }
  const Tokenizer& tokenizer = options.tokenizer != nullptr ? *options.tokenizer : model.tokenizer->tokenizer();
  Encoding encoding = without_own_limits(tokenizer).encode(input.text, encode);
  check_length(model, encoding.size());
  return encoding;
}

TextInputs pad_to_batch(const PipelineModel& model, std::span<const Encoding* const> rows, PaddingSide side) {
  size_t longest = 0;
  for (const Encoding* row : rows) longest = std::max(longest, row->size());
  std::vector<int64_t> ids, mask, types;
  const auto append = [&](std::vector<int64_t>& list, const auto& values, int64_t fill) {
    const size_t padding = longest - values.size();
    if (side == PaddingSide::kLeft) list.insert(list.end(), padding, fill);
    list.insert(list.end(), values.begin(), values.end());
    if (side == PaddingSide::kRight) list.insert(list.end(), padding, fill);
  };
  for (const Encoding* row : rows) {
    append(ids, row->ids, model.tokenizer->pad_token_id().value_or(0));
    append(mask, row->attention_mask, 0);
    append(types, row->type_ids, 0);
  }
  TextInputs inputs;
  inputs.input_ids =
      longest == 0 ? Tensor::empty({static_cast<int64_t>(rows.size()), 0}, DType::i64) : matrix(ids, rows.size());
  if (longest > 0) inputs.attention_mask = matrix(mask, rows.size());
  const bool segments = std::any_of(types.begin(), types.end(), [](int64_t type) { return type != 0; });
  if (segments && model.takes_token_type_ids) inputs.token_type_ids = matrix(types, rows.size());
  return inputs;
}

std::vector<std::vector<size_t>> plan_batches(std::span<const Encoding> rows, int64_t batch_size) {
  std::vector<size_t> order(rows.size());
  std::iota(order.begin(), order.end(), size_t{0});
  if (batch_size > 1) {
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return rows[a].size() > rows[b].size(); });
  }
  std::vector<std::vector<size_t>> batches;
  for (size_t begin = 0; begin < order.size(); begin += static_cast<size_t>(batch_size)) {
    const size_t end = std::min(order.size(), begin + static_cast<size_t>(batch_size));
    batches.emplace_back(order.begin() + static_cast<ptrdiff_t>(begin), order.begin() + static_cast<ptrdiff_t>(end));
  }
  return batches;
}

void for_each_batch(const PipelineModel& model, const std::string& label, std::span<const Encoding> rows,
                    int64_t batch_size, const BatchBody& body) {
  std::optional<Progress> progress;
  if (rows.size() > 1) progress.emplace(label, static_cast<int64_t>(rows.size()), "texts");
  for (const std::vector<size_t>& batch : plan_batches(rows, batch_size)) {
    std::vector<const Encoding*> members;
    for (size_t index : batch) members.push_back(&rows[index]);
    body(batch, pad_to_batch(model, members, PaddingSide::kRight));
    if (progress) progress->advance(static_cast<int64_t>(batch.size()));
  }
}

void expect_finite(std::span<const float> scores) {
  if (std::all_of(scores.begin(), scores.end(), [](float score) { return std::isfinite(score); })) return;
  throw Error(ErrorKind::kInvalidArgument, "pipeline", "the model's outputs are not finite numbers",
              "its weights may hold NaN or infinity, or be too large for the dtype");
}

std::vector<std::vector<float>> token_scores(const Tensor& logits, size_t row, size_t tokens) {
  const Tensor part = narrow(select(logits, 0, static_cast<int64_t>(row)), 0, 0, static_cast<int64_t>(tokens));
  const std::vector<float> flat = part.to_vector<float>();
  expect_finite(flat);
  const auto columns = static_cast<ptrdiff_t>(logits.size(-1));
  std::vector<std::vector<float>> scores;
  for (auto begin = flat.begin(); begin != flat.end(); begin += columns) scores.emplace_back(begin, begin + columns);
  return scores;
}

std::vector<float> softmax_scores(std::span<const float> scores) {
  const float highest = *std::max_element(scores.begin(), scores.end());
  std::vector<double> powers;
  double sum = 0;
  for (float score : scores) sum += powers.emplace_back(std::exp(static_cast<double>(score) - highest));
  std::vector<float> result;
  for (double power : powers) result.push_back(static_cast<float>(power / sum));
  return result;
}

std::vector<size_t> largest(std::span<const float> scores, size_t k) {
  std::vector<size_t> order(scores.size());
  std::iota(order.begin(), order.end(), size_t{0});
  k = std::min(k, order.size());
  const auto before = [&](size_t a, size_t b) { return scores[a] != scores[b] ? scores[a] > scores[b] : a < b; };
  std::partial_sort(order.begin(), order.begin() + static_cast<ptrdiff_t>(k), order.end(), before);
  order.resize(k);
  return order;
}

}  // namespace imago
