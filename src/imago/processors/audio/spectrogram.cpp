#include "imago/processors/audio/spectrogram.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "imago/base/error.h"
#include "imago/base/thread_pool.h"
#include "imago/processors/audio/fourier.h"

namespace imago {
namespace {

// Slaney's scale is linear below 1000 Hz, which are 15 mels.
constexpr double kSlaneyHertz = 1000, kSlaneyMels = 15;
const double kSlaneyStep = 27.0 / std::log(6.4);

double to_mel(double hertz, MelScale scale) {
  switch (scale) {
    case MelScale::kHtk: return 2595.0 * std::log10(1.0 + hertz / 700.0);
    case MelScale::kKaldi: return 1127.0 * std::log(1.0 + hertz / 700.0);
    default: break;
  }
  return hertz < kSlaneyHertz ? 3.0 * hertz / 200.0 : kSlaneyMels + std::log(hertz / kSlaneyHertz) * kSlaneyStep;
}

double to_hertz(double mel, MelScale scale) {
  switch (scale) {
    case MelScale::kHtk: return 700.0 * (std::pow(10.0, mel / 2595.0) - 1.0);
    case MelScale::kKaldi: return 700.0 * (std::exp(mel / 1127.0) - 1.0);
    default: break;
  }
  return mel < kSlaneyMels ? 200.0 * mel / 3.0 : kSlaneyHertz * std::exp((mel - kSlaneyMels) / kSlaneyStep);
}

std::vector<double> evenly(double from, double to, int64_t count) {
  std::vector<double> values;
  for (int64_t i = 0; i < count; ++i)
    values.push_back(from + (to - from) * static_cast<double>(i) / static_cast<double>(count - 1));
  return values;
}

std::vector<double> mirrored(std::span<const float> samples, int64_t margin) {
  const auto count = static_cast<int64_t>(samples.size());
  if (count <= margin) {
    throw Error(ErrorKind::kInvalidArgument, "audio",
                fmt::format("{} samples are too few for frames of {}", count, 2 * margin));
  }
  std::vector<double> out;
  out.reserve(static_cast<size_t>(count + 2 * margin));
  for (int64_t i = -margin; i < count + margin; ++i) {
    const int64_t at = i < 0 ? -i : i < count ? i : 2 * (count - 1) - i;
    out.push_back(samples[static_cast<size_t>(at)]);
  }
  return out;
}

// One frame, windowed, zeros behind it.
void cut_frame(const double* samples, const SpectrogramOptions& o, std::vector<double>& frame) {
  const auto length = static_cast<ptrdiff_t>(o.window.size());
  std::copy(samples, samples + length, frame.begin());
  if (o.remove_dc_offset) {
    const double mean = std::accumulate(frame.begin(), frame.begin() + length, 0.0) / static_cast<double>(length);
    for (ptrdiff_t i = 0; i < length; ++i) frame[static_cast<size_t>(i)] -= mean;
  }
  if (o.preemphasis) {
    for (auto i = static_cast<size_t>(length - 1); i > 0; --i) frame[i] -= *o.preemphasis * frame[i - 1];
    frame[0] *= 1 - *o.preemphasis;
  }
  for (size_t i = 0; i < o.window.size(); ++i) frame[i] *= o.window[i];
}

struct BandFilter {
  size_t begin = 0;  // the first bin that counts
  std::vector<double> weights;
};

std::vector<BandFilter> narrow_filters(const std::vector<std::vector<double>>& filters) {
  std::vector<BandFilter> bands;
  for (const auto& filter : filters) {
    const auto first = std::find_if(filter.begin(), filter.end(), [](double w) { return w != 0; });
    const auto last = std::find_if(filter.rbegin(), filter.rend(), [](double w) { return w != 0; }).base();
    bands.push_back(
        {static_cast<size_t>(first - filter.begin()), first < last ? std::vector(first, last) : std::vector<double>()});
  }
  return bands;
}

}  // namespace

std::vector<std::vector<double>> mel_filter_bank(const MelFilterOptions& o) {
  const std::vector<double> mels =
      evenly(to_mel(o.min_frequency, o.scale), to_mel(o.max_frequency, o.scale), o.filters + 2);
  std::vector<double> corners;
  for (const double mel : mels) corners.push_back(o.triangularize_in_mel_space ? mel : to_hertz(mel, o.scale));
  std::vector<double> bins;
  if (o.triangularize_in_mel_space) {
    const double width = static_cast<double>(o.sampling_rate) / static_cast<double>((o.frequency_bins - 1) * 2);
    for (int64_t i = 0; i < o.frequency_bins; ++i) bins.push_back(to_mel(width * static_cast<double>(i), o.scale));
  } else {
    bins = evenly(0, static_cast<double>(o.sampling_rate / 2), o.frequency_bins);
  }
  std::vector<std::vector<double>> filters;
  for (size_t f = 0; f < static_cast<size_t>(o.filters); ++f) {
    const double left = corners[f], middle = corners[f + 1], right = corners[f + 2];
    std::vector<double> filter;
    for (const double bin : bins) {
      const double weight = std::min((bin - left) / (middle - left), (right - bin) / (right - middle));
      filter.push_back(std::max(0.0, weight) * (o.slaney_norm ? 2.0 / (right - left) : 1.0));
    }
    filters.push_back(std::move(filter));
  }
  return filters;
}

std::vector<double> window_function(int64_t length, std::string_view name, bool periodic) {
  const double period = static_cast<double>(periodic ? length : length - 1);
  std::vector<double> window;
  for (int64_t n = 0; n < length; ++n) {
    const double cosine = std::cos(2 * std::numbers::pi * static_cast<double>(n) / period);
    if (name == "boxcar") window.push_back(1);
    if (name == "hann") window.push_back(0.5 - 0.5 * cosine);
    if (name == "hamming") window.push_back(0.54 - 0.46 * cosine);
    if (name == "povey") window.push_back(std::pow(0.5 - 0.5 * cosine, 0.85));
  }
  if (static_cast<int64_t>(window.size()) != length)
    throw Error(ErrorKind::kUnsupported, "audio", fmt::format("no window function \"{}\"", name));
  return window;
}

std::vector<std::vector<double>> mel_spectrogram(std::span<const float> samples, const SpectrogramOptions& o) {
  const auto length = static_cast<int64_t>(o.window.size());
  const std::vector<double> sound =
      o.center ? mirrored(samples, length / 2) : std::vector<double>(samples.begin(), samples.end());
  const int64_t frames = static_cast<int64_t>(sound.size()) < length
                             ? 0
                             : 1 + (static_cast<int64_t>(sound.size()) - length) / o.hop_length;
  const FourierTransform fourier(o.fft_length);
  const std::vector<BandFilter> bands = narrow_filters(o.mel_filters);
  std::vector<std::vector<double>> out(static_cast<size_t>(frames));
  parallel_for(frames, 64, [&](int64_t begin, int64_t end) {
    const auto size = static_cast<size_t>(o.fft_length);
    std::vector<double> first(size), second(size), power(size / 2 + 1);
    std::vector<std::complex<double>> both(size), transformed(size);
    const auto write = [&](int64_t frame) {
      for (const BandFilter& band : bands) {
        double sum = 0;
        for (size_t i = 0; i < band.weights.size(); ++i) sum += band.weights[i] * power[band.begin + i];
        out[static_cast<size_t>(frame)].push_back(std::max(o.mel_floor, sum));
      }
    };
    // Two real frames are one complex one: that of the first is the even part of its transform.
    for (int64_t frame = begin; frame < end; frame += 2) {
      const bool pair = frame + 1 < end;
      cut_frame(sound.data() + frame * o.hop_length, o, first);
      if (pair) cut_frame(sound.data() + (frame + 1) * o.hop_length, o, second);
      for (size_t i = 0; i < size; ++i) both[i] = {first[i], pair ? second[i] : 0};
      fourier(both, transformed);
      const auto part = [&](size_t k, double sign) {
        const std::complex<double> mirror = std::conj(transformed[(size - k) % size]);
        const double square = std::norm(transformed[k] + sign * mirror) / 4;
        return o.squared ? square : std::sqrt(square);
      };
      for (size_t k = 0; k < power.size(); ++k) power[k] = part(k, 1);
      write(frame);
      if (!pair) continue;
      for (size_t k = 0; k < power.size(); ++k) power[k] = part(k, -1);
      write(frame + 1);
    }
  });
  return out;
}

}  // namespace imago
