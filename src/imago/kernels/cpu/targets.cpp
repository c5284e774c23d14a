#include "imago/kernels/cpu/targets.h"

#include "imago/kernels/cpu/simd.h"

#include <hwy/targets.h>

namespace imago::kernels {

const char* active_target() {
  const int64_t usable = static_cast<int64_t>(hwy::SupportedTargets()) & HWY_TARGETS;
  return hwy::TargetName(usable & -usable);  // better targets have lower bits
}

}  // namespace imago::kernels
