// Which instruction sets the kernels are compiled for, and Highway. A file compiled once for each of them defines
// HWY_TARGET_INCLUDE as its own path, includes <hwy/foreach_target.h> after this header, and keeps what it compiles
// per target in namespace imago::kernels::HWY_NAMESPACE between HWY_BEFORE_NAMESPACE() and HWY_AFTER_NAMESPACE().
#pragma once

// AVX-512, AVX2 with FMA, NEON and plain code remain. A target more costs every kernel's compile time and size again;
// the ones left out are either older than any machine worth serving from or gain nothing here over their neighbour.
// Builds for testing may leave out AVX-512 as well (IMAGO_AVX512 in CMake).
#ifndef HWY_DISABLED_TARGETS
#ifdef IMAGO_WITHOUT_AVX512
#define IMAGO_DISABLED_AVX512 HWY_AVX3
#else
#define IMAGO_DISABLED_AVX512 0
#endif
#define HWY_DISABLED_TARGETS                                                                         \
  (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_PPC8 | \
   IMAGO_DISABLED_AVX512)
#endif
