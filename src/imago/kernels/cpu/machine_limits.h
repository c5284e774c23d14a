// What this machine can do at most, measured, so that a figure can be given as a share of it.
#pragma once

namespace imago::kernels {

// Seconds of the wall clock; what is measured may be given another clock.
double wall_seconds();

// Bytes per second at which all threads of the pool together read memory that no cache holds: the best of several
// passes over 256 MiB, as one stream or four per thread.
double measure_read_bandwidth(double (*now)() = wall_seconds);

// Floating point operations per second of the product of two 2048 x 2048 matrices of float on all threads of the pool:
// the best of several.
double measure_gemm_peak(double (*now)() = wall_seconds);

}  // namespace imago::kernels
