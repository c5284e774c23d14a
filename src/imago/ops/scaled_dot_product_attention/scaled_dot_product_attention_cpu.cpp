#include "imago/ops/scaled_dot_product_attention/scaled_dot_product_attention.h"

#include <algorithm>
#include <limits>

#include "imago/kernels/cpu/attention.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/contiguous/contiguous.h"
#include "imago/ops/expand/expand.h"
#include "imago/ops/kernel_table.h"
#include "imago/ops/operators.h"
#include "imago/ops/scaled_dot_product_attention/score_matrix.h"
#include "imago/ops/slice/slice.h"
#include "imago/ops/strided_loop.h"
#include "imago/ops/where/where.h"
#include "imago/tensor/dispatch.h"
#include "imago/tensor/encoded_heads.h"

namespace imago {
namespace {

using Op = op::ScaledDotProductAttention;

struct Inputs {
  Tensor query, key, value, key_padding, bias, sinks;
};

Tensor with_dense_rows(const Tensor& x) { return x.strides()[3] == 1 ? x : contiguous(x); }

// The kernel lets the last query meet the last key. Where the queries stand earlier and see nothing behind them, the
// keys behind are cut off; any other offset is spelled out as a bias.
void align_queries(Op& op, Inputs& in) {
  const int64_t queries = in.query.size(2), keys = in.key.size(2);
  if ((!op.causal && !op.window) || op.query_offset == keys - queries) return;
  const int64_t seen = op.query_offset + queries;
  if (op.causal && seen > 0 && seen < keys && op.prefix <= seen) {
    in.key = narrow(in.key, 2, 0, seen);
    in.value = narrow(in.value, 2, 0, seen);
    if (in.key_padding.defined()) in.key_padding = narrow(in.key_padding, 1, 0, seen);
    if (in.bias.defined() && in.bias.dim() > 0 && in.bias.size(-1) == keys) in.bias = narrow(in.bias, -1, 0, seen);
    return;
  }
  const Tensor visible = visible_keys(op, queries, keys, Device::kCPU);
  const Tensor hidden = Tensor::scalar(-std::numeric_limits<double>::infinity());
  const Tensor bias = where(visible, Tensor::scalar(0), hidden);
  in.bias = in.bias.defined() ? in.bias + bias : bias;
  op.causal = false;
  op.window.reset();
}

template <class T>
typename kernels::Attention<T>::Strides strides_of(const Tensor& x) {
  return {x.strides()[0], x.strides()[1], x.strides()[2]};
}

template <class T, class Strides, class Packed>
void set_rows(const Tensor& x, const T*& data, Strides& strides, Packed& packed) {
  if (!x.encoding()) {
    data = x.const_data<T>();
    strides = strides_of<T>(x);
    return;
  }
  const auto& heads = dynamic_cast<const EncodedHeads&>(*x.encoding());
  packed.heads = &heads;
  packed.token_bytes = heads.token_bytes();
  packed.head = [](const void* of, int64_t batch, int64_t head) {
    return static_cast<const EncodedHeads*>(of)->head(batch, head);
  };
  packed.decode = [](const void* of, const std::byte* from, int64_t tokens, float* to) {
    static_cast<const EncodedHeads*>(of)->decode_tokens(from, tokens, to);
  };
}

template <class T>
void attend(const Op& op, const Inputs& in, Tensor& output) {
  kernels::Attention<T> a;
  a.batch = in.query.size(0);
  a.heads = in.query.size(1);
  a.key_value_heads = in.key.size(1);
  a.queries = in.query.size(2);
  a.keys = in.key.size(2);
  a.head_size = in.query.size(3);
  a.value_size = in.value.size(3);
  a.query = in.query.const_data<T>();
  a.query_strides = strides_of<T>(in.query);
  set_rows(in.key, a.key, a.key_strides, a.packed_key);
  set_rows(in.value, a.value, a.value_strides, a.packed_value);
  a.output = output.data<T>();
  a.output_strides = strides_of<T>(output);
  a.scale = static_cast<float>(op.scale);
  a.softcap = static_cast<float>(op.softcap);
  a.causal = op.causal;
  a.window = op.window.value_or(std::numeric_limits<int64_t>::max());
  a.prefix = op.prefix;
  if (in.key_padding.defined()) a.key_mask = in.key_padding.const_data<bool>();
  if (in.bias.defined()) {
    const Shape strides = broadcast_strides(in.bias, {a.batch, a.heads, a.queries, a.keys});
    a.bias = in.bias.const_data<float>();
    a.bias_strides = {strides[0], strides[1], strides[2], strides[3]};
  }
  if (in.sinks.defined()) a.sinks = in.sinks.const_data<float>();
  kernels::attention(a);
}

// Whether the kernel reads these keys or values as they are stored. Not where a mask wants some cut off.
bool takes_packed(const Op& op, const Tensor& query, const Tensor& heads) {
  if (!heads.encoding()) return true;
  const bool aligned = (!op.causal && !op.window) || op.query_offset == heads.size(2) - query.size(2);
  return aligned && dynamic_cast<const EncodedHeads*>(heads.encoding().get()) != nullptr;
}

void attention_cpu(const Op& op, std::span<const Tensor> inputs, std::span<Tensor> outputs) {
  if (outputs[0].numel() == 0) return;
  if (inputs[1].size(2) == 0) return copy_(outputs[0], Tensor::scalar(0));
  Inputs in{with_dense_rows(inputs[0]), inputs[1], inputs[2], inputs[3], inputs[4], inputs[5]};
  const bool packed = (in.key.encoding() || in.value.encoding()) && takes_packed(op, in.query, in.key) &&
                      takes_packed(op, in.query, in.value);
  if (!packed) {
    in.key = with_dense_rows(decode(in.key));
    in.value = with_dense_rows(decode(in.value));
  }
  if (in.bias.defined()) in.bias = cast(in.bias, DType::f32);
  if (in.sinks.defined()) in.sinks = contiguous(cast(in.sinks, DType::f32));
  Op aligned = op;
  align_queries(aligned, in);
  if (in.key_padding.defined()) in.key_padding = contiguous(in.key_padding);
  if (in.bias.defined() && in.bias.dim() > 0 && in.bias.strides().back() > 1) in.bias = contiguous(in.bias);
  if (packed && in.query.dtype() != DType::f32) {
    in.query = contiguous(cast(in.query, DType::f32));
    if (!in.key.encoding()) in.key = with_dense_rows(cast(in.key, DType::f32));
    if (!in.value.encoding()) in.value = with_dense_rows(cast(in.value, DType::f32));
    Tensor exact = Tensor::empty(outputs[0].shape());
    attend<float>(aligned, in, exact);
    return copy_(outputs[0], cast(exact, outputs[0].dtype()));
  }
  switch (in.query.dtype()) {
    case DType::f32: return attend<float>(aligned, in, outputs[0]);
    case DType::bf16: return attend<bfloat16>(aligned, in, outputs[0]);
    case DType::f16: return attend<float16>(aligned, in, outputs[0]);
    default: throw_unsupported_dtype(Op::name, in.query.dtype());
  }
}

}  // namespace

// Not of double: the kernel's exp is a float's. It is computed by decomposition.
void register_scaled_dot_product_attention_cpu(KernelTable& table) {
  table.add<Op, attention_cpu>(Device::kCPU, {DType::f32, DType::bf16, DType::f16});
}

}  // namespace imago
