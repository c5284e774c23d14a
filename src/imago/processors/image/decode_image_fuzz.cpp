#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "imago/base/error.h"
#include "imago/processors/image/decode.h"

// Whatever the bytes say: an Error, or a picture that has all of its pixels.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const imago::Image image =
        imago::decode_upright_image({reinterpret_cast<const std::byte*>(data), size}, {.pixels = int64_t{1} << 20});
    if (image.pixels.size() != static_cast<size_t>(image.height * image.width * imago::Image::kChannels)) std::abort();
  } catch (const imago::Error&) {
  }
  return 0;
}
