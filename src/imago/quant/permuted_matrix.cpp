#include "imago/quant/permuted_matrix.h"

#include "imago/base/thread_pool.h"
#include "imago/kernels/cpu/scratch.h"

namespace imago::quant {

PermutedMatrix::PermutedMatrix(std::shared_ptr<const EncodedMatrix> stored, std::vector<int32_t> order)
    : EncodedMatrix(stored->rows(), stored->columns()), stored_(std::move(stored)), order_(std::move(order)) {}

void PermutedMatrix::decode_row(int64_t row, float* to) const {
  thread_local kernels::Scratch scratch;
  float* const values = scratch.get<float>(columns());
  stored_->decode_row(row, values);
  for (size_t i = 0; i < order_.size(); ++i) to[order_[i]] = values[i];
}

void PermutedMatrix::multiply(const float* x, int64_t m, int64_t stride, const float* bias, float* y) const {
  thread_local kernels::Scratch scratch;
  float* const arranged = scratch.get<float>(m * columns());
  parallel_for(m, 16, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      for (size_t j = 0; j < order_.size(); ++j) {
        arranged[i * columns() + static_cast<int64_t>(j)] = x[i * stride + order_[j]];
      }
    }
  });
  stored_->multiply(arranged, m, columns(), bias, y);
}

}  // namespace imago::quant
