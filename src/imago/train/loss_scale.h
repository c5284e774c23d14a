// Loss scaling for float16 (Micikevicius et al. 2017), with the numbers of torch's GradScaler.
#pragma once

#include <cstdint>

namespace imago {

struct LossScale {
  double scale = 65536;
  int64_t good_steps = 0;  // since the scale last changed

  // After a step whose gradients were finite, or not: those are skipped.
  void update(bool finite) {
    constexpr int64_t kGrowthInterval = 2000;
    if (!finite) {
      scale *= 0.5;
      good_steps = 0;
    } else if (++good_steps == kGrowthInterval) {
      scale *= 2;
      good_steps = 0;
    }
  }
};

}  // namespace imago
