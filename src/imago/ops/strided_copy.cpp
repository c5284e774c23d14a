#include "imago/ops/strided_copy.h"

#include <cstring>

#include "imago/base/error.h"
#include "imago/kernels/cpu/convert.h"
#include "imago/ops/contiguous/contiguous.h"
#include "imago/ops/strided_loop.h"
#include "imago/tensor/dispatch.h"

namespace imago {
namespace {

template <class To, class From>
void copy_run(To* target, int64_t target_stride, const From* source, int64_t source_stride, int64_t count) {
  if constexpr (std::is_same_v<To, From>) {
    if (target_stride == 1 && source_stride == 1) {
      std::memcpy(target, source, static_cast<size_t>(count) * sizeof(To));
      return;
    }
  }
  for (int64_t i = 0; i < count; ++i) target[i * target_stride] = convert_scalar<To>(source[i * source_stride]);
}

}  // namespace

void strided_copy_cpu(const Tensor& target, const Tensor& source) {
  if (target.numel() == 0) return;
  const StridedLoop<2> loop(target.shape(), {target.strides(), broadcast_strides(source, target.shape())});
  dispatch_all(target.dtype(), [&]<class To>() {
    To* to = target.data<To>();
    dispatch_all(source.dtype(), [&]<class From>() {
      const From* from = source.const_data<From>();
      loop.run([&](const auto& offsets, const auto& strides, int64_t count) {
        copy_run(to + offsets[0], strides[0], from + offsets[1], strides[1], count);
      });
    });
  });
}

void copy_(const Tensor& target, const Tensor& source) {
  if (!(broadcast_shapes(target.shape(), source.shape(), "copy_") == target.shape())) {
    throw Error(ErrorKind::kInvalidArgument, "copy_",
                source.describe() + " does not broadcast to " + target.describe());
  }
  if (target.is_meta()) return;
  strided_copy_cpu(target, source);
}

}  // namespace imago
