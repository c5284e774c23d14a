// A matrix whose columns are stored in another order.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "imago/tensor/encoded_matrix.h"

namespace imago::quant {

class PermutedMatrix final : public EncodedMatrix {
 public:
  // Column i of `stored` is column order[i] of this matrix.
  PermutedMatrix(std::shared_ptr<const EncodedMatrix> stored, std::vector<int32_t> order);

  std::string_view format() const override { return stored_->format(); }
  int64_t nbytes() const override {
    return stored_->nbytes() + static_cast<int64_t>(order_.size() * sizeof(order_[0]));
  }
  void decode_row(int64_t row, float* to) const override;
  void multiply(const float* x, int64_t m, int64_t stride, const float* bias, float* y) const override;

 private:
  std::shared_ptr<const EncodedMatrix> stored_;
  std::vector<int32_t> order_;
};

}  // namespace imago::quant
