#include "imago/kernels/cpu/gemm.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/contiguous/contiguous.h"
#include "imago/ops/kernel_table.h"
#include "imago/ops/linear/linear.h"
#include "imago/ops/linear/packed_weights.h"
#include "imago/tensor/dispatch.h"
#include "imago/tensor/encoded_matrix.h"

namespace imago {
namespace {

// Rows that lie equally far apart, each dense, are read in place; that takes in slices of a larger tensor's columns.
bool has_equal_rows(const Tensor& x) {
  if (x.strides().back() != 1 && x.size(-1) > 1) return false;
  int64_t distance = x.dim() > 1 ? x.strides()[x.dim() - 2] * x.shape()[x.dim() - 2] : 0;
  for (int d = x.dim() - 3; d >= 0; --d) {
    if (x.shape()[d] == 1) continue;  // whose stride says nothing
    if (x.strides()[d] != distance) return false;
    distance *= x.shape()[d];
  }
  return x.dim() < 2 || x.strides()[x.dim() - 2] >= x.size(-1);
}

template <class T>
void multiply(const Tensor& x_in, const Tensor& weight_in, const Tensor& bias, Tensor& y) {
  const bool in_place = has_equal_rows(x_in);
  const Tensor x = in_place ? x_in : contiguous(x_in);
  const Shape& strides = weight_in.strides();
  const int64_t in = weight_in.size(1), out = weight_in.size(0);
  const bool by_rows = strides[1] == 1 && strides[0] >= in, by_columns = strides[0] == 1 && strides[1] >= out;
  const Tensor weight = by_rows || by_columns ? weight_in : contiguous(weight_in);
  const Tensor dense_bias = bias.defined() ? contiguous(bias) : bias;
  kernels::Gemm<T, T, T> gemm;
  gemm.m = y.numel() / out;
  gemm.n = out;
  gemm.k = in;
  gemm.a = x.const_data<T>();
  gemm.lda = in_place && x.dim() > 1 ? x.strides()[x.dim() - 2] : in;
  gemm.b = weight.const_data<T>();
  gemm.transpose_b = by_rows || !by_columns;
  gemm.ldb = weight.strides()[gemm.transpose_b ? 0 : 1];
  gemm.c = y.data<T>();
  gemm.ldc = out;
  gemm.bias = dense_bias.defined() ? dense_bias.const_data<T>() : nullptr;
  if constexpr (std::is_same_v<T, float>) {
    if (by_rows) {
      const PackedWeight packed = packed_weight(weight, gemm.m);
      gemm.packed_b = packed.columns;
      return kernels::gemm(gemm);
    }
  }
  kernels::gemm(gemm);
}

// Encodings are multiplied in float; other dtypes are cast on the way in and out.
void multiply_encoded(const Tensor& x_in, const EncodedMatrix& weight, const Tensor& bias_in, Tensor& y_out) {
  const Tensor x_float = cast(x_in, DType::f32);
  const bool in_place = has_equal_rows(x_float);
  const Tensor x = in_place ? x_float : contiguous(x_float);
  const Tensor bias = bias_in.defined() ? contiguous(cast(bias_in, DType::f32)) : bias_in;
  const bool is_float = y_out.dtype() == DType::f32;
  Tensor y = is_float ? y_out : Tensor::empty(y_out.shape());
  const int64_t stride = in_place && x.dim() > 1 ? x.strides()[x.dim() - 2] : weight.columns();
  weight.multiply(x.const_data<float>(), y.numel() / weight.rows(), stride,
                  bias.defined() ? bias.const_data<float>() : nullptr, y.data<float>());
  if (!is_float) y_out = cast(y, y_out.dtype());
}

void linear_cpu(const op::Linear&, std::span<const Tensor> inputs, std::span<Tensor> outputs) {
  if (outputs[0].numel() == 0) return;
  if (inputs[1].encoding()) return multiply_encoded(inputs[0], *inputs[1].encoding(), inputs[2], outputs[0]);
  dispatch_floating(op::Linear::name, inputs[0].dtype(),
                    [&]<class T>() { multiply<T>(inputs[0], inputs[1], inputs[2], outputs[0]); });
}

}  // namespace

void register_linear_cpu(KernelTable& table) { table.add<op::Linear, linear_cpu>(Device::kCPU, kFloatingDTypes); }

}  // namespace imago
