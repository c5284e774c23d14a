#include "imago/nn/ctc_loss.h"

#include <fmt/core.h>

#include <algorithm>

#include "imago/base/error.h"
#include "imago/ops/compare/compare.h"
#include "imago/ops/concat/concat.h"
#include "imago/ops/index_select/index_select.h"
#include "imago/ops/operators.h"
#include "imago/ops/pad/pad.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/slice/slice.h"
#include "imago/ops/softmax/softmax.h"
#include "imago/ops/where/where.h"

namespace imago::nn {
namespace {

// The logarithm of a probability of nothing: finite, so that gradients are numbers.
constexpr double kNothing = -1e30;

// Blanks around and between the labels.
std::vector<int64_t> with_blanks(const std::vector<int64_t>& labels, int64_t blank) {
  std::vector<int64_t> states = {blank};
  for (const int64_t label : labels) states.insert(states.end(), {label, blank});
  return states;
}

Tensor shifted(const Tensor& x, int64_t by) {
  if (by >= x.size(0)) return Tensor::full(x.shape(), kNothing, x.dtype());
  return pad(narrow(x, 0, 0, x.size(0) - by), {by, 0}, kNothing);
}

// -log p(labels) of one row: log_probs [T, V].
Tensor row_loss(const Tensor& log_probs, const std::vector<int64_t>& labels, int64_t blank) {
  const std::vector<int64_t> states = with_blanks(labels, blank);
  const auto count = static_cast<int64_t>(states.size());
  const Tensor emissions = index_select(log_probs, 1, Tensor::from(states));
  // A blank may be passed over only between two labels that differ.
  std::vector<bool> skips(states.size());
  for (size_t i = 2; i < states.size(); ++i) skips[i] = states[i] != blank && states[i] != states[i - 2];
  std::vector<int64_t> skip_numbers(skips.begin(), skips.end());
  const Tensor may_skip = ne(Tensor::from(skip_numbers), 0);
  const Tensor nothing = Tensor::full({}, kNothing, log_probs.dtype());
  const Tensor begins = Tensor::arange(0, static_cast<double>(count)) < 2;

  Tensor alpha = where(begins, select(emissions, 0, 0), nothing);
  for (int64_t t = 1; t < log_probs.size(0); ++t) {
    const Tensor skipped = where(may_skip, shifted(alpha, 2), nothing);
    alpha = logsumexp(stack({alpha, shifted(alpha, 1), skipped}, 0), {0}) + select(emissions, 0, t);
  }
  return -logsumexp(narrow(alpha, 0, std::max<int64_t>(0, count - 2), std::min<int64_t>(2, count)), {0});
}

}  // namespace

Tensor ctc_loss(const Tensor& logits, const Tensor& labels, const std::vector<int64_t>& frames, const CtcOptions& o) {
  if (!labels) return {};
  const Tensor log_probs = log_softmax(logits, -1, logits.dtype() == DType::f64 ? DType::f64 : DType::f32);
  const std::vector<int64_t> all = labels.to_vector<int64_t>();
  const int64_t columns = labels.size(1), words = logits.size(2);
  Tensors losses;
  for (int64_t row = 0; row < logits.size(0); ++row) {
    std::vector<int64_t> own(all.begin() + row * columns, all.begin() + (row + 1) * columns);
    std::erase_if(own, [](int64_t label) { return label < 0; });
    for (const int64_t label : own) {
      if (label >= words)
        throw Error(ErrorKind::kInvalidArgument, "ctc_loss", fmt::format("label {} of {} words", label, words));
    }
    const int64_t length = std::clamp<int64_t>(frames.at(static_cast<size_t>(row)), 1, logits.size(1));
    Tensor loss = row_loss(narrow(select(log_probs, 0, row), 0, 0, length), own, o.blank);
    if (o.zero_infinity) loss = where(loss < -kNothing / 2, loss, Tensor::zeros({}, loss.dtype()));
    losses.push_back(o.mean ? loss / static_cast<double>(std::max<size_t>(1, own.size())) : loss);
  }
  const Tensor each = stack(losses, 0);
  return o.mean ? mean(each) : sum(each);
}

}  // namespace imago::nn
