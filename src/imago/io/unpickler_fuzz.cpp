#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>

#include "imago/base/error.h"
#include "imago/io/pytorch_file.h"

// Whatever the bytes say: an Error, or tensors that lie inside the file.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const auto header = imago::parse_pytorch_header({reinterpret_cast<const std::byte*>(data), size});
    for (size_t i = 0; i < header.infos.size(); ++i) {
      const imago::TensorInfo& info = header.infos[i];
      if (info.begin < 0 || info.begin > info.end || info.end > static_cast<int64_t>(size)) std::abort();
      if (info.shape.product() > 0) {
        const auto owner = std::make_shared<int>();  // a storage without an owner would free what it borrows
        const auto storage = imago::Storage::borrow(data + info.begin, info.end - info.begin, owner, false);
        imago::Tensor::on_storage(storage, 0, info.shape, header.strides[i], info.dtype);
      }
    }
  } catch (const imago::Error& error) {
    if (error.kind() == imago::ErrorKind::kInvalidArgument) std::abort();  // the view was not inside its storage
  }
  return 0;
}
