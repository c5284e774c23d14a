#include "imago/tensor/encoded_matrix.h"

#include <vector>

#include "imago/base/thread_pool.h"
#include "imago/tensor/dispatch.h"
#include "imago/tensor/tensor.h"

namespace imago {

Tensor decode(const Tensor& tensor) {
  const EncodedMatrix* encoding = tensor.encoding().get();
  if (encoding == nullptr) return tensor;
  Tensor plain = Tensor::empty(tensor.shape(), tensor.dtype());
  const int64_t columns = encoding->columns();
  dispatch_floating("decode", tensor.dtype(), [&]<class T>() {
    T* to = plain.data<T>();
    parallel_for(encoding->rows(), 16, [&](int64_t begin, int64_t end) {
      std::vector<float> row(static_cast<size_t>(columns));
      for (int64_t r = begin; r < end; ++r) {
        encoding->decode_row(r, row.data());
        for (int64_t i = 0; i < columns; ++i) to[r * columns + i] = convert_scalar<T>(row[static_cast<size_t>(i)]);
      }
    });
  });
  return plain;
}

}  // namespace imago
