// Sound as numbers: files decoded (by libsndfile), mixed to one channel and brought to a sampling rate (by soxr), as
// librosa.load and the reference do it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace imago {

struct Audio {
  std::vector<float> samples;  // of one channel, in [-1, 1] unless the file says more
  int64_t sampling_rate = 0;   // samples per second
};

struct AudioLimits {
  int64_t bytes = int64_t{2} << 30;    // of a file
  int64_t samples = int64_t{1} << 29;  // of all channels together: 9 hours of one at 16 kHz
};

// A whole WAV, FLAC, MP3 or OGG file (and what else libsndfile reads), its channels averaged. Throws Error kUnsupported
// for a format that is not known, kInvalidFile for a damaged one, and kLimitExceeded before it decodes.
Audio decode_audio(std::span<const std::byte> bytes, const AudioLimits& limits = {});

// A file at its own rate, or resampled to `sampling_rate`. Throws too what opening it throws.
Audio load_audio(const std::string& path, const AudioLimits& limits = {});
Audio load_audio(const std::string& path, int64_t sampling_rate, const AudioLimits& limits = {});

// A WAV file of one channel with 16 bits a sample, which replaces `path` atomically; what is beyond [-1, 1] is clipped.
// Throws Error kInvalidArgument for a rate below 1 and for samples that are no numbers, and kIo.
void save_wav(const std::string& path, const Audio& audio);

// The same sound at another rate, in soxr's high quality: ceil(samples * rate / old rate) samples. Throws Error
// kInvalidArgument for a rate below 1.
Audio resample(const Audio& audio, int64_t sampling_rate);

}  // namespace imago
