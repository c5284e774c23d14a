#include "imago/ops/compare/compare.h"

#include "imago/ops/op_table.h"

namespace imago {

TensorSpec op::check_comparison(const char* name, const Tensor& a, const Tensor& b) {
  require_same_dtype(name, a, b);
  require_dtype(name, Accepts::kComputed, a);
  return {broadcast_shapes(a.shape(), b.shape(), name), DType::boolean};
}

TensorSpec op::check_bitwise(const char* name, const Tensor& a, const Tensor& b) {
  require_same_dtype(name, a, b);
  require_dtype(name, Accepts::kIntegralOrBool, a);
  return {broadcast_shapes(a.shape(), b.shape(), name), a.dtype()};
}

Tensor eq(const Tensor& a, const Tensor& b) { return apply(op::Eq{}, a, b); }
Tensor ne(const Tensor& a, const Tensor& b) { return apply(op::Ne{}, a, b); }
Tensor lt(const Tensor& a, const Tensor& b) { return apply(op::Lt{}, a, b); }
Tensor le(const Tensor& a, const Tensor& b) { return apply(op::Le{}, a, b); }
Tensor gt(const Tensor& a, const Tensor& b) { return apply(op::Gt{}, a, b); }
Tensor ge(const Tensor& a, const Tensor& b) { return apply(op::Ge{}, a, b); }
Tensor eq(const Tensor& a, double b) { return eq(a, scalar_like("eq", a, b)); }
Tensor ne(const Tensor& a, double b) { return ne(a, scalar_like("ne", a, b)); }
Tensor lt(const Tensor& a, double b) { return lt(a, scalar_like("lt", a, b)); }
Tensor le(const Tensor& a, double b) { return le(a, scalar_like("le", a, b)); }
Tensor gt(const Tensor& a, double b) { return gt(a, scalar_like("gt", a, b)); }
Tensor ge(const Tensor& a, double b) { return ge(a, scalar_like("ge", a, b)); }
Tensor logical_and(const Tensor& a, const Tensor& b) { return apply(op::LogicalAnd{}, a, b); }
Tensor logical_or(const Tensor& a, const Tensor& b) { return apply(op::LogicalOr{}, a, b); }
Tensor logical_xor(const Tensor& a, const Tensor& b) { return apply(op::LogicalXor{}, a, b); }
Tensor bitwise_and(const Tensor& a, const Tensor& b) { return apply(op::BitwiseAnd{}, a, b); }
Tensor bitwise_or(const Tensor& a, const Tensor& b) { return apply(op::BitwiseOr{}, a, b); }
Tensor bitwise_xor(const Tensor& a, const Tensor& b) { return apply(op::BitwiseXor{}, a, b); }

namespace {

using BinaryFunction = Tensor (*)(const Tensor&, const Tensor&);

std::vector<Sample> integer_samples(BinaryFunction function) {
  const auto call = [function](std::span<const Tensor> in) -> Tensors { return {function(in[0], in[1])}; };
  const Tensor few = sample_indices({4, 5}, 4), row = sample_indices({5}, 4, 2);
  return {{"integers", {few, row}, call, false},
          {"bool", {gt(few, 1), gt(row, 1)}, call, false},
          {"empty", {sample_indices({0, 5}, 4), row}, call, false}};
}

template <class Op>
void add_comparison(OpTable& table, BinaryFunction function) {
  table.add<Op>([=] {
    const auto call = [function](std::span<const Tensor> in) -> Tensors { return {function(in[0], in[1])}; };
    std::vector<Sample> samples = integer_samples(function);
    samples.push_back({"numbers", {sample_values({4, 5}), sample_values({4, 1}, -2, 2, 2)}, call, false});
    samples.push_back({"the same", {sample_values({4, 5}), sample_values({4, 5})}, call, false});
    return samples;
  });
}

template <class Op>
void add_bitwise(OpTable& table, BinaryFunction function) {
  table.add<Op>([=] { return integer_samples(function); });
}

}  // namespace

void register_compare(OpTable& table) {
  add_comparison<op::Eq>(table, eq);
  add_comparison<op::Ne>(table, ne);
  add_comparison<op::Lt>(table, lt);
  add_comparison<op::Le>(table, le);
  add_comparison<op::Gt>(table, gt);
  add_comparison<op::Ge>(table, ge);
  add_comparison<op::LogicalAnd>(table, logical_and);
  add_comparison<op::LogicalOr>(table, logical_or);
  add_comparison<op::LogicalXor>(table, logical_xor);
  add_bitwise<op::BitwiseAnd>(table, bitwise_and);
  add_bitwise<op::BitwiseOr>(table, bitwise_or);
  add_bitwise<op::BitwiseXor>(table, bitwise_xor);
}

}  // namespace imago
