#include "imago/pipelines/speech_chunks.h"

#include <algorithm>
#include <cmath>

#include "imago/base/error.h"
#include "imago/pipelines/option_reader.h"

namespace imago {

std::optional<ChunkOptions> ChunkOptions::read(OptionReader& reader) {
  const double length = reader.number("chunk_length_s").value_or(0);
  const auto strides = reader.numbers("stride_length_s").value_or(std::vector<double>{length / 6});
  if (length == 0) return std::nullopt;
  const auto is_length = [](double seconds) { return seconds >= 0 && seconds < 1e6; };
  if (!is_length(length) || strides.empty() || strides.size() > 2 ||
      !std::all_of(strides.begin(), strides.end(), is_length)) {
    throw Error(ErrorKind::kInvalidArgument, "automatic-speech-recognition",
                "chunk_length_s or stride_length_s is no length", "give seconds, of strides one number or two");
  }
  return ChunkOptions{length, strides.front(), strides.back()};
}

std::vector<SoundChunk> chunks_of(const Audio& sound, const ChunkOptions& options, int64_t alignment) {
  const auto samples = [&](double seconds) {
    const double units = seconds * static_cast<double>(sound.sampling_rate) / static_cast<double>(alignment);
    return static_cast<int64_t>(std::nearbyint(units)) * alignment;
  };
  const int64_t length = samples(options.length), left = samples(options.left), right = samples(options.right);
  const int64_t step = length - left - right, count = std::ssize(sound.samples);
  if (step < 1) {
    throw Error(ErrorKind::kInvalidArgument, "automatic-speech-recognition",
                "chunk_length_s leaves nothing between strides of stride_length_s",
                "make it longer than twice stride_length_s");
  }
  std::vector<SoundChunk> chunks;
  for (int64_t begin = 0; begin < count; begin += step) {
    const int64_t end = std::min(begin + length, count);
    const bool last = begin + length >= count;
    SoundChunk chunk{{{sound.samples.begin() + begin, sound.samples.begin() + end}, sound.sampling_rate},
                     begin == 0 ? 0 : left,
                     last ? 0 : right};
    if (end - begin > chunk.left) chunks.push_back(std::move(chunk));
    if (last) break;
  }
  return chunks;
}

}  // namespace imago
