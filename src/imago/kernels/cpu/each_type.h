// Writes out a macro for each type that the kernels over rows take: X(float) X(bfloat16) X(float16) X(double).
#pragma once

#include "imago/kernels/cpu/half.h"

#define IMAGO_EACH_TYPE(X) X(float) X(bfloat16) X(float16) X(double)
