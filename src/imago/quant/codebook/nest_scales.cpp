#include "imago/quant/codebook/nest_scales.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

namespace imago::quant {
namespace {

// Floats of a sign, an exponent in unary and what bits are left for a fraction (Dettmers 2015, "dynamic trees"): seven
// decades, each cut into twice as many equal steps as the one below; the codes are the steps' middles.
std::array<float, 256> dynamic_codes() {
  std::array<float, 256> codes{};
  size_t count = 0;
  for (int decade = 0; decade < 7; ++decade) {
    const int steps = 1 << decade;
    const float width = (1.0F - 0.1F) / static_cast<float>(steps);
    // From the nearer end and rounded once, as the package's.
    const auto bound = [&](int i) {
      return 2 * i < steps + 1 ? std::fma(width, static_cast<float>(i), 0.1F)
                               : std::fma(-width, static_cast<float>(steps - i), 1.0F);
    };
    const auto power = static_cast<float>(std::pow(10.0, decade - 6));
    for (int i = 0; i < steps; ++i) {
      const float middle = (bound(i) + bound(i + 1)) / 2;
      codes[count++] = power * middle;
      codes[count++] = -power * middle;
    }
  }
  codes[count++] = 0;
  codes[count++] = 1;
  std::sort(codes.begin(), codes.end());
  return codes;
}

}  // namespace

void nest_scales(FourBitTensors& tensors) {
  static const std::array<float, 256> codes = dynamic_codes();
  std::vector<float> scales = tensors.absmax.to_vector<float>();
  const auto size = static_cast<int64_t>(scales.size()), block = tensors.nested_block;
  double sum = 0;
  for (const float scale : scales) sum += scale;
  tensors.nested_offset = static_cast<float>(sum / static_cast<double>(std::max<int64_t>(size, 1)));
  for (float& scale : scales) scale -= tensors.nested_offset;
  tensors.absmax = Tensor::empty({size}, DType::u8);
  tensors.nested_absmax = Tensor::empty({(size + block - 1) / block});
  tensors.nested_values = Tensor::from(std::span<const float>(codes), {256});
  for (int64_t first = 0; first < size; first += block) {
    const auto begin = scales.begin() + first, end = scales.begin() + std::min(first + block, size);
    float largest = 0;
    for (auto at = begin; at != end; ++at) largest = std::max(largest, std::abs(*at));
    tensors.nested_absmax.data<float>()[first / block] = largest;
    const float factor = largest == 0 ? 0 : 1 / largest;
    for (auto at = begin; at != end; ++at) {
      const float value = std::clamp(*at * factor, -1.0F, 1.0F);
      auto code = std::lower_bound(codes.begin(), codes.end(), value);
      if (code == codes.end() || (code != codes.begin() && value - code[-1] <= *code - value)) --code;
      tensors.absmax.data<uint8_t>()[at - scales.begin()] = static_cast<uint8_t>(code - codes.begin());
    }
  }
}

}  // namespace imago::quant
