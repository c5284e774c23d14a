#include <algorithm>
#include <cmath>
#include <cstring>

#include "imago/base/error.h"
#include "imago/base/file.h"
#include "imago/processors/audio/audio.h"

namespace imago {
namespace {

constexpr uint32_t kBytesPerSample = 2, kHeaderBytes = 36;  // behind the file's size

void put(std::string& bytes, uint32_t value, int count) {
  for (int i = 0; i < count; ++i) bytes.push_back(static_cast<char>(value >> (8 * i)));
}

}  // namespace

void save_wav(const std::string& path, const Audio& audio) {
  const ErrorScope scope(path);
  if (audio.sampling_rate < 1 || audio.sampling_rate > INT32_MAX)
    throw Error(ErrorKind::kInvalidArgument, "audio", "the sampling rate is below 1 or too high");
  if (audio.samples.size() > (UINT32_MAX - kHeaderBytes) / kBytesPerSample)
    throw Error(ErrorKind::kLimitExceeded, "audio", "the sound is longer than a WAV file can be");
  if (!std::all_of(audio.samples.begin(), audio.samples.end(), [](float sample) { return std::isfinite(sample); }))
    throw Error(ErrorKind::kInvalidArgument, "audio", "samples are no finite numbers", "check the model");
  const auto size = static_cast<uint32_t>(audio.samples.size()) * kBytesPerSample;
  const auto rate = static_cast<uint32_t>(audio.sampling_rate);
  std::string bytes = "RIFF";
  put(bytes, kHeaderBytes + size, 4);
  bytes += "WAVEfmt ";
  put(bytes, 16, 4);  // of this part
  put(bytes, 1, 2);   // integers
  put(bytes, 1, 2);   // channels
  put(bytes, rate, 4);
  put(bytes, rate * kBytesPerSample, 4);
  put(bytes, kBytesPerSample, 2);
  put(bytes, 8 * kBytesPerSample, 2);
  bytes += "data";
  put(bytes, size, 4);
  for (const float sample : audio.samples) {
    const auto value = static_cast<int32_t>(std::lrint(std::clamp(sample, -1.0F, 1.0F) * 32767.0F));
    put(bytes, static_cast<uint32_t>(value), 2);
  }
  write_file_atomically(path, bytes);
}

}  // namespace imago
