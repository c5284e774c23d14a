// The values of small integers in groups.
#pragma once

#include <cstdint>

namespace imago::quant {

// to [count] = scale * q, rounded, and then plus offset where there is one (null: none); both are [count / group].
void decode_groups(const int8_t* q, const float* scale, const float* offset, int64_t group, int64_t count, float* to);

}  // namespace imago::quant
