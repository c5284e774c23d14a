// Runs a test once for every instruction set that is compiled in and that this machine has.
#pragma once

#include <gtest/gtest.h>

#include "imago/kernels/cpu/simd.h"
// Highway fixes its targets when it is included, so simd.h comes first.
#include <hwy/targets.h>

namespace imago::kernels {

template <class Body>
void for_each_target(Body body) {
  hwy::SetSupportedTargetsForTest(0);
  const int64_t supported = hwy::SupportedTargets() & HWY_TARGETS;
  for (int64_t rest = supported; rest != 0; rest &= rest - 1) {
    // Worse ones remain allowed, since not every file is compiled for the same ones.
    SCOPED_TRACE(hwy::TargetName(rest & -rest));
    hwy::SetSupportedTargetsForTest(rest);
    hwy::GetChosenTarget().Update(rest);
    body();
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().DeInit();
}

}  // namespace imago::kernels
