#include "imago/quant/gptq/gptq_weight.h"

#include <fmt/core.h>

#include <algorithm>
#include <numeric>

#include "imago/base/error.h"
#include "imago/quant/grouped_int4/group_scales.h"
#include "imago/quant/grouped_int4/pack_grouped_int4.h"
#include "imago/quant/permuted_matrix.h"

namespace imago::quant {
namespace {

constexpr const char* kWhere = "gptq";
constexpr int64_t kPerWord = 8;

// The inputs in the order of their groups.
std::vector<int32_t> order_of(const std::vector<int32_t>& group) {
  std::vector<int32_t> order(group.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) { return group[a] < group[b]; });
  return order;
}

std::vector<int32_t> groups_of(const GptqTensors& t, int64_t in, int64_t groups) {
  std::vector<int32_t> group(static_cast<size_t>(in));
  if (t.g_idx.defined()) {
    check_matrix(t.g_idx, DType::i32, {in}, "g_idx", kWhere);
    std::copy_n(t.g_idx.const_data<int32_t>(), in, group.begin());
  } else {
    for (int64_t k = 0; k < in; ++k) group[static_cast<size_t>(k)] = static_cast<int32_t>(k * groups / in);
  }
  std::vector<int64_t> sizes(static_cast<size_t>(groups));
  for (const int32_t g : group) {
    if (g < 0 || g >= groups) {
      throw Error(ErrorKind::kInvalidFile, kWhere, fmt::format("g_idx names group {} of {}", g, groups));
    }
    ++sizes[static_cast<size_t>(g)];
  }
  if (std::any_of(sizes.begin(), sizes.end(), [](int64_t size) { return size % GroupedInt4::kElements != 0; })) {
    throw Error(ErrorKind::kUnsupported, kWhere, "groups whose sizes are no multiples of 32");
  }
  return group;
}

}  // namespace

Tensor gptq_weight(const GptqTensors& t, int64_t bits, bool zeros_less_one, DType dtype) {
  if (bits != 4) throw Error(ErrorKind::kUnsupported, kWhere, fmt::format("weights of {} bits, only 4", bits));
  if (t.qweight.dim() != 2 || t.scales.dim() != 2) {
    throw Error(ErrorKind::kInvalidFile, kWhere, "qweight and scales are no matrices");
  }
  const int64_t in = t.qweight.size(0) * kPerWord, out = t.qweight.size(1), groups = t.scales.size(0);
  if (out % kPerWord != 0) {
    throw Error(ErrorKind::kInvalidFile, kWhere, fmt::format("{} outputs are no whole number of words", out));
  }
  check_matrix(t.qweight, DType::i32, {in / kPerWord, out}, "qweight", kWhere);
  check_matrix(t.qzeros, DType::i32, {groups, out / kPerWord}, "qzeros", kWhere);
  const std::vector<float16> scales = group_scales(t.scales, groups, out, kWhere);
  const std::vector<int32_t> group = groups_of(t, in, groups), order = order_of(group);
  const auto* weight = t.qweight.const_data<int32_t>();
  const auto* zeros = t.qzeros.const_data<int32_t>();
  const auto nibble = [](int32_t word, int64_t index) {
    return static_cast<uint8_t>(static_cast<uint32_t>(word) >> (4 * index) & 15);
  };
  auto packed = pack_grouped_int4(
      out, order, [&](int64_t k, int64_t n) { return nibble(weight[k / kPerWord * out + n], k % kPerWord); },
      [&](int64_t g, int64_t n) {
        const uint8_t zero = nibble(zeros[g * (out / kPerWord) + n / kPerWord], n % kPerWord);
        return static_cast<uint8_t>(zeros_less_one ? (zero + 1) & 15 : zero);
      },
      [&](int64_t g, int64_t n) { return scales[static_cast<size_t>(g * out + n)]; },
      [&](int32_t k) { return group[static_cast<size_t>(k)]; });
  if (!std::is_sorted(order.begin(), order.end())) packed = std::make_shared<PermutedMatrix>(packed, order);
  return Tensor::encoded(packed, dtype);
}

}  // namespace imago::quant
