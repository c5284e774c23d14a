#include "imago/quant/awq/awq_weight.h"

#include <numeric>

#include "imago/base/error.h"
#include "imago/quant/grouped_int4/group_scales.h"
#include "imago/quant/grouped_int4/grouped_int4.h"
#include "imago/quant/grouped_int4/pack_groups.h"

namespace imago::quant {
namespace {

constexpr const char* kWhere = "awq";
constexpr int64_t kPerWord = 8;
// Which nibble of a word each of eight neighbouring outputs is in.
constexpr int kNibble[kPerWord] = {0, 4, 1, 5, 2, 6, 3, 7};

}  // namespace

Tensor awq_weight(const Tensor& qweight, const Tensor& qzeros, const Tensor& scales, DType dtype) {
  if (qweight.dim() != 2 || scales.dim() != 2) {
    throw Error(ErrorKind::kInvalidFile, kWhere, "qweight and scales are no matrices");
  }
  const int64_t in = qweight.size(0), words = qweight.size(1), out = words * kPerWord, groups = scales.size(0);
  check_matrix(qweight, DType::i32, {in, words}, "qweight", kWhere);
  check_matrix(qzeros, DType::i32, {groups, words}, "qzeros", kWhere);
  const std::vector<float16> halves = group_scales(scales, groups, out, kWhere);
  if (groups == 0 || in % (groups * GroupedInt4::kElements) != 0) {
    throw Error(ErrorKind::kUnsupported, kWhere, "groups whose sizes are no multiples of 32");
  }
  std::vector<int32_t> order(static_cast<size_t>(in));
  std::iota(order.begin(), order.end(), 0);
  const auto nibble = [words](const Tensor& tensor, int64_t row, int64_t n) {
    const auto word = static_cast<uint32_t>(tensor.const_data<int32_t>()[row * words + n / kPerWord]);
    return static_cast<uint8_t>(word >> (4 * kNibble[n % kPerWord]) & 15);
  };
  const auto packed = pack_groups<GroupedInt4>(
      out, order, [&](int64_t k, int64_t n) { return nibble(qweight, k, n); },
      [&](int64_t g, int64_t n) { return nibble(qzeros, g, n); },
      [&](int64_t g, int64_t n) { return halves[static_cast<size_t>(g * out + n)]; },
      [&](int32_t k) { return k * groups / in; });
  return Tensor::encoded(packed, dtype);
}

}  // namespace imago::quant
