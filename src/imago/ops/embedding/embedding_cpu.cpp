#include <fmt/core.h>

#include <algorithm>
#include <cstring>
#include <numeric>

#include "imago/base/error.h"
#include "imago/base/thread_pool.h"
#include "imago/ops/contiguous/contiguous.h"
#include "imago/ops/embedding/embedding.h"
#include "imago/ops/kernel_table.h"
#include "imago/tensor/dispatch.h"
#include "imago/tensor/encoded_matrix.h"

namespace imago {
namespace {

// All indices, checked before a row is read.
std::vector<int64_t> checked_indices(const char* where, const Tensor& indices, int64_t rows) {
  const std::vector<int64_t> values = indices.to_vector<int64_t>();
  for (int64_t index : values) {
    if (index < 0 || index >= rows) {
      throw Error(ErrorKind::kInvalidArgument, where, fmt::format("index {} is not one of the {} rows", index, rows),
                  "token ids must lie below vocab_size");
    }
  }
  return values;
}

void decode_rows(const EncodedMatrix& weight, const std::vector<int64_t>& rows, Tensor& output) {
  const int64_t columns = weight.columns();
  dispatch_floating(op::Embedding::name, output.dtype(), [&]<class T>() {
    T* to = output.data<T>();
    parallel_for(static_cast<int64_t>(rows.size()), 16, [&](int64_t begin, int64_t end) {
      std::vector<float> values(static_cast<size_t>(columns));
      for (int64_t i = begin; i < end; ++i) {
        weight.decode_row(rows[static_cast<size_t>(i)], values.data());
        std::transform(values.begin(), values.end(), to + i * columns, convert_scalar<T, float>);
      }
    });
  });
}

void embedding_cpu(const op::Embedding&, std::span<const Tensor> inputs, std::span<Tensor> outputs) {
  if (inputs[0].encoding()) {
    return decode_rows(*inputs[0].encoding(), checked_indices(op::Embedding::name, inputs[1], inputs[0].size(0)),
                       outputs[0]);
  }
  const Tensor weight = inputs[0].strides()[1] == 1 ? inputs[0] : contiguous(inputs[0]);
  const std::vector<int64_t> rows = checked_indices(op::Embedding::name, inputs[1], weight.size(0));
  if (outputs[0].numel() == 0) return;
  const int64_t element = size_of(weight.dtype()), row_bytes = weight.size(1) * element;
  const auto* from = static_cast<const std::byte*>(weight.const_data_raw());
  auto* to = static_cast<std::byte*>(outputs[0].data_raw());
  const int64_t grain = std::max<int64_t>(65536 / std::max<int64_t>(row_bytes, 1), 1);
  parallel_for(static_cast<int64_t>(rows.size()), grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t row = rows[static_cast<size_t>(i)];
      std::memcpy(to + i * row_bytes, from + row * weight.strides()[0] * element, static_cast<size_t>(row_bytes));
    }
  });
}

// The rows of `grad` that belong to one row of the weight are summed in the accumulator's type and rounded once, in
// order, so that the result does not depend on the number of threads.
template <class T>
void sum_rows(const op::EmbeddingGrad& op, const Tensor& grad, const std::vector<int64_t>& rows, Tensor& output) {
  const int64_t width = grad.size(-1);
  const T* from = grad.const_data<T>();
  T* to = output.data<T>();
  std::fill_n(to, output.numel(), T(0));
  std::vector<int64_t> order(rows.size());
  std::iota(order.begin(), order.end(), 0);
  const auto row_of = [&](int64_t i) { return rows[static_cast<size_t>(order[static_cast<size_t>(i)])]; };
  std::stable_sort(order.begin(), order.end(),
                   [&](int64_t a, int64_t b) { return rows[static_cast<size_t>(a)] < rows[static_cast<size_t>(b)]; });
  const auto count = static_cast<int64_t>(order.size());
  parallel_for(width, 64, [&](int64_t begin, int64_t end) {
    std::vector<Accumulator<T>> sums(static_cast<size_t>(end - begin));
    for (int64_t i = 0; i < count;) {
      const int64_t row = row_of(i);
      std::fill(sums.begin(), sums.end(), 0);
      for (; i < count && row_of(i) == row; ++i) {
        const T* values = from + order[static_cast<size_t>(i)] * width + begin;
        for (size_t c = 0; c < sums.size(); ++c) sums[c] += static_cast<Accumulator<T>>(values[c]);
      }
      if (op.padding_idx == row) continue;
      for (size_t c = 0; c < sums.size(); ++c) to[row * width + begin + static_cast<int64_t>(c)] = T(sums[c]);
    }
  });
}

void embedding_grad_cpu(const op::EmbeddingGrad& op, std::span<const Tensor> inputs, std::span<Tensor> outputs) {
  const Tensor grad = contiguous(inputs[0]);
  const std::vector<int64_t> rows = checked_indices(op::EmbeddingGrad::name, inputs[1], op.num_embeddings);
  dispatch_floating(op::EmbeddingGrad::name, grad.dtype(), [&]<class T>() { sum_rows<T>(op, grad, rows, outputs[0]); });
}

}  // namespace

void register_embedding_cpu(KernelTable& table) {
  table.add<op::Embedding, embedding_cpu>(Device::kCPU, kAllDTypes);
  table.add<op::EmbeddingGrad, embedding_grad_cpu>(Device::kCPU, kFloatingDTypes);
}

}  // namespace imago
