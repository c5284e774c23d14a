// Spans of a sound that training hides (Park et al. 2019, "SpecAugment: A Simple Data Augmentation Method for Automatic
// Speech Recognition").
#pragma once

#include <vector>

#include "imago/tensor/tensor.h"

namespace imago::nn {

struct HiddenSpanOptions {
  double probability = 0;  // of a place to be hidden, about; 0 hides nothing
  int64_t length = 10;     // of a span
  int64_t least = 0;       // how many spans there are at least
};

// Which places of each row are hidden: bool [rows, size], drawn from numpy_source(). `lengths` is how much of each row
// counts; all where it is empty. Throws Error kInvalidArgument for spans longer than `size` or below 1.
Tensor draw_hidden_spans(int64_t rows, int64_t size, const HiddenSpanOptions& options,
                         const std::vector<int64_t>& lengths = {});

}  // namespace imago::nn
