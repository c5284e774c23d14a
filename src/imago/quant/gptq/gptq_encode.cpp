#include "imago/quant/gptq/gptq_encode.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "imago/base/error.h"
#include "imago/base/thread_pool.h"
#include "imago/kernels/cpu/gemm.h"
#include "imago/kernels/cpu/half.h"
#include "imago/kernels/cpu/triangular.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/contiguous/contiguous.h"
#include "imago/tensor/encoded_matrix.h"

namespace imago::quant {
namespace {

constexpr const char* kWhere = "gptq";
constexpr int64_t kBlock = 128;  // columns between two updates of those to their right

struct Grid {
  float scale, zero;
  int most;
  float q(float value) const { return std::clamp(std::round(value / scale) + zero, 0.0F, static_cast<float>(most)); }
  float value(float q) const { return scale * (q - zero); }
};

// From the least to the largest value, zero among them. The scale is one that float16 holds, as it is stored.
Grid grid_of(const float* values, int64_t count, const GptqOptions& options) {
  float least = std::min(0.0F, *std::min_element(values, values + count));
  float most = std::max(0.0F, *std::max_element(values, values + count));
  if (options.sym) {
    most = std::max(-least, most);
    if (least < 0) least = -most;
  }
  if (least == 0 && most == 0) {
    least = -1;
    most = 1;
  }
  Grid grid{};
  grid.most = (1 << options.bits) - 1;
  constexpr float kSmallest = 0x1p-14F;  // below, float16 loses digits
  grid.scale = static_cast<float>(float16(std::max((most - least) / static_cast<float>(grid.most), kSmallest)));
  grid.zero = options.sym ? static_cast<float>(1 << (options.bits - 1))
                          : std::clamp(std::round(-least / grid.scale), 0.0F, static_cast<float>(grid.most));
  return grid;
}

class Solver {
 public:
  Solver(const Tensor& weight, Tensor hessian, const GptqOptions& options)
      : options_(options), out_(weight.size(0)), in_(weight.size(1)), hessian_(std::move(hessian)) {
    order_.resize(static_cast<size_t>(in_));
    std::iota(order_.begin(), order_.end(), 0);
    float* const h = hessian_.data<float>();
    // An input that is always zero has no say, and its weights need not be anything.
    for (int64_t i = 0; i < in_; ++i) {
      if (h[i * in_ + i] == 0) h[i * in_ + i] = 1;
    }
    if (options.desc_act) {
      std::stable_sort(order_.begin(), order_.end(),
                       [&](int32_t a, int32_t b) { return h[a * in_ + a] > h[b * in_ + b]; });
    }
    const float* const from = weight.const_data<float>();
    weight_.resize(static_cast<size_t>(out_ * in_));
    q_.resize(weight_.size());
    for (int64_t n = 0; n < out_; ++n) {
      for (int64_t k = 0; k < in_; ++k) at(weight_, n, k) = from[n * in_ + order_[static_cast<size_t>(k)]];
    }
    grids_.resize(static_cast<size_t>(out_ * groups()));
  }

  GptqResult run() {
    factor();
    for (int64_t first = 0; first < in_; first += kBlock) round_block(first, std::min(kBlock, in_ - first));
    GptqResult result;
    result.tensors = pack();
    result.error = error_;
    return result;
  }

 private:
  int64_t groups() const { return in_ / options_.group_size; }
  float& at(std::vector<float>& matrix, int64_t n, int64_t k) const { return matrix[static_cast<size_t>(n * in_ + k)]; }

