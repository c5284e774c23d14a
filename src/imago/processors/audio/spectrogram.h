// Frames of a sound as the power in bands of its frequencies. All is computed in double.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace imago {

enum class MelScale { kHtk, kKaldi, kSlaney };

struct MelFilterOptions {
  int64_t frequency_bins = 0, filters = 0;  // of the transform: 1 + fft_length / 2
  double min_frequency = 0, max_frequency = 0;
  int64_t sampling_rate = 16000;
  MelScale scale = MelScale::kHtk;
  bool slaney_norm = false;                 // each filter of one area
  bool triangularize_in_mel_space = false;  // straight flanks over mels and not over hertz
};

// Triangles over the bins, [filters][frequency_bins].
std::vector<std::vector<double>> mel_filter_bank(const MelFilterOptions& options);

// "hann", "hamming", "povey" or "boxcar", symmetric or (periodic) without the last of one more.
std::vector<double> window_function(int64_t length, std::string_view name, bool periodic);

struct SpectrogramOptions {
  std::vector<double> window;  // as long as a frame
  int64_t hop_length = 160, fft_length = 400;
  bool center = true;  // frames are around their times: half a frame is mirrored at both ends
  bool remove_dc_offset = false;
  std::optional<double> preemphasis;
  std::vector<std::vector<double>> mel_filters;
  double mel_floor = 1e-10;
  bool squared = true;  // magnitudes
};

// Squared magnitudes through the filters, at least mel_floor: frames of [filters]. None where the sound is shorter
// than a frame. Throws Error kInvalidArgument where there is too little to mirror.
std::vector<std::vector<double>> mel_spectrogram(std::span<const float> samples, const SpectrogramOptions& options);

}  // namespace imago
