#include "imago/ops/interpolate/interpolate.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "imago/base/error.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/interpolate/resample.h"
#include "imago/ops/op_table.h"
#include "imago/ops/operand_checks.h"
#include "imago/ops/pooling/pooling.h"

namespace imago {
namespace {

constexpr const char* kName = "interpolate";

// One dimension from `input` to `output` elements. `scale` is the number of input elements per output element where
// it was given, else 0.
struct Axis {
  int64_t input, output;
  double given_scale;

  double scale(bool align_corners) const {
    if (align_corners) return output > 1 ? static_cast<double>(input - 1) / static_cast<double>(output - 1) : 0;
    return given_scale > 0 ? given_scale : static_cast<double>(input) / static_cast<double>(output);
  }
};

using Elements = std::vector<WeightedIndex>;

// Positions are computed in single precision, since an element more or less decides which neighbour is the nearest and
// that is how the reference does it. It also takes images of the same or the double size as they are, whatever
// scale_factor says.
Elements nearest(const Axis& axis, int64_t o, bool exact, bool is_image) {
  if (!exact && is_image && axis.output == axis.input) return {{o, 1}};
  if (!exact && is_image && axis.output == 2 * axis.input) return {{o / 2, 1}};
  const float scale = axis.given_scale > 0 ? static_cast<float>(axis.given_scale)
                                           : static_cast<float>(axis.input) / static_cast<float>(axis.output);
  const float position = (static_cast<float>(o) + (exact ? 0.5F : 0.0F)) * scale;
  return {{std::min(static_cast<int64_t>(position), axis.input - 1), 1}};
}

double source_position(const Axis& axis, int64_t o, bool align_corners) {
  const double scale = axis.scale(align_corners);
  return align_corners ? scale * static_cast<double>(o) : scale * (static_cast<double>(o) + 0.5) - 0.5;
}

Elements linear(const Axis& axis, int64_t o, bool align_corners) {
  const double position = std::max(source_position(axis, o, align_corners), 0.0);
  const int64_t low = std::min(static_cast<int64_t>(position), axis.input - 1);
  const int64_t high = std::min(low + 1, axis.input - 1);
  const double rest = std::min(position - static_cast<double>(low), 1.0);
  return {{low, 1 - rest}, {high, rest}};
}

// The cubic convolution kernel with slope `a` at 1. ("Cubic convolution interpolation for digital image processing",
// 1981)
double cubic_weight(double x, double a) {
  x = std::abs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

Elements cubic(const Axis& axis, int64_t o, bool align_corners) {
  constexpr double kSlope = -0.75;
  const double position = source_position(axis, o, align_corners), low = std::floor(position);
  Elements elements;
  for (int64_t k = -1; k <= 2; ++k) {
    const auto index = static_cast<int64_t>(low) + k;
    const double distance = position - low - static_cast<double>(k);
    elements.push_back({std::clamp<int64_t>(index, 0, axis.input - 1), cubic_weight(distance, kSlope)});
  }
  return elements;
}

// A kernel as wide as an output element where that is wider than an input element, as image libraries do it.
Elements antialiased(const Axis& axis, int64_t o, bool align_corners, bool is_cubic) {
  constexpr double kSlope = -0.5;
  const double scale = axis.scale(align_corners), stretch = std::max(scale, 1.0);
  const double support = (is_cubic ? 2 : 1) * stretch, center = scale * (static_cast<double>(o) + 0.5);
  const int64_t low = std::max<int64_t>(static_cast<int64_t>(center - support + 0.5), 0);
  const int64_t high = std::min(static_cast<int64_t>(center + support + 0.5), axis.input);
  Elements elements;
  double total = 0;
  for (int64_t i = low; i < high; ++i) {
    const double distance = (static_cast<double>(i) - center + 0.5) / stretch;
    const double weight = is_cubic ? cubic_weight(distance, kSlope) : std::max(1 - std::abs(distance), 0.0);
    elements.push_back({i, weight});
    total += weight;
  }
  for (WeightedIndex& element : elements) element.weight /= total != 0 ? total : 1;
  return elements;
}

Elements elements_of(const InterpolateOptions& options, const Axis& axis, int64_t o, bool is_image) {
  const bool is_cubic = options.mode == "bicubic";
  if (options.mode == "nearest" || options.mode == "nearest-exact") {
    return nearest(axis, o, options.mode == "nearest-exact", is_image);
  }
  if (options.antialias) return antialiased(axis, o, options.align_corners, is_cubic);
  return is_cubic ? cubic(axis, o, options.align_corners) : linear(axis, o, options.align_corners);
}

void check_mode(const Tensor& x, const InterpolateOptions& options) {
  const int dims = x.dim() - 2;
  const std::string& mode = options.mode;
  const bool any = mode == "nearest" || mode == "nearest-exact" || mode == "area";
  const bool good = dims >= 1 && dims <= 3 && x.size(1) > 0 &&
                    (any || (mode == "linear" && dims == 1) || (mode == "bilinear" && dims == 2) ||
                     (mode == "bicubic" && dims == 2) || (mode == "trilinear" && dims == 3));
  if (!good) {
    throw Error(ErrorKind::kInvalidArgument, kName, fmt::format("mode \"{}\" does not apply to {}", mode, x.describe()),
                "nearest, nearest-exact and area take [batch, channels, ...], linear 3, bilinear and bicubic 4, and "
                "trilinear 5 dimensions");
  }
  if ((options.align_corners && any) || (options.antialias && mode != "bilinear" && mode != "bicubic")) {
    throw Error(ErrorKind::kInvalidArgument, kName, fmt::format("mode \"{}\" has no align_corners or antialias", mode));
  }
}

Axis axis_of(const Tensor& x, const InterpolateOptions& options, int d) {
  const auto index = static_cast<size_t>(d);
  const bool by_size = !options.size.empty();
  const auto dims = static_cast<size_t>(x.dim() - 2);
  const size_t count = by_size ? static_cast<size_t>(options.size.size()) : options.scale_factor.size();
  if (by_size != options.scale_factor.empty() || (count != 1 && count != dims)) {
    throw Error(ErrorKind::kInvalidArgument, kName,
                fmt::format("{} sizes and {} scale factors for {}", options.size.size(), options.scale_factor.size(),
                            x.describe()),
                "give one of them, a number per spatial dimension");
  }
  Axis axis{x.shape()[d + 2], 0, 0};
  if (by_size) {
    axis.output = options.size[count == 1 ? 0 : d];
  } else {
    const double factor = options.scale_factor[count == 1 ? 0 : index];
    const double output = std::floor(static_cast<double>(axis.input) * factor);
    axis.output = output >= 1 && output < 0x1p40 ? static_cast<int64_t>(output) : 0;
    if (!options.recompute_scale_factor) axis.given_scale = 1 / factor;
  }
  if (axis.input < 1 || axis.output < 1) {
    throw Error(ErrorKind::kInvalidArgument, kName,
                fmt::format("dimension {} of {} would become {}", d + 2, x.describe(), axis.output));
  }
  return axis;
}

}  // namespace

Tensor interpolate(const Tensor& x, const InterpolateOptions& options) {
  require_floating(kName, "x", x);
  check_mode(x, options);
  Shape area;
  Tensor y = widen(x);
  for (int d = 0; d < x.dim() - 2; ++d) {
    const Axis axis = axis_of(x, options, d);
    area.push_back(axis.output);
    if (options.mode == "area") continue;
    std::vector<Elements> elements;
    for (int64_t o = 0; o < axis.output; ++o) elements.push_back(elements_of(options, axis, o, x.dim() == 4));
    y = resample(y, d + 2, elements);
  }
  return options.mode == "area" ? adaptive_avg_pool(x, area) : cast(y, x.dtype());
}

void register_interpolate(OpTable& table) {
  const auto sample = [](const char* name, const Shape& shape, const InterpolateOptions& options) {
    return Sample{name, {sample_values(shape)}, [options](std::span<const Tensor> in) -> Tensors {
                    return {interpolate(in[0], options)};
                  }};
  };
  table.add<op::Resample>([sample]() -> std::vector<Sample> {
    return {
        sample("nearest", {2, 2, 5}, {{8}, {}, "nearest"}),
        sample("nearest-exact", {1, 2, 3, 4}, {{}, {2.5, 0.6}, "nearest-exact"}),
        sample("linear", {2, 2, 5}, {{3}, {}, "linear"}),
        sample("bilinear", {1, 2, 3, 4}, {{5, 7}, {}, "bilinear"}),
        sample("bilinear, corners", {1, 2, 3, 4}, {{5, 2}, {}, "bilinear", true}),
        sample("trilinear", {1, 1, 2, 3, 4}, {{}, {2}, "trilinear"}),
        sample("bicubic", {1, 2, 3, 5}, {{6, 4}, {}, "bicubic"}),
        sample("bicubic, antialias", {1, 1, 7, 5}, {{3, 8}, {}, "bicubic", false, false, true}),
        sample("empty batch", {0, 2, 3, 4}, {{5, 7}, {}, "bilinear"}),
    };
  });
  table.add<op::ResampleTranspose>([]() -> std::vector<Sample> {
    const op::ResampleTranspose op{1, 5, {0, 2, 4}, {0.5, 0.25, 1, -1, 2, 0}};
    return {
        {"windows at the edges", {sample_values({2, 3, 2})}, [op](auto in) -> Tensors { return {apply(op, in[0])}; }}};
  });
}

}  // namespace imago