  // The upper triangle U with U^T U = H^-1. With the order of the inputs reversed, H = L L^T, and the inverse of L is U
  // reversed.
  void factor() {
    const float* const h = hessian_.const_data<float>();
    double mean = 0;
    for (int64_t i = 0; i < in_; ++i) mean += h[i * in_ + i] / static_cast<double>(in_);
    upper_.resize(static_cast<size_t>(in_ * in_));
    for (double damp = options_.damp_percent; damp < 10; damp *= 10) {
      for (int64_t i = 0; i < in_; ++i) {
        const int64_t row = order_[static_cast<size_t>(in_ - 1 - i)];
        for (int64_t j = 0; j < in_; ++j) {
          upper_[static_cast<size_t>(i * in_ + j)] = h[row * in_ + order_[static_cast<size_t>(in_ - 1 - j)]];
        }
        upper_[static_cast<size_t>(i * in_ + i)] += static_cast<float>(damp * mean);
      }
      if (!kernels::cholesky(upper_.data(), in_)) continue;
      kernels::invert_lower(upper_.data(), in_);
      std::reverse(upper_.begin(), upper_.end());
      return;
    }
    throw Error(ErrorKind::kInvalidArgument, kWhere, "what goes into the layer is not finite");
  }
  float upper(int64_t i, int64_t j) const { return upper_[static_cast<size_t>(i * in_ + j)]; }

  // Rounds columns [first, first + size) one by one; each one's error is made good by those to its right.
  void round_block(int64_t first, int64_t size) {
    std::vector<float> errors(static_cast<size_t>(out_ * size));
    std::vector<double> losses(static_cast<size_t>(out_));
    parallel_for(out_, 4, [&](int64_t begin, int64_t end) {
      for (int64_t n = begin; n < end; ++n) {
        float* const row = &at(weight_, n, first);
        for (int64_t i = 0; i < size; ++i) {
          const int64_t k = first + i;
          Grid& grid = grids_[static_cast<size_t>(n * groups() + k / options_.group_size)];
          if (k % options_.group_size == 0) grid = grid_of(row + i, options_.group_size, options_);
          const float q = grid.q(row[i]), pivot = upper(k, k);
          at(q_, n, k) = q;
          const float error = (row[i] - grid.value(q)) / pivot;
          losses[static_cast<size_t>(n)] += static_cast<double>(error) * error;
          const float* const line = upper_.data() + k * in_ + first;
          for (int64_t j = i; j < size; ++j) row[j] -= error * line[j];
          errors[static_cast<size_t>(n * size + i)] = -error;
        }
      }
    });
    for (const double loss : losses) error_ += loss;
    const int64_t rest = in_ - first - size;
    if (rest == 0) return;
    kernels::Gemm<float, float, float> gemm;
    gemm.m = out_;
    gemm.n = rest;
    gemm.k = size;
    gemm.a = errors.data();
    gemm.lda = size;
    gemm.b = upper_.data() + first * in_ + first + size;
    gemm.ldb = in_;
    gemm.c = weight_.data() + first + size;
    gemm.ldc = in_;
    gemm.accumulate = true;
    kernels::gemm(gemm);
  }

  // Values of so many bits, one after another through the words of a line.
  static void put(int32_t* words, int64_t stride, int64_t bits, int64_t index, uint32_t value) {
    const int64_t bit = index * bits, word = bit / 32, shift = bit % 32;
    const uint64_t pair = static_cast<uint64_t>(value) << shift;
    words[word * stride] =
        static_cast<int32_t>(static_cast<uint32_t>(words[word * stride]) | static_cast<uint32_t>(pair));
    if (shift + bits > 32) {
      int32_t& next = words[(word + 1) * stride];
      next = static_cast<int32_t>(static_cast<uint32_t>(next) | static_cast<uint32_t>(pair >> 32));
    }
  }

