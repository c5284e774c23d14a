#include "imago/quant/awq/awq_encode.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "imago/base/error.h"
#include "imago/base/thread_pool.h"
#include "imago/kernels/cpu/gemm.h"
#include "imago/kernels/cpu/half.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/contiguous/contiguous.h"
#include "imago/tensor/encoded_matrix.h"

namespace imago::quant {
namespace {

constexpr const char* kWhere = "awq";
constexpr int64_t kPerWord = 8;
constexpr int kNibble[kPerWord] = {0, 4, 1, 5, 2, 6, 3, 7};  // of each of eight neighbouring outputs

struct Group {
  float scale, zero;
  float q(float value) const { return std::clamp(std::round(value / scale) + zero, 0.0F, 15.0F); }
  float value(float q) const { return scale * (q - zero); }
};

Group group_of(const float* values, int64_t count) {
  const auto [least, most] = std::minmax_element(values, values + count);
  Group group{};
  constexpr float kSmallest = 0x1p-14F;  // below, float16 loses digits
  group.scale = static_cast<float>(float16(std::max((*most - *least) / 15, kSmallest)));
  group.zero = std::clamp(-std::round(*least / group.scale), 0.0F, 15.0F);
  return group;
}

Tensor floats_of(const Tensor& weight, int64_t group_size) {
  if (weight.dim() != 2 || group_size < 1 || weight.size(1) % group_size != 0 || weight.size(0) % kPerWord != 0) {
    throw Error(ErrorKind::kInvalidArgument, kWhere, fmt::format("{} in groups of {}", weight.describe(), group_size));
  }
  const Tensor values = contiguous(cast(decode(weight), DType::f32));
  const float* const from = values.const_data<float>();
  if (!std::all_of(from, from + values.numel(), [](float value) { return std::isfinite(value); })) {
    throw Error(ErrorKind::kInvalidArgument, kWhere, "the weight has values that are not finite");
  }
  return values;
}

// What W s, rounded, then divided by s again, is off by.
std::vector<float> error_of(const Tensor& weight, const std::vector<float>& scales, int64_t group_size) {
  const int64_t out = weight.size(0), in = weight.size(1);
  std::vector<float> error(static_cast<size_t>(out * in));
  parallel_for(out, 8, [&](int64_t begin, int64_t end) {
    std::vector<float> row(static_cast<size_t>(in));
    for (int64_t n = begin; n < end; ++n) {
      const float* const from = weight.const_data<float>() + n * in;
      for (int64_t k = 0; k < in; ++k) row[static_cast<size_t>(k)] = from[k] * scales[static_cast<size_t>(k)];
      for (int64_t first = 0; first < in; first += group_size) {
        const Group group = group_of(row.data() + first, group_size);
        for (int64_t k = first; k < first + group_size; ++k) {
          const auto at = static_cast<size_t>(k);
          error[static_cast<size_t>(n * in + k)] = group.value(group.q(row[at])) / scales[at] - from[k];
        }
      }
    }
  });
  return error;
}

double squares_of_products(const Tensor& samples, const std::vector<float>& weight, int64_t out) {
  const int64_t rows = samples.size(0), in = samples.size(1);
  std::vector<float> products(static_cast<size_t>(rows * out));
  kernels::Gemm<float, float, float> gemm;
  gemm.m = rows;
  gemm.n = gemm.ldc = out;
  gemm.k = gemm.lda = gemm.ldb = in;
  gemm.a = samples.const_data<float>();
  gemm.b = weight.data();
  gemm.transpose_b = true;
  gemm.c = products.data();
  kernels::gemm(gemm);
  double sum = 0;
  for (const float product : products) sum += static_cast<double>(product) * product;
  return sum;
}

}  // namespace

AwqTensors encode_awq(const Tensor& weight, int64_t group_size) {
  const Tensor values = floats_of(weight, group_size);
  const int64_t out = values.size(0), in = values.size(1), words = out / kPerWord, groups = in / group_size;
  AwqTensors t{Tensor::zeros({in, words}, DType::i32), Tensor::zeros({groups, words}, DType::i32),
               Tensor::empty({groups, out}, DType::f16)};
  const float* const from = values.const_data<float>();
  auto *const weights = t.qweight.data<int32_t>(), *const zeros = t.qzeros.data<int32_t>();
  const auto put = [](int32_t& word, int64_t n, float value) {
    word =
        static_cast<int32_t>(static_cast<uint32_t>(word) | static_cast<uint32_t>(value) << (4 * kNibble[n % kPerWord]));
  };
  parallel_for(words, 1, [&](int64_t begin, int64_t end) {
    for (int64_t n = begin * kPerWord; n < end * kPerWord; ++n) {
      for (int64_t g = 0; g < groups; ++g) {
        const float* const run = from + n * in + g * group_size;
        const Group group = group_of(run, group_size);
        t.scales.data<float16>()[g * out + n] = float16(group.scale);
        put(zeros[g * words + n / kPerWord], n, group.zero);
        for (int64_t k = 0; k < group_size; ++k) {
          put(weights[(g * group_size + k) * words + n / kPerWord], n, group.q(run[k]));
        }
      }
    }
  });
  return t;
}

std::vector<float> awq_input_scales(const std::vector<Tensor>& weights, const std::vector<float>& magnitudes,
                                    const Tensor& samples, int64_t group_size) {
  constexpr int kExponents = 20;
  std::vector<Tensor> plain;
  for (const Tensor& weight : weights) plain.push_back(floats_of(weight, group_size));
  std::vector<float> best(magnitudes.size(), 1.0F);
  double least = std::numeric_limits<double>::infinity();
  for (int i = 0; i < kExponents; ++i) {
    std::vector<float> scales;
    for (const float magnitude : magnitudes) {
      scales.push_back(std::max(std::pow(magnitude, static_cast<float>(i) / kExponents), 1e-4F));
    }
    const auto [smallest, largest] = std::minmax_element(scales.begin(), scales.end());
    const float middle = std::sqrt(*smallest * *largest);
    for (float& scale : scales) scale /= middle;
    double loss = 0;
    for (const Tensor& weight : plain) {
      loss += squares_of_products(samples, error_of(weight, scales, group_size), weight.size(0));
    }
    if (loss < least) {
      least = loss;
      best = std::move(scales);
    }
  }
  return best;
}

}  // namespace imago::quant
