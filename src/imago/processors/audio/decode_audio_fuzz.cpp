#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "imago/base/error.h"
#include "imago/processors/audio/audio.h"

// libsndfile 1.2 forgets what it allocated for a damaged OGG file when it refuses it.
extern "C" const char* __lsan_default_suppressions() { return "leak:libsndfile\nleak:libvorbis\nleak:libogg\n"; }

// Whatever the bytes say: an Error, or a sound with a rate.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const imago::Audio audio =
        imago::decode_audio({reinterpret_cast<const std::byte*>(data), size}, {.samples = int64_t{1} << 20});
    if (audio.sampling_rate < 1) std::abort();
  } catch (const imago::Error&) {
  }
  return 0;
}