  GptqTensors pack() {
    const int64_t bits = options_.bits, zero_words = out_ * bits / 32;
    GptqTensors t{Tensor::zeros({in_ * bits / 32, out_}, DType::i32), Tensor::zeros({groups(), zero_words}, DType::i32),
                  Tensor::empty({groups(), out_}, DType::f16), Tensor::empty({in_}, DType::i32)};
    auto *const weight = t.qweight.data<int32_t>(), *const zeros = t.qzeros.data<int32_t>();
    auto* const group = t.g_idx.data<int32_t>();
    for (int64_t k = 0; k < in_; ++k) {
      const int64_t input = order_[static_cast<size_t>(k)];
      group[input] = static_cast<int32_t>(k / options_.group_size);
      for (int64_t n = 0; n < out_; ++n) put(weight + n, out_, bits, input, static_cast<uint32_t>(at(q_, n, k)));
    }
    const auto mask = static_cast<uint32_t>((1 << bits) - 1);
    for (int64_t g = 0; g < groups(); ++g) {
      for (int64_t n = 0; n < out_; ++n) {
        const Grid& grid = grids_[static_cast<size_t>(n * groups() + g)];
        put(zeros + g * zero_words, 1, bits, n, (static_cast<uint32_t>(grid.zero) - 1) & mask);
        t.scales.data<float16>()[g * out_ + n] = float16(grid.scale);
      }
    }
    return t;
  }

  const GptqOptions& options_;
  int64_t out_, in_;
  Tensor hessian_;
  std::vector<int32_t> order_;     // of the inputs
  std::vector<float> weight_, q_;  // [out, in] in that order
  std::vector<float> upper_;       // [in, in]
  std::vector<Grid> grids_;        // [out, groups]
  double error_ = 0;
};

// sum of (W x)^2 over the inputs: trace(W H W^T).
double squares_of(const Tensor& weight, const Tensor& hessian) {
  const int64_t out = weight.size(0), in = weight.size(1);
  std::vector<float> product(static_cast<size_t>(out * in));
  kernels::Gemm<float, float, float> gemm;
  gemm.m = out;
  gemm.n = gemm.k = in;
  gemm.a = weight.const_data<float>();
  gemm.lda = gemm.ldb = gemm.ldc = in;
  gemm.b = hessian.const_data<float>();
  gemm.c = product.data();
  kernels::gemm(gemm);
  double sum = 0;
  for (int64_t i = 0; i < out * in; ++i) sum += static_cast<double>(product[static_cast<size_t>(i)]) * gemm.a[i];
  return sum;
}

void check(const Tensor& weight, const Tensor& hessian, const GptqOptions& options) {
  const int64_t bits = options.bits, group = options.group_size;
  if (bits != 2 && bits != 3 && bits != 4 && bits != 8) {
    throw Error(ErrorKind::kInvalidArgument, kWhere, fmt::format("{} bits, not 2, 3, 4 or 8", bits));
  }
  if (group != 32 && group != 64 && group != 128) {
    throw Error(ErrorKind::kInvalidArgument, kWhere, fmt::format("groups of {}, not of 32, 64 or 128", group));
  }
  if (weight.dim() != 2 || weight.size(1) % group != 0 || weight.size(0) * bits % 32 != 0 ||
      !(hessian.shape() == Shape{weight.size(1), weight.size(1)})) {
    throw Error(ErrorKind::kInvalidArgument, kWhere,
                fmt::format("a weight {} in groups of {}, with inputs {}", weight.shape().to_string(), group,
                            hessian.shape().to_string()));
  }
}

}  // namespace

GptqResult encode_gptq(const Tensor& weight, Tensor hessian, const GptqOptions& options) {
  check(weight, hessian, options);
  const Tensor values = contiguous(cast(decode(weight), DType::f32));
  const float* const from = values.const_data<float>();
  if (!std::all_of(from, from + values.numel(), [](float value) { return std::isfinite(value); })) {
    throw Error(ErrorKind::kInvalidArgument, kWhere, "the weight has values that are not finite");
  }
  const double squares = squares_of(values, hessian);
  GptqResult result = Solver(values, std::move(hessian), options).run();
  result.error = squares > 0 ? result.error / squares : 0;
  return result;
}

}  // namespace imago::quant
