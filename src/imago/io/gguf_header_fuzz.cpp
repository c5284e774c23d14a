#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "imago/base/error.h"
#include "imago/io/gguf_header.h"

// Whatever the bytes say: an Error, or tensors that lie in the file with the bytes that their shapes take.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const auto header = imago::parse_gguf_header({reinterpret_cast<const std::byte*>(data), size});
    if (header.names.size() != header.infos.size()) std::abort();
    for (const imago::TensorInfo& info : header.infos) {
      if (info.begin < 24 || info.end <= info.begin || info.end > static_cast<int64_t>(size)) std::abort();
      if (info.begin % header.alignment != 0 || info.shape.product() < 1) std::abort();
      if (info.format.empty() && info.shape.product() * imago::size_of(info.dtype) != info.end - info.begin)
        std::abort();
    }
    for (const auto& [key, value] : header.metadata.entries()) {
      if (header.metadata.find(key) != &value) std::abort();
    }
  } catch (const imago::Error&) {
  }
  return 0;
}
