#include "imago/ops/cross_entropy/cross_entropy.h"

#include <fmt/core.h>

#include <cmath>

#include "imago/base/error.h"
#include "imago/kernels/cpu/elementwise.h"
#include "imago/kernels/cpu/reduce.h"
#include "imago/ops/kernel_table.h"
#include "imago/ops/row_loop.h"
#include "imago/tensor/dispatch.h"

namespace imago {
namespace {

// All targets, checked before a logit is read.
std::vector<int64_t> checked_targets(const Tensor& target, int64_t classes, int64_t ignore_index) {
  const std::vector<int64_t> values = target.to_vector<int64_t>();
  for (int64_t value : values) {
    if (value != ignore_index && (value < 0 || value >= classes)) {
      throw Error(ErrorKind::kInvalidArgument, op::CrossEntropy::name,
                  fmt::format("target {} is not one of {} classes", value, classes),
                  fmt::format("targets without a loss are {}", ignore_index));
    }
  }
  return values;
}

// Logits are read in pieces of this many, so that a row of any dtype needs no memory.
constexpr int64_t kPiece = 1024;

// The wide values of row[begin, begin + count).
template <class T>
void widen_piece(const T* row, Accumulator<T>* piece, int64_t count) {
  for (int64_t i = 0; i < count; ++i) piece[i] = static_cast<Accumulator<T>>(row[i]);
}

// Sums over a row of exp(logit - highest). The target's stands apart: where it is nearly all, what is left of the
// others is the loss and the gradient, and a sum of both would round it away.
struct RowSums {
  double highest = 0, own = 0, others = 0;
  double sum = 0;  // of the logits, for smoothing

  double total() const { return own + others; }
  double log_sum_exp_over_highest() const { return own == 1 ? std::log1p(others) : std::log(total()); }
};

template <class T>
RowSums sum_row(const T* row, int64_t classes, int64_t target, bool want_sum) {
  using A = Accumulator<T>;
  const A highest = kernels::max(row, classes);
  A piece[kPiece];
  RowSums sums{.highest = static_cast<double>(highest)};
  for (int64_t begin = 0; begin < classes; begin += kPiece) {
    const int64_t count = std::min(kPiece, classes - begin);
    widen_piece(row + begin, piece, count);
    if (want_sum) sums.sum += static_cast<double>(kernels::sum(piece, count));
    for (int64_t i = 0; i < count; ++i) piece[i] -= highest;
    kernels::exp(piece, piece, count);
    if (target >= begin && target < begin + count) {
      sums.own = static_cast<double>(piece[target - begin]);
      piece[target - begin] = 0;
    }
    sums.others += static_cast<double>(kernels::sum(piece, count));
  }
  return sums;
}

void cross_entropy_cpu(const op::CrossEntropy& op, std::span<const Tensor> inputs, std::span<Tensor> outputs) {
  const int64_t rows = inputs[0].size(0), classes = inputs[0].size(1);
  const std::vector<int64_t> targets = checked_targets(inputs[1], classes, op.ignore_index);
  const Tensor logits = contiguous(inputs[0]);
  const double smoothing = op.label_smoothing;
  dispatch_floating(op::CrossEntropy::name, logits.dtype(), [&]<class T>() {
    const T* from = logits.const_data<T>();
    using A = Accumulator<T>;
    const bool wide = outputs[0].dtype() == DTypeOf<A>::value;
    void* const to = outputs[0].data_raw();
    const auto put = [&](int64_t r, A loss) {
      if (wide) {
        static_cast<A*>(to)[r] = loss;
      } else {
        static_cast<T*>(to)[r] = T(loss);
      }
    };
    for_rows(rows, classes, [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r) {
        const int64_t target = targets[static_cast<size_t>(r)];
        if (target == op.ignore_index) {
          put(r, A(0));
          continue;
        }
        const T* row = from + r * classes;
        const RowSums sums = sum_row(row, classes, target, smoothing > 0);
        const double own = static_cast<double>(static_cast<Accumulator<T>>(row[target]));
        const double over = sums.log_sum_exp_over_highest();
        double loss = (1 - smoothing) * (sums.highest - own + over);
        if (smoothing > 0) loss += smoothing * (sums.highest + over - sums.sum / static_cast<double>(classes));
        put(r, static_cast<A>(loss));
      }
    });
  });
}

template <class T>
void grad_of_row(const op::CrossEntropyGrad& op, const T* row, int64_t target, double grad, T* to, int64_t classes) {
  using A = Accumulator<T>;
  const RowSums sums = sum_row(row, classes, target, false);
  const A highest = static_cast<A>(sums.highest), share = static_cast<A>(1 / sums.total());
  const double uniform = op.label_smoothing / static_cast<double>(classes);
  const double own = op.label_smoothing - sums.others / sums.total();  // its probability - (1 - label_smoothing)
  A piece[kPiece];
  for (int64_t begin = 0; begin < classes; begin += kPiece) {
    const int64_t count = std::min(kPiece, classes - begin);
    widen_piece(row + begin, piece, count);
    for (int64_t i = 0; i < count; ++i) piece[i] -= highest;
    kernels::exp(piece, piece, count);
    const A g = static_cast<A>(grad), less = static_cast<A>(uniform);
    for (int64_t i = 0; i < count; ++i) to[begin + i] = T((piece[i] * share - less) * g);
  }
  to[target] = T(static_cast<A>((own - uniform) * grad));
}

void cross_entropy_grad_cpu(const op::CrossEntropyGrad& op, std::span<const Tensor> inputs, std::span<Tensor> outputs) {
  const int64_t rows = inputs[0].size(0), classes = inputs[0].size(1);
  const std::vector<int64_t> targets = checked_targets(inputs[1], classes, op.ignore_index);
  const Tensor logits = contiguous(inputs[0]);
  const std::vector<double> grads = inputs[2].to_vector<double>();
  dispatch_floating(op::CrossEntropyGrad::name, logits.dtype(), [&]<class T>() {
    const T* from = logits.const_data<T>();
    T* to = outputs[0].data<T>();
    for_rows(rows, classes, [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r) {
        const int64_t target = targets[static_cast<size_t>(r)];
        if (target == op.ignore_index) {
          std::fill_n(to + r * classes, classes, T(0));
        } else {
          grad_of_row(op, from + r * classes, target, grads[static_cast<size_t>(r)], to + r * classes, classes);
        }
      }
    });
  });
}

}  // namespace

void register_cross_entropy_cpu(KernelTable& table) {
  table.add<op::CrossEntropy, cross_entropy_cpu>(Device::kCPU, kFloatingDTypes);
  table.add<op::CrossEntropyGrad, cross_entropy_grad_cpu>(Device::kCPU, kFloatingDTypes);
}

}  // namespace imago
