// What drives the checks of scaled_dot_product_attention.
#include "imago/ops/op_table.h"
#include "imago/ops/scaled_dot_product_attention/scaled_dot_product_attention.h"

namespace imago {
namespace {

struct Sizes {
  int64_t batch, heads, key_value_heads, queries, keys, head_size, value_size;
};

Tensors query_key_value(const Sizes& s) {
  return {sample_values({s.batch, s.heads, s.queries, s.head_size}),
          sample_values({s.batch, s.key_value_heads, s.keys, s.head_size}, -2, 2, 2),
          sample_values({s.batch, s.key_value_heads, s.keys, s.value_size}, -2, 2, 3)};
}

Sample sample(const char* name, const Sizes& sizes, const AttentionMask& mask = {},
              const AttentionOptions& options = {}) {
  return {name, query_key_value(sizes), [=](std::span<const Tensor> in) -> Tensors {
            return {scaled_dot_product_attention(in[0], in[1], in[2], mask, options)};
          }};
}

Sample with_bias(const char* name, const Sizes& sizes, const Tensor& bias) {
  Tensors inputs = query_key_value(sizes);
  inputs.push_back(bias);
  return {name, inputs, [](std::span<const Tensor> in) -> Tensors {
            AttentionMask mask;
            mask.bias = in[3];
            return {scaled_dot_product_attention(in[0], in[1], in[2], mask)};
          }};
}

Sample with_sinks(const char* name, const Sizes& sizes) {
  Tensors inputs = query_key_value(sizes);
  inputs.push_back(sample_values({sizes.heads}, -1, 1, 4));
  return {name, inputs, [](std::span<const Tensor> in) -> Tensors {
            AttentionMask mask;
            mask.causal = true;
            AttentionOptions options;
            options.sinks = in[3];
            return {scaled_dot_product_attention(in[0], in[1], in[2], mask, options)};
          }};
}

Sample with_padding(const char* name, const Sizes& sizes, const Tensor& padding, bool causal) {
  Tensors inputs = query_key_value(sizes);
  inputs.push_back(padding);
  return {name, inputs, [causal](std::span<const Tensor> in) -> Tensors {
            AttentionMask mask;
            mask.causal = causal;
            mask.key_padding = in[3];
            return {scaled_dot_product_attention(in[0], in[1], in[2], mask)};
          }};
}

Tensor key_padding(const std::vector<int64_t>& visible, const Shape& shape) {
  Tensor padding = Tensor::empty(shape, DType::boolean);
  for (size_t i = 0; i < visible.size(); ++i) padding.data<bool>()[i] = visible[i] != 0;
  return padding;
}

AttentionMask causal(std::optional<int64_t> window = {}, int64_t prefix = 0, std::optional<int64_t> offset = {}) {
  AttentionMask mask;
  mask.causal = true;
  mask.window = window;
  mask.prefix = prefix;
  mask.query_offset = offset;
  return mask;
}

std::vector<Sample> samples() {
  const Tensor padding = key_padding({1, 1, 1, 0, 0, 0, 1, 1, 1, 1}, {2, 5});
  AttentionMask windowed;
  windowed.window = 2;
  return {
      sample("all keys", {2, 3, 3, 4, 5, 6, 6}),
      sample("causal", {1, 2, 2, 5, 5, 4, 4}, causal()),
      sample("causal, queries last", {1, 2, 2, 2, 7, 4, 4}, causal()),
      sample("grouped heads, value size differs", {2, 4, 2, 3, 5, 4, 7}, causal()),
      sample("one query", {2, 4, 1, 1, 9, 8, 8}, causal()),
      sample("causal window", {1, 2, 1, 6, 6, 4, 4}, causal(3)),
      sample("window", {1, 2, 1, 6, 6, 4, 4}, windowed),
      sample("prefix", {1, 2, 2, 5, 5, 4, 4}, causal({}, 3)),
      sample("queries in the middle", {1, 2, 2, 2, 7, 4, 4}, causal({}, 0, 3)),
      with_padding("padding", {2, 2, 2, 3, 5, 4, 4}, padding, false),
      with_padding("padding, a query without keys", {2, 2, 2, 5, 5, 4, 4}, padding, true),
      sample("softcap and scale", {1, 2, 2, 3, 4, 4, 4}, {}, {0.3, 1.5, {}}),
      sample("no queries", {1, 2, 2, 0, 4, 4, 4}),
      sample("no keys", {1, 2, 2, 3, 0, 4, 4}),
      with_bias("bias per head", {2, 2, 1, 3, 4, 4, 4}, sample_values({1, 2, 3, 4}, -1, 1, 4)),
      with_bias("bias per key", {2, 2, 2, 3, 4, 4, 4}, sample_values({2, 1, 1, 4}, -1, 1, 4)),
      with_sinks("sinks", {2, 4, 2, 3, 3, 4, 4}),
  };
}

}  // namespace

void register_scaled_dot_product_attention(OpTable& table) { table.add<op::ScaledDotProductAttention>(samples); }

}  // namespace imago
