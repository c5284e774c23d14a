// The numbers of models that draw in every pass: keys that are looked at first, patches that are hidden.
#pragma once

#include "imago/nn/torch_generator.h"

namespace imago::nn {

// While one is alive on this thread, models draw from its generator.
class RandomSource {
 public:
  explicit RandomSource(TorchGenerator& generator);
  ~RandomSource();
  RandomSource(const RandomSource&) = delete;
  RandomSource& operator=(const RandomSource&) = delete;

 private:
  TorchGenerator* previous_;
};

// That of the innermost RandomSource, or of training (see dropout.h), or else the thread's own, which began with seed
// 0.
TorchGenerator& random_source();

}  // namespace imago::nn
