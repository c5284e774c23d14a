#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "imago/base/error.h"
#include "imago/io/safetensors_header.h"

// Whatever the bytes say: an Error, or tensors that cover the file's data exactly.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const auto header = imago::parse_safetensors_header({reinterpret_cast<const std::byte*>(data), size});
    if (header.names.size() != header.infos.size()) std::abort();
    for (size_t i = 0; i < header.infos.size(); ++i) {
      const imago::TensorInfo& info = header.infos[i];
      const int64_t end = i + 1 < header.infos.size() ? header.infos[i + 1].begin : static_cast<int64_t>(size);
      if (info.begin < 8 || info.end != end) std::abort();
      if (info.shape.product() * imago::size_of(info.dtype) != info.end - info.begin) std::abort();
    }
  } catch (const imago::Error&) {
  }
  return 0;
}
