#include "imago/processors/audio/audio.h"

#include <fmt/core.h>
#include <sndfile.h>
#include <soxr.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "imago/base/error.h"
#include "imago/base/file.h"

namespace imago {
namespace {

// Bytes in memory as a file of libsndfile.
struct MemoryFile {
  std::span<const std::byte> bytes;
  sf_count_t position = 0;

  static sf_count_t length(void* self) { return static_cast<sf_count_t>(at(self).bytes.size()); }
  static sf_count_t tell(void* self) { return at(self).position; }
  static sf_count_t seek(sf_count_t offset, int whence, void* self) {
    MemoryFile& file = at(self);
    const sf_count_t base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? file.position : length(self);
    file.position = std::clamp<sf_count_t>(base + offset, 0, length(self));
    return file.position;
  }
  static sf_count_t read(void* to, sf_count_t count, void* self) {
    MemoryFile& file = at(self);
    const sf_count_t size = std::clamp<sf_count_t>(count, 0, length(self) - file.position);
    if (size > 0) std::memcpy(to, file.bytes.data() + file.position, static_cast<size_t>(size));
    file.position += size;
    return size;
  }

 private:
  static MemoryFile& at(void* self) { return *static_cast<MemoryFile*>(self); }
};

struct CloseSound {
  void operator()(SNDFILE* file) const { sf_close(file); }
};

void expect_within(const char* what, int64_t count, int64_t limit) {
  if (count <= limit) return;
  throw Error(ErrorKind::kLimitExceeded, "audio",
              fmt::format("the file has {} {}, above the limit of {}", count, what, limit));
}

}  // namespace

Audio decode_audio(std::span<const std::byte> bytes, const AudioLimits& limits) {
  expect_within("bytes", static_cast<int64_t>(bytes.size()), limits.bytes);
  MemoryFile memory{bytes};
  SF_VIRTUAL_IO io{MemoryFile::length, MemoryFile::seek, MemoryFile::read, nullptr, MemoryFile::tell};
  SF_INFO info{};
  const std::unique_ptr<SNDFILE, CloseSound> file(sf_open_virtual(&io, SFM_READ, &info, &memory));
  if (file == nullptr) {
    const bool unknown = sf_error(nullptr) == SF_ERR_UNRECOGNISED_FORMAT;
    throw Error(unknown ? ErrorKind::kUnsupported : ErrorKind::kInvalidFile, "audio", sf_strerror(nullptr),
                "WAV, FLAC, MP3 and OGG files are known");
  }
  if (info.channels < 1 || info.samplerate < 1 || info.frames < 0)
    throw Error(ErrorKind::kInvalidFile, "audio", "the file has no channels, no rate or no length");
  // A header may promise any length; each channel is limited by itself so that the product cannot overflow.
  expect_within("samples", info.frames, limits.samples / info.channels);

  Audio audio;
  audio.sampling_rate = info.samplerate;
  // What is decoded counts, and not what the header says: damaged files promise more than they have.
  const sf_count_t frames = std::max(1, (1 << 18) / info.channels);
  std::vector<float> block(static_cast<size_t>(frames * info.channels));
  for (sf_count_t read = frames; read == frames;) {
    read = sf_readf_float(file.get(), block.data(), frames);
    for (sf_count_t frame = 0; frame < read; ++frame) {
      float sum = 0;
      for (int channel = 0; channel < info.channels; ++channel)
        sum += block[static_cast<size_t>(frame * info.channels + channel)];
      audio.samples.push_back(sum / static_cast<float>(info.channels));
    }
    expect_within("samples", static_cast<int64_t>(audio.samples.size()), limits.samples / info.channels);
  }
  if (sf_error(file.get()) != SF_ERR_NO_ERROR)
    throw Error(ErrorKind::kInvalidFile, "audio", sf_strerror(file.get()), "the file is damaged");
  if (static_cast<int64_t>(audio.samples.size()) < info.frames) {
    throw Error(ErrorKind::kInvalidFile, "audio",
                fmt::format("the file ends after {} of {} samples", audio.samples.size(), info.frames),
                "it is damaged or was not copied whole");
  }
  return audio;
}

Audio load_audio(const std::string& path, const AudioLimits& limits) {
  const ErrorScope scope(path);
  return decode_audio(MappedFile::open(path).bytes(), limits);
}

Audio load_audio(const std::string& path, int64_t sampling_rate, const AudioLimits& limits) {
  return resample(load_audio(path, limits), sampling_rate);
}

Audio resample(const Audio& audio, int64_t sampling_rate) {
  if (sampling_rate < 1 || audio.sampling_rate < 1) {
    throw Error(ErrorKind::kInvalidArgument, "resample",
                fmt::format("from {} to {} samples per second", audio.sampling_rate, sampling_rate));
  }
  if (sampling_rate == audio.sampling_rate) return audio;
  const auto in_rate = static_cast<double>(audio.sampling_rate), out_rate = static_cast<double>(sampling_rate);
  const auto count = static_cast<int64_t>(audio.samples.size());
  const int64_t wanted = (count * sampling_rate + audio.sampling_rate - 1) / audio.sampling_rate;
  Audio out{std::vector<float>(static_cast<size_t>(wanted)), sampling_rate};
  const soxr_io_spec_t io = soxr_io_spec(SOXR_FLOAT32_I, SOXR_FLOAT32_I);
  const soxr_quality_spec_t quality = soxr_quality_spec(SOXR_HQ, 0);
  size_t done = 0;
  const char* error = soxr_oneshot(in_rate, out_rate, 1, audio.samples.data(), audio.samples.size(), nullptr,
                                   out.samples.data(), out.samples.size(), &done, &io, &quality, nullptr);
  if (error != nullptr) throw Error(ErrorKind::kInternal, "resample", error);
  std::fill(out.samples.begin() + static_cast<ptrdiff_t>(done), out.samples.end(), 0.0F);
  return out;
}

}  // namespace imago
