// Pillow's resampling: each new pixel is a weighted mean of a run of old ones, along rows and along columns,
// in fixed-point numbers that are rounded to 8 bits in between. Weights are computed in double and rounded to 22 bits.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "imago/base/error.h"
#include "imago/base/thread_pool.h"
#include "imago/processors/image/image.h"

namespace imago {
namespace {

constexpr int kPrecision = 32 - 8 - 2;  // of a pixel, a weight and a sum's carry in 32 bits
constexpr int kWeightBits = 15;         // of torch's weights, with as many bits behind the point as the largest leaves
constexpr int64_t kChannels = Image::kChannels;
constexpr int64_t kBlock = 512;  // bytes of a row whose sums are kept at once

double sinc(double x) {
  if (x == 0) return 1;
  x *= std::numbers::pi;
  return std::sin(x) / x;
}

double box(double x) { return x > -0.5 && x <= 0.5 ? 1 : 0; }

double triangle(double x) { return std::abs(x) < 1 ? 1 - std::abs(x) : 0; }

double hamming(double x) {
  x = std::abs(x);
  if (x == 0) return 1;
  if (x >= 1) return 0;
  x *= std::numbers::pi;
  return std::sin(x) / x * (0.54F + 0.46F * std::cos(x));  // Pillow has these in float
}

// With a = -0.5; Keys 1981, "Cubic Convolution Interpolation for Digital Image Processing".
double cubic(double x) {
  constexpr double a = -0.5;
  x = std::abs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

double lanczos(double x) { return x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0; }

struct Filter {
  double (*weight)(double);
  double support;              // how far it reaches to each side, in old pixels where the picture grows
  bool short_weights = false;  // torch's, of 16 bits
};

Filter filter_of(Resample resample) {
  switch (resample) {
    case Resample::kBox: return {box, 0.5};
    case Resample::kBilinear: return {triangle, 1};
    case Resample::kHamming: return {hamming, 1};
    case Resample::kBicubic: return {cubic, 2};
    case Resample::kLanczos: return {lanczos, 3};
    case Resample::kNearest: break;
  }
  throw Error(ErrorKind::kInternal, "resize", "the filter has no weights");
}

// For each new pixel the old ones that it is made of, and their weights.
struct Weights {
  struct Run {
    int64_t first, count;
  };
  std::vector<Run> runs;
  std::vector<int32_t> values;  // [new size, longest], times 2^precision
  int64_t longest = 0;
  int precision = kPrecision;
};

int precision_of(const std::vector<double>& exact) {
  const double largest = *std::max_element(exact.begin(), exact.end());
  int precision = 0;
  while (precision < kPrecision && static_cast<int>(0.5 + largest * (1 << (precision + 1))) < 1 << kWeightBits)
    ++precision;
  return precision;
}

Weights make_weights(int64_t old_size, int64_t new_size, const Filter& filter) {
  const double scale = static_cast<double>(old_size) / static_cast<double>(new_size), stretch = std::max(scale, 1.0);
  const double support = filter.support * stretch;
  Weights weights;
  weights.longest = static_cast<int64_t>(std::ceil(support)) * 2 + 1;
  std::vector<double> all(static_cast<size_t>(new_size * weights.longest));
  for (int64_t to = 0; to < new_size; ++to) {
    const double center = (static_cast<double>(to) + 0.5) * scale, step = 1 / stretch;
    // Truncated, not floored: below zero it is clamped anyway.
    const int64_t first = std::max<int64_t>(0, static_cast<int64_t>(center - support + 0.5));
    const int64_t count = std::min(old_size, static_cast<int64_t>(center + support + 0.5)) - first;
    double total = 0;
    double* exact = all.data() + to * weights.longest;
    for (int64_t i = 0; i < count; ++i) {
      exact[i] = filter.weight((static_cast<double>(i + first) - center + 0.5) * step);
      total += exact[i];
    }
    for (int64_t i = 0; total != 0 && i < count; ++i) exact[i] /= total;
    weights.runs.push_back({first, count});
  }
  if (filter.short_weights) weights.precision = precision_of(all);
  weights.values.resize(all.size());
  std::transform(all.begin(), all.end(), weights.values.begin(), [&](double exact) {
    const double fixed = exact * (1 << weights.precision);
    return static_cast<int32_t>(fixed < 0 ? fixed - 0.5 : fixed + 0.5);
  });
  return weights;
}

uint8_t to_byte(int32_t sum, int precision) { return static_cast<uint8_t>(std::clamp(sum >> precision, 0, 255)); }

Image resize_rows(Image image, int64_t width, const Filter& filter) {
  if (width == image.width) return image;
  const Weights weights = make_weights(image.width, width, filter);
  const int32_t half = 1 << (weights.precision - 1);
  Image out{image.height, width, std::vector<uint8_t>(static_cast<size_t>(image.height * width * kChannels))};
  parallel_for(image.height, 16, [&](int64_t begin, int64_t end) {
    for (int64_t y = begin; y < end; ++y) {
      const uint8_t* row = image.pixels.data() + y * image.width * kChannels;
      uint8_t* to = out.pixels.data() + y * width * kChannels;
      for (int64_t x = 0; x < width; ++x, to += kChannels) {
        const auto [first, count] = weights.runs[x];
        const int32_t* w = weights.values.data() + x * weights.longest;
        const uint8_t* from = row + first * kChannels;
        int32_t sums[kChannels] = {half, half, half};
        for (int64_t i = 0; i < count; ++i) {
          for (int64_t c = 0; c < kChannels; ++c) sums[c] += from[i * kChannels + c] * w[i];
        }
        for (int64_t c = 0; c < kChannels; ++c) to[c] = to_byte(sums[c], weights.precision);
      }
    }
  });
  return out;
}

Image resize_columns(Image image, int64_t height, const Filter& filter) {
  if (height == image.height) return image;
  const Weights weights = make_weights(image.height, height, filter);
  const int32_t half = 1 << (weights.precision - 1);
  const int64_t bytes = image.width * kChannels;
  Image out{height, image.width, std::vector<uint8_t>(static_cast<size_t>(height * bytes))};
  parallel_for(height, 16, [&](int64_t begin, int64_t end) {
    for (int64_t y = begin; y < end; ++y) {
      for (int64_t b = 0; b < bytes; b += kBlock) {
        int32_t sums[kBlock];
        const int64_t block = std::min(kBlock, bytes - b);
        std::fill_n(sums, block, half);
        const auto [first, count] = weights.runs[y];
        for (int64_t i = 0; i < count; ++i) {
          const int32_t w = weights.values[y * weights.longest + i];
          const uint8_t* from = image.pixels.data() + (first + i) * bytes + b;
          for (int64_t j = 0; j < block; ++j) sums[j] += from[j] * w;
        }
        std::transform(sums, sums + block, out.pixels.begin() + y * bytes + b,
                       [&](int32_t sum) { return to_byte(sum, weights.precision); });
      }
    }
  });
  return out;
}

// The order of the passes matters to the last bit, as pixels are rounded in between. Pillow 13 takes columns first
// under this condition, which was found by trying sizes (its source of that release was not at hand); before it, never.
bool columns_first(const Image& image, int64_t height, int64_t width) {
  return height < image.height && 2 * (width - image.width) > height - image.height;
}

// Positions are summed up step by step, whose rounding decides here and there which pixel is the nearest.
std::vector<int64_t> nearest_positions(int64_t old_size, int64_t new_size) {
  const double step = static_cast<double>(old_size) / static_cast<double>(new_size);
  double position = step * 0.5;
  std::vector<int64_t> positions;
  for (int64_t i = 0; i < new_size; ++i, position += step)
    positions.push_back(std::min(old_size - 1, static_cast<int64_t>(position)));
  return positions;
}

Image resize_nearest(const Image& image, int64_t height, int64_t width) {
  const auto rows = nearest_positions(image.height, height), columns = nearest_positions(image.width, width);
  Image out{height, width, std::vector<uint8_t>(static_cast<size_t>(height * width * kChannels))};
  uint8_t* to = out.pixels.data();
  for (const int64_t y : rows) {
    for (const int64_t x : columns) {
      const uint8_t* from = image.pixels.data() + (y * image.width + x) * kChannels;
      to = std::copy(from, from + kChannels, to);
    }
  }
  return out;
}

}  // namespace

Image resize(const Image& image, int64_t height, int64_t width, Resample resample) {
  if (height < 1 || width < 1)
    throw Error(ErrorKind::kInvalidArgument, "resize", "the new size is below one pixel", "ask for a larger one");
  check_image_size("resize", height, width);
  if (height == image.height && width == image.width) return image;
  if (resample == Resample::kNearest) return resize_nearest(image, height, width);
  const Filter filter = filter_of(resample);
  if (columns_first(image, height, width)) {
    check_image_size("resize", height, image.width);  // the picture between the two passes
    return resize_rows(resize_columns(image, height, filter), width, filter);
  }
  check_image_size("resize", image.height, width);
  return resize_columns(resize_rows(image, width, filter), height, filter);
}

Image resize_as_torch(const Image& image, int64_t height, int64_t width, Resample resample) {
  if (resample != Resample::kBilinear && resample != Resample::kBicubic)
    throw Error(ErrorKind::kUnsupported, "resize", "torch resizes bytes with a bilinear or bicubic filter", "use one");
  if (height < 1 || width < 1)
    throw Error(ErrorKind::kInvalidArgument, "resize", "the new size is below one pixel", "ask for a larger one");
  check_image_size("resize", height, width);
  check_image_size("resize", image.height, width);
  Filter filter = filter_of(resample);
  filter.short_weights = true;
  return resize_columns(resize_rows(image, width, filter), height, filter);
}

}  // namespace imago
