// A long sound in windows that overlap.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "imago/processors/audio/audio.h"

namespace imago {

class OptionReader;

struct SoundChunk {
  Audio sound;
  int64_t left = 0, right = 0;  // samples that it shares with its neighbours
};

// chunk_length_s and stride_length_s of a call: seconds of a window, and of its overlap to the left and to the right (a
// sixth of the window where it is not said).
struct ChunkOptions {
  double length = 0, left = 0, right = 0;

  // None where no chunk_length_s is given. Throws Error kInvalidArgument for what leaves nothing between the overlaps.
  static std::optional<ChunkOptions> read(OptionReader& reader);
};

// Windows begin and end at whole multiples of `alignment` samples.
std::vector<SoundChunk> chunks_of(const Audio& sound, const ChunkOptions& options, int64_t alignment = 1);

}  // namespace imago
