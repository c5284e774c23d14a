#include "imago/ops/op_table.h"

namespace imago {

void register_all_ops(OpTable& table);

namespace {

// SplitMix64 (Steele, Lea, Flood 2014): a stateless mix is all that samples need.
uint64_t mix(uint64_t value) {
  value += 0x9e3779b97f4a7c15u;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
  return value ^ (value >> 31);
}

}  // namespace

const OpTable& op_table() {
  static const OpTable table = [] {
    OpTable all;
    register_all_ops(all);
    return all;
  }();
  return table;
}

Tensor sample_values(const Shape& shape, double low, double high, uint64_t seed) {
  Tensor values = Tensor::empty(shape, DType::f64);
  double* data = values.data<double>();
  for (int64_t i = 0; i < values.numel(); ++i) {
    const double unit = static_cast<double>(mix(seed * 0x1000003 + static_cast<uint64_t>(i)) >> 11) * 0x1p-53;
    data[i] = low + (high - low) * unit;
  }
  return values;
}

Tensor sample_indices(const Shape& shape, int64_t below, uint64_t seed) {
  Tensor indices = Tensor::empty(shape, DType::i64);
  int64_t* data = indices.data<int64_t>();
  for (int64_t i = 0; i < indices.numel(); ++i) {
    data[i] = static_cast<int64_t>(mix(seed * 0x1000003 + static_cast<uint64_t>(i)) % static_cast<uint64_t>(below));
  }
  return indices;
}

}  // namespace imago
