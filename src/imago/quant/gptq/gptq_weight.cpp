#include "imago/quant/gptq/gptq_weight.h"

#include <fmt/core.h>

#include <algorithm>
#include <numeric>

#include "imago/base/error.h"
#include "imago/quant/grouped_int4/group_scales.h"
#include "imago/quant/grouped_int4/grouped_int4.h"
#include "imago/quant/grouped_int4/pack_groups.h"
#include "imago/quant/grouped_int4/packed_line.h"
#include "imago/quant/grouped_int8/grouped_int8.h"
#include "imago/quant/permuted_matrix.h"

namespace imago::quant {
namespace {

constexpr const char* kWhere = "gptq";

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
  if (bits != 2 && bits != 3 && bits != 4 && bits != 8) {
    throw Error(ErrorKind::kUnsupported, kWhere, fmt::format("weights of {} bits, only 2, 3, 4 and 8", bits));
  }
  if (t.qweight.dim() != 2 || t.scales.dim() != 2) {
    throw Error(ErrorKind::kInvalidFile, kWhere, "qweight and scales are no matrices");
  }
  const int64_t words = t.qweight.size(0), in = words * 32 / bits, out = t.qweight.size(1), groups = t.scales.size(0);
  if (words * 32 % bits != 0 || out * bits % 32 != 0) {
    throw Error(ErrorKind::kInvalidFile, kWhere,
                fmt::format("{} words of inputs and {} outputs are no whole number of each other", words, out));
  }
  const int64_t zero_words = out * bits / 32;
  check_matrix(t.qweight, DType::i32, {words, out}, "qweight", kWhere);
  check_matrix(t.qzeros, DType::i32, {groups, zero_words}, "qzeros", kWhere);
  const std::vector<float16> scales = group_scales(t.scales, groups, out, kWhere);
  const std::vector<int32_t> group = groups_of(t, in, groups), order = order_of(group);
  const auto* weight = t.qweight.const_data<int32_t>();
  const auto* zeros = t.qzeros.const_data<int32_t>();
  const auto pack = [&]<class Format>() {
    return pack_groups<Format>(
        out, order, [&](int64_t k, int64_t n) { return PackedLine(weight + n, out, bits)[k]; },
        [&](int64_t g, int64_t n) {
          const uint8_t zero = PackedLine(zeros + g * zero_words, 1, bits)[n];
          return static_cast<uint8_t>(zeros_less_one ? (zero + 1) & ((1 << bits) - 1) : zero);
        },
        [&](int64_t g, int64_t n) { return scales[static_cast<size_t>(g * out + n)]; },
        [&](int32_t k) { return group[static_cast<size_t>(k)]; });
  };
  auto packed = bits == 8 ? pack.operator()<GroupedInt8>() : pack.operator()<GroupedInt4>();
  if (!std::is_sorted(order.begin(), order.end())) packed = std::make_shared<PermutedMatrix>(packed, order);
  return Tensor::encoded(packed, dtype);
}

}  // namespace imago::quant
