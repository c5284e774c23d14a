// Memory for tensors on the CPU: freed blocks are kept by size class, since a model asks for the same sizes at every
// step.
#pragma once

#include <cstddef>
#include <cstdint>

namespace imago {

// Blocks are aligned to a cache line, so that kernels may use aligned vectors.
inline constexpr size_t kCpuAlignment = 64;

// Uninitialised memory. Throws Error kLimitExceeded when the machine has no more.
std::byte* cpu_allocate(int64_t bytes);
void cpu_free(std::byte* data, int64_t bytes) noexcept;

struct CpuAllocatorStats {
  int64_t bytes_in_use;  // by tensors, rounded up to size classes
  int64_t bytes_cached;  // kept for reuse
  int64_t peak_bytes_in_use;
};
CpuAllocatorStats cpu_allocator_stats();

// Gives cached blocks back to the system.
void cpu_release_cached();

}  // namespace imago
