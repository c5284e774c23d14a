#include "imago/kernels/cpu/gemm.h"
#include "imago/ops/contiguous/contiguous.h"
#include "imago/ops/kernel_table.h"
#include "imago/ops/matmul/matmul.h"
#include "imago/ops/strided_loop.h"
#include "imago/tensor/dispatch.h"

namespace imago {
namespace {

// Matrices as the product wants them: rows or columns dense, and strides of the dimensions before.
struct Matrices {
  Tensor values;
  int64_t stride = 0;
  bool transposed = false;
  Shape batch_strides;
};

// How to read the last two dimensions of `x` without a copy; false where neither of them is dense.
bool read_in_place(const Tensor& x, Matrices& m) {
  const int64_t rows = x.size(-2), columns = x.size(-1);
  const int64_t row_stride = x.strides()[x.dim() - 2], column_stride = x.strides().back();
  if ((column_stride == 1 || columns <= 1) && (row_stride >= columns || rows <= 1)) {
    m.stride = rows <= 1 ? std::max<int64_t>(columns, 1) : row_stride;
    m.transposed = false;
  } else if ((row_stride == 1 || rows <= 1) && (column_stride >= rows || columns <= 1)) {
    m.stride = columns <= 1 ? std::max<int64_t>(rows, 1) : column_stride;
    m.transposed = true;
  } else {
    return false;
  }
  return true;
}

Matrices matrices(const Tensor& x, const Shape& batch) {
  Matrices m;
  m.values = x;
  if (!read_in_place(x, m)) {
    m.values = contiguous(x);
    read_in_place(m.values, m);
  }
  Shape shape = batch;
  shape.push_back(x.size(-2));
  shape.push_back(x.size(-1));
  m.batch_strides = broadcast_strides(m.values, shape).sub(0, batch.size());
  return m;
}

template <class T>
void multiply(const Tensor& a, const Tensor& b, Tensor& y) {
  const Shape batch = y.shape().sub(0, y.dim() - 2);
  const Matrices ma = matrices(a, batch), mb = matrices(b, batch);
  kernels::Gemm<T, T, T> gemm;
  gemm.m = y.size(-2);
  gemm.n = y.size(-1);
  gemm.k = a.size(-1);
  gemm.lda = ma.stride;
  gemm.transpose_a = ma.transposed;
  gemm.ldb = mb.stride;
  gemm.transpose_b = mb.transposed;
  gemm.ldc = gemm.n;
  const T *a_data = ma.values.const_data<T>(), *b_data = mb.values.const_data<T>();
  T* y_data = y.data<T>();
  const Shape y_strides = y.strides().sub(0, batch.size());
  const StridedLoop<3> loop(batch, {ma.batch_strides, mb.batch_strides, y_strides});
  loop.run_range(0, batch.product(), [&](const auto& offsets, const auto& strides, int64_t count) {
    kernels::Gemm<T, T, T> run = gemm;
    run.a = a_data + offsets[0];
    run.b = b_data + offsets[1];
    run.c = y_data + offsets[2];
    // One right matrix for a dense stack of left ones is one tall product: b is packed once.
    if (strides[1] == 0 && !gemm.transpose_a && strides[0] == gemm.m * gemm.lda) {
      run.m = gemm.m * count;
    } else {
      run.batch = count;
      run.stride_a = strides[0];
      run.stride_b = strides[1];
      run.stride_c = strides[2];
    }
    kernels::gemm(run);
  });
}

void matmul_cpu(const op::MatMul&, std::span<const Tensor> inputs, std::span<Tensor> outputs) {
  if (outputs[0].numel() == 0) return;
  dispatch_floating(op::MatMul::name, inputs[0].dtype(),
                    [&]<class T>() { multiply<T>(inputs[0], inputs[1], outputs[0]); });
}

}  // namespace

void register_matmul_cpu(KernelTable& table) { table.add<op::MatMul, matmul_cpu>(Device::kCPU, kFloatingDTypes); }

}  // namespace imago
