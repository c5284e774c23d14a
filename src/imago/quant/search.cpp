#include "imago/quant/search.h"

#include <algorithm>
#include <cmath>

#include "imago/quant/scale.h"

namespace imago::quant {
namespace {

// How far the range of integers is stretched or shrunk for the candidates: a little clipping of the largest value may
// serve all others.
constexpr float kStretches[] = {-1.2F, -0.9F, -0.6F, -0.4F, -0.2F, -0.1F, 0, 0.1F, 0.2F, 0.4F, 0.6F, 0.9F, 1.2F};

struct Fit {
  float scale = 0, minimum = 0, error = HUGE_VALF;
};

float square_error(const float* x, const float* weights, int64_t count, const int* q, float scale, float minimum) {
  float error = 0;
  for (int64_t i = 0; i < count; ++i) {
    const float difference = scale * static_cast<float>(q[i]) - minimum - x[i];
    error += weights[i] * difference * difference;
  }
  return error;
}

// The best scale for given integers: sum(w x q) / sum(w q q).
float solve_scale(const float* x, const float* weights, int64_t count, const int* q) {
  float xq = 0, qq = 0;
  for (int64_t i = 0; i < count; ++i) {
    const auto value = static_cast<float>(q[i]);
    xq += weights[i] * x[i] * value;
    qq += weights[i] * value * value;
  }
  return qq > 0 ? xq / qq : 0;
}

// The best scale and minimum for given integers, from the two normal equations; the minimum is not negative.
Fit solve_both(const float* x, const float* weights, int64_t count, const int* q) {
  double w = 0, wq = 0, wqq = 0, wx = 0, wxq = 0;
  for (int64_t i = 0; i < count; ++i) {
    w += weights[i];
    wq += weights[i] * static_cast<double>(q[i]);
    wqq += weights[i] * static_cast<double>(q[i]) * q[i];
    wx += weights[i] * static_cast<double>(x[i]);
    wxq += weights[i] * static_cast<double>(x[i]) * q[i];
  }
  const double determinant = w * wqq - wq * wq;
  double scale = determinant > 0 ? (w * wxq - wq * wx) / determinant : 0;
  double minimum = determinant > 0 ? (wq * wxq - wqq * wx) / determinant : 0;
  if (minimum < 0) {
    minimum = 0;
    scale = wqq > 0 ? wxq / wqq : 0;
  }
  return {static_cast<float>(std::max(scale, 0.0)), static_cast<float>(minimum)};
}

}  // namespace

int round_within(float value, int smallest, int largest) {
  if (!(value > static_cast<float>(smallest))) return smallest;
  if (value >= static_cast<float>(largest)) return largest;
  return static_cast<int>(std::nearbyint(value));
}

int nearest_index(const int8_t* table, int size, float value) {
  int best = 0;
  for (int i = 1; i < size; ++i) {
    if (std::abs(static_cast<float>(table[i]) - value) < std::abs(static_cast<float>(table[best]) - value)) best = i;
  }
  return best;
}

void error_weights(const float* x, int64_t count, float* weights) {
  float squares = 0;
  for (int64_t i = 0; i < count; ++i) squares += x[i] * x[i];
  const float inverse = reciprocal(squares / static_cast<float>(count));
  for (int64_t i = 0; i < count; ++i) weights[i] = 1 + x[i] * x[i] * inverse;
}

float search_scale(const float* x, const float* weights, int64_t count, int smallest, int largest) {
  float extreme = 0;
  for (int64_t i = 0; i < count; ++i) {
    if (std::abs(x[i]) > std::abs(extreme)) extreme = x[i];
  }
  if (extreme == 0) return 0;
  Fit best;
  int q[kMaxGroup];
  // Either sign: the integers reach one further below zero than above.
  for (const int end : {smallest, largest}) {
    for (const float stretch : kStretches) {
      const float inverse = (static_cast<float>(end) + (end < 0 ? stretch : -stretch)) / extreme;
      for (int64_t i = 0; i < count; ++i) q[i] = round_within(x[i] * inverse, smallest, largest);
      const float scale = solve_scale(x, weights, count, q);
      const float error = square_error(x, weights, count, q, scale, 0);
      if (error < best.error) best = {scale, 0, error};
    }
  }
  return best.scale;
}

float search_table_scale(const float* x, const float* weights, int64_t count, const int8_t* table, int size) {
  float extreme = 0;
  for (int64_t i = 0; i < count; ++i) {
    if (std::abs(x[i]) > std::abs(extreme)) extreme = x[i];
  }
  if (extreme == 0) return 0;
  Fit best;
  int q[kMaxGroup];
  for (const int end : {static_cast<int>(table[0]), static_cast<int>(table[size - 1])}) {
    for (const float stretch : kStretches) {
      const float inverse = static_cast<float>(end) * (1 + stretch / 12) / extreme;
      for (int64_t i = 0; i < count; ++i) q[i] = table[nearest_index(table, size, x[i] * inverse)];
      const float scale = solve_scale(x, weights, count, q);
      const float error = square_error(x, weights, count, q, scale, 0);
      if (error < best.error) best = {scale, 0, error};
    }
  }
  return best.scale;
}

ScaleAndOffset search_scale_and_minimum(const float* x, const float* weights, int64_t count, int largest) {
  const auto [lowest, highest] = std::minmax_element(x, x + count);
  const float minimum = std::min(*lowest, 0.0F), range = *highest - minimum;
  if (!(range > 0)) return {0, -minimum};
  Fit best;
  int q[kMaxGroup];
  for (const float stretch : kStretches) {
    const float inverse = (static_cast<float>(largest) + stretch) / range;
    for (int64_t i = 0; i < count; ++i) q[i] = round_within((x[i] - minimum) * inverse, 0, largest);
    Fit fit = solve_both(x, weights, count, q);
    fit.error = square_error(x, weights, count, q, fit.scale, fit.minimum);
    if (fit.error < best.error) best = fit;
  }
  return {best.scale, best.minimum};
}

RoundedScales search_super_block(const float* x, int64_t groups, int64_t group, int largest, int largest_scale) {
  float scales[16], minimums[16], weights[kMaxGroup];
  float top_scale = 0, top_minimum = 0;
  for (int64_t g = 0; g < groups; ++g) {
    error_weights(x + g * group, group, weights);
    const auto [scale, minimum] = search_scale_and_minimum(x + g * group, weights, group, largest);
    scales[g] = scale;
    minimums[g] = minimum;
    top_scale = std::max(top_scale, scale);
    top_minimum = std::max(top_minimum, minimum);
  }
  RoundedScales rounded{};
  rounded.scale = float16(top_scale / static_cast<float>(largest_scale));
  rounded.minimum = float16(top_minimum / static_cast<float>(largest_scale));
  const float scale_inverse = reciprocal(rounded.scale), minimum_inverse = reciprocal(rounded.minimum);
  for (int64_t g = 0; g < groups; ++g) {
    rounded.scales[g] = static_cast<uint8_t>(round_within(scales[g] * scale_inverse, 0, largest_scale));
    rounded.minimums[g] = static_cast<uint8_t>(round_within(minimums[g] * minimum_inverse, 0, largest_scale));
  }
  return rounded;
}

void round_group(const float* x, int64_t count, float scale, float minimum, int largest, uint8_t* q) {
  const float inverse = reciprocal(scale);
  for (int64_t i = 0; i < count; ++i) {
    q[i] = static_cast<uint8_t>(round_within((x[i] + minimum) * inverse, 0, largest));
  }
}

// The scale of the super-block for group scales of either sign: the one of largest magnitude becomes the smallest
// integer, which is the furthest from zero.
float super_block_scale(const float* found, int64_t groups, int smallest_scale, int largest_scale, int* scales) {
  const float extreme =
      *std::max_element(found, found + groups, [](float a, float b) { return std::abs(a) < std::abs(b); });
  const float common = float16(extreme / static_cast<float>(smallest_scale)), inverse = reciprocal(common);
  for (int64_t g = 0; g < groups; ++g)
    scales[g] = inverse == 0 ? 0 : round_within(found[g] * inverse, smallest_scale, largest_scale);
  return common;
}

float search_symmetric_super_block(const float* x, int64_t groups, int64_t group, int smallest, int largest,
                                   int smallest_scale, int largest_scale, int* scales, int8_t* q) {
  float found[16], weights[kMaxGroup];
  for (int64_t g = 0; g < groups; ++g) {
    error_weights(x + g * group, group, weights);
    found[g] = search_scale(x + g * group, weights, group, smallest, largest);
  }
  const float common = super_block_scale(found, groups, smallest_scale, largest_scale, scales);
  for (int64_t g = 0; g < groups; ++g) {
    const float inverse = reciprocal(common * static_cast<float>(scales[g]));
    for (int64_t i = g * group; i < (g + 1) * group; ++i) {
      q[i] = static_cast<int8_t>(inverse == 0 ? 0 : round_within(x[i] * inverse, smallest, largest));
    }
  }
  return common;
}

}  // namespace imago::quant
