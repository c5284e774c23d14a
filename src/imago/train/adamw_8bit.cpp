#include "imago/train/adamw_8bit.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "imago/base/thread_pool.h"
#include "imago/ops/contiguous/contiguous.h"

namespace imago {
namespace {

constexpr int64_t kBlock = 256, kLeast = 4096;

// The values of a byte, in rising order (Dettmers 2016, "8-Bit Approximations for Parallelism in Deep Learning"): for
// each power of ten from 1e-6 to 1 the middles of equal parts of a tenth to one, with twice as many for every power
// more, and 0 and 1. Where there are no signs there is a bit more for the parts.
class Code {
 public:
  explicit Code(bool is_signed) {
    size_t count = 0;
    const auto add = [&](float value) { values_[count++] = value; };
    for (int exponent = 0; exponent < 7; ++exponent) {
      const int parts = 1 << (is_signed ? exponent : exponent + 1);
      const auto power = static_cast<float>(std::pow(10.0, exponent - 6));
      for (int part = 0; part < parts; ++part) {
        const float middle = (boundary(part, parts) + boundary(part + 1, parts)) / 2 * power;
        add(middle);
        if (is_signed) add(-middle);
      }
    }
    add(0);
    add(1);
    std::sort(values_.begin(), values_.end());
    for (size_t i = 0; i + 1 < values_.size(); ++i) halfway_[i] = (values_[i] + values_[i + 1]) / 2;
  }

  float operator[](uint8_t byte) const { return values_[byte]; }
  uint8_t nearest(float value) const {
    return static_cast<uint8_t>(std::upper_bound(halfway_.begin(), halfway_.end(), value) - halfway_.begin());
  }

 private:
  // Of `parts` equal parts of [0.1, 1], counted from the nearer end, as torch's linspace counts.
  static float boundary(int index, int parts) {
    const float step = (1.0F - 0.1F) / static_cast<float>(parts);
    return index < (parts + 1) / 2 ? 0.1F + step * static_cast<float>(index)
                                   : 1.0F - step * static_cast<float>(parts - index);
  }

  std::array<float, 256> values_{};
  std::array<float, 255> halfway_{};
};

// A running mean as bytes: `name` has them, "absmax" with the same number the largest of each block.
struct Mean {
  const Code& code;
  uint8_t* bytes;
  float* largest;

  Mean(const Code& its_code, Optimizer::State& state, const char* number, int64_t size) : code(its_code) {
    Tensor& kept = state.tensors[std::string("state") + number];
    Tensor& absmax = state.tensors[std::string("absmax") + number];
    if (!kept.defined()) {
      kept = Tensor::empty({size}, DType::u8);
      std::fill_n(kept.data<uint8_t>(), size, code.nearest(0));
      absmax = Tensor::zeros({(size + kBlock - 1) / kBlock});
    }
    bytes = kept.data<uint8_t>();
    largest = absmax.data<float>();
  }

  void read(int64_t block, int64_t count, float* values) const {
    for (int64_t i = 0; i < count; ++i) values[i] = code[bytes[block * kBlock + i]] * largest[block];
  }
  void write(int64_t block, int64_t count, const float* values) const {
    float absmax = 0;
    for (int64_t i = 0; i < count; ++i) absmax = std::max(absmax, std::abs(values[i]));
    largest[block] = absmax;
    const float scale = absmax > 0 ? 1 / absmax : 0;
    for (int64_t i = 0; i < count; ++i) bytes[block * kBlock + i] = code.nearest(values[i] * scale);
  }
};

}  // namespace

Tensor AdamW8bit::update(const Tensor& parameter, const Tensor& gradient, const ParameterGroup& group, State& state) {
  if (parameter.numel() < kLeast) return in_32_bits_.update(parameter, gradient, group, state);
  static const Code with_signs(true), without_signs(false);
  const int64_t size = parameter.numel();
  const Mean first(with_signs, state, "1", size), second(without_signs, state, "2", size);
  const auto beta1 = static_cast<float>(options_.beta1), beta2 = static_cast<float>(options_.beta2);
  const auto rest1 = static_cast<float>(1 - options_.beta1), rest2 = static_cast<float>(1 - options_.beta2);
  const auto eps = static_cast<float>(options_.eps), decay = static_cast<float>(1 - group.lr * group.weight_decay);
  const auto steps = static_cast<double>(state.step);
  const auto correction2 = static_cast<float>(std::sqrt(1 - std::pow(options_.beta2, steps)));
  const auto rate = static_cast<float>(group.lr / (1 - std::pow(options_.beta1, steps)));
  Tensor moved = clone(parameter);
  const Tensor gradients = contiguous(gradient);
  float* const values = moved.data<float>();
  const float* const slopes = gradients.const_data<float>();
  parallel_for((size + kBlock - 1) / kBlock, 64, [&](int64_t begin, int64_t end) {
    std::array<float, kBlock> m, v;
    for (int64_t block = begin; block < end; ++block) {
      const int64_t from = block * kBlock, count = std::min(kBlock, size - from);
      first.read(block, count, m.data());
      second.read(block, count, v.data());
      for (int64_t i = 0; i < count; ++i) {
        const float g = slopes[from + i];
        m[i] = m[i] * beta1 + g * rest1;
        v[i] = v[i] * beta2 + g * g * rest2;
        values[from + i] = values[from + i] * decay - m[i] / (std::sqrt(v[i]) / correction2 + eps) * rate;
      }
      first.write(block, count, m.data());
      second.write(block, count, v.data());
    }
  });
  return moved;
}

}  // namespace imago
