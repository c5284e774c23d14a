// How formats with two levels of scales find them. Formats of this kind have no defined encoder, only a decoder; this
// is ours:
//
// 1. For each group, candidate scales around the one that the extremes give are tried. Each fixes the integers, for
//    which the best scale (and minimum) is then solved exactly by least squares; the candidate of smallest error wins.
//    Squared errors are weighted by 1 + (x / rms)^2: large weights pass on more of their error.
// 2. The super-block's own scale maps the largest group scale to the largest integer, and group scales are rounded.
// 3. The integers are chosen again for the rounded scales.
#pragma once

#include <cstdint>

namespace imago::quant {

inline constexpr int64_t kMaxGroup = 32;

// Weights of the squared errors of `count` values.
void error_weights(const float* x, int64_t count, float* weights);

// The s for which s * round(x / s), the integers kept within [smallest, largest], is nearest to x.
float search_scale(const float* x, const float* weights, int64_t count, int smallest, int largest);

// The same with integers' meanings from a table in ascending order.
float search_table_scale(const float* x, const float* weights, int64_t count, const int8_t* table, int size);

struct ScaleAndOffset {
  float scale, minimum;  // neither is negative
};

// The s and m for which s * q - m, with q in [0, largest], is nearest to x.
ScaleAndOffset search_scale_and_minimum(const float* x, const float* weights, int64_t count, int largest);

// The index of the table's nearest value; the table ascends.
int nearest_index(const int8_t* table, int size, float value);

int round_within(float value, int smallest, int largest);  // to nearest, ties to even; NaN gives smallest

// The scale and minimum of each of a super-block's groups, as 6-bit (or so) multiples of two common ones.
struct RoundedScales {
  float scale, minimum;  // of the super-block, rounded to float16
  uint8_t scales[16], minimums[16];
};
RoundedScales search_super_block(const float* x, int64_t groups, int64_t group, int largest, int largest_scale);

// The integers of a group for scales that are fixed: x ~ scale * q - minimum, q in [0, largest].
void round_group(const float* x, int64_t count, float scale, float minimum, int largest, uint8_t* q);

// The common scale of groups whose scales have either sign, and the multiples of it within [smallest_scale,
// largest_scale] that are nearest to theirs.
float super_block_scale(const float* found, int64_t groups, int smallest_scale, int largest_scale, int* scales);

// Groups about zero: the super-block's scale, of which each group's is a multiple within [smallest_scale,
// largest_scale], and the integers within [smallest, largest].
float search_symmetric_super_block(const float* x, int64_t groups, int64_t group, int smallest, int largest,
                                   int smallest_scale, int largest_scale, int* scales, int8_t* q);

}  // namespace imago::quant
