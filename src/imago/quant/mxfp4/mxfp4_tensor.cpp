#include "imago/quant/mxfp4/mxfp4_tensor.h"

#include <algorithm>
#include <memory>

#include "imago/base/error.h"
#include "imago/base/thread_pool.h"
#include "imago/kernels/cpu/gemm.h"
#include "imago/kernels/cpu/scratch.h"
#include "imago/ops/contiguous/contiguous.h"
#include "imago/quant/mxfp4/mxfp4.h"
#include "imago/tensor/encoded_matrix.h"

namespace imago::quant {
namespace {

constexpr int64_t kBlock = MXFP4::kElements, kBlockBytes = kBlock / 2;
// Rows decoded at a time: few enough to stay in the cache next to x.
constexpr int64_t kRows = 16;

class MXFP4Tensors final : public EncodedMatrix {
 public:
  MXFP4Tensors(Tensor blocks, Tensor scales)
      : EncodedMatrix(blocks.size(0), blocks.size(1) * kBlock),
        blocks_(std::move(blocks)),
        scales_(std::move(scales)) {}

  std::string_view format() const override { return MXFP4::kName; }
  int64_t nbytes() const override { return blocks_.nbytes() + scales_.nbytes(); }

  void decode_row(int64_t row, float* to) const override {
    const int64_t blocks = columns() / kBlock;
    const uint8_t* scales = scales_.const_data<uint8_t>() + row * blocks;
    const uint8_t* bytes = blocks_.const_data<uint8_t>() + row * blocks * kBlockBytes;
    for (int64_t block = 0; block < blocks; ++block) {
      const float scale = MXFP4::half_power(scales[block]);
      for (int64_t i = 0; i < kBlockBytes; ++i, ++bytes) {
        *to++ = scale * static_cast<float>(MXFP4::kDoubled[*bytes & 15]);
        *to++ = scale * static_cast<float>(MXFP4::kDoubled[*bytes >> 4]);
      }
    }
  }

  void multiply(const float* x, int64_t m, int64_t stride, const float* bias, float* y) const override {
    const int64_t pieces = (rows() + kRows - 1) / kRows;
    parallel_for(pieces, 1, [&](int64_t begin, int64_t end) {
      kernels::Scratch scratch;
      float* decoded = scratch.get<float>(kRows * columns());
      for (int64_t piece = begin; piece < end; ++piece) {
        const int64_t first = piece * kRows, count = std::min(kRows, rows() - first);
        for (int64_t row = 0; row < count; ++row) decode_row(first + row, decoded + row * columns());
        kernels::Gemm<float, float, float> gemm;
        gemm.m = m;
        gemm.n = count;
        gemm.k = gemm.ldb = columns();
        gemm.a = x;
        gemm.lda = stride;
        gemm.b = decoded;
        gemm.transpose_b = true;
        gemm.c = y + first;
        gemm.ldc = rows();
        gemm.bias = bias != nullptr ? bias + first : nullptr;
        kernels::gemm(gemm);
      }
    });
  }

 private:
  Tensor blocks_, scales_;
};

}  // namespace

Tensor mxfp4_matrix(const Tensor& blocks, const Tensor& scales, DType dtype) {
  const bool right = blocks.dtype() == DType::u8 && scales.dtype() == DType::u8 && blocks.dim() == 3 &&
                     scales.dim() == 2 && blocks.size(0) == scales.size(0) && blocks.size(1) == scales.size(1) &&
                     blocks.size(2) == kBlockBytes;
  if (!right) {
    throw Error(ErrorKind::kInvalidFile, "mxfp4", "blocks are " + blocks.describe() + ", scales " + scales.describe(),
                "they are to be uint8 [rows, blocks, 16] and [rows, blocks]");
  }
  return Tensor::encoded(std::make_shared<MXFP4Tensors>(contiguous(blocks), contiguous(scales)), dtype);
}

}  // namespace imago::quant
