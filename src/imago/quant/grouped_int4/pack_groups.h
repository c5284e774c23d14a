// Repacking of weights that a method stores column by column into rows of GroupedInt4 or GroupedInt8.
#pragma once

#include <memory>
#include <vector>

#include "imago/base/thread_pool.h"
#include "imago/quant/block_matrix.h"

namespace imago::quant {

// Column i of the result is column order[i] of the weight, whose value in row n is value(column, n), without a sign.
// The blocks of the result do not cross groups: group_of(column) is the same for each 32 of the order.
template <class Format, class Value, class Zero, class Scale, class Group>
std::shared_ptr<const EncodedMatrix> pack_groups(int64_t rows, const std::vector<int32_t>& order, Value value,
                                                 Zero zero, Scale scale, Group group_of) {
  constexpr int64_t kSize = Format::kElements;
  const int64_t blocks = static_cast<int64_t>(order.size()) / kSize;
  auto storage = Storage::allocate(rows * blocks * static_cast<int64_t>(sizeof(typename Format::Block)), Device::kCPU);
  auto* const to = reinterpret_cast<typename Format::Block*>(storage->data());
  parallel_for(rows, 64, [&](int64_t begin, int64_t end) {
    for (int64_t b = 0; b < blocks; ++b) {
      const int32_t* const columns = order.data() + b * kSize;
      const int64_t group = group_of(columns[0]);
      for (int64_t n = begin; n < end; ++n) {
        typename Format::Block& block = to[n * blocks + b];
        block.set_scale(scale(group, n));
        block.zero = zero(group, n);
        uint8_t q[kSize];
        for (int64_t i = 0; i < kSize; ++i) q[i] = value(columns[i], n);
        block.set_values(q);
      }
    }
  });
  return std::make_shared<BlockMatrix>(find_format(Format::kName), rows, static_cast<int64_t>(order.size()),
                                       std::move(storage));
}

}  // namespace imago::quant
