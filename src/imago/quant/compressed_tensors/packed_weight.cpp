#include "imago/quant/compressed_tensors/packed_weight.h"

#include <fmt/core.h>

#include <numeric>

#include "imago/base/error.h"
#include "imago/ops/contiguous/contiguous.h"
#include "imago/ops/permute/permute.h"
#include "imago/quant/grouped_int4/group_scales.h"
#include "imago/quant/grouped_int4/grouped_int4.h"
#include "imago/quant/grouped_int4/pack_groups.h"
#include "imago/quant/grouped_int4/packed_line.h"
#include "imago/quant/grouped_int8/grouped_int8.h"

namespace imago::quant {
namespace {

constexpr const char* kWhere = "compressed-tensors";

int64_t words_of(int64_t values, int64_t bits) { return values / 32 * bits + (values % 32 * bits + 31) / 32; }

}  // namespace

Tensor packed_weight(const PackedTensors& t, int64_t out, int64_t in, int64_t bits, DType dtype) {
  if (bits != 4 && bits != 8) throw Error(ErrorKind::kUnsupported, kWhere, fmt::format("{} bits, only 4 and 8", bits));
  if (t.scale.dim() != 2 || t.scale.size(0) != out || t.scale.size(1) < 1) {
    throw Error(ErrorKind::kInvalidFile, kWhere, "weight_scale is " + t.scale.describe());
  }
  const int64_t groups = t.scale.size(1), words = words_of(in, bits), zero_words = words_of(out, bits);
  check_matrix(t.packed, DType::i32, {out, words}, "weight_packed", kWhere);
  if (t.zero_points) check_matrix(t.zero_points, DType::i32, {zero_words, groups}, "weight_zero_point", kWhere);
  if (in % (groups * GroupedInt4::kElements) != 0) {
    throw Error(ErrorKind::kUnsupported, kWhere, "groups whose sizes are no multiples of 32");
  }
  const std::vector<float16> scales = group_scales(contiguous(transpose(t.scale, 0, 1)), groups, out, kWhere);
  std::vector<int32_t> order(static_cast<size_t>(in));
  std::iota(order.begin(), order.end(), 0);
  const auto* weight = t.packed.const_data<int32_t>();
  const auto* zeros = t.zero_points ? t.zero_points.const_data<int32_t>() : nullptr;
  const auto pack = [&]<class Format>() {
    return pack_groups<Format>(
        out, order, [&](int64_t k, int64_t n) { return PackedLine(weight + n * words, 1, bits)[k]; },
        [&](int64_t g, int64_t n) {
          return zeros == nullptr ? static_cast<uint8_t>(1 << (bits - 1)) : PackedLine(zeros + g, groups, bits)[n];
        },
        [&](int64_t g, int64_t n) { return scales[static_cast<size_t>(g * out + n)]; },
        [&](int32_t k) { return static_cast<int64_t>(k) * groups / in; });
  };
  return Tensor::encoded(bits == 8 ? pack.operator()<GroupedInt8>() : pack.operator()<GroupedInt4>(), dtype);
}

}  // namespace imago::quant
