#include "imago/tensor/cpu_allocator.h"

#include <fmt/core.h>
#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <map>
#include <mutex>
#include <vector>

#include "imago/base/error.h"

namespace imago {
namespace {

// Beyond this much unused memory, freed blocks go back to the system at once.
constexpr int64_t kMaxCachedBytes = int64_t{1} << 30;
// From this size on a block is worth the kernel's huge pages.
constexpr int64_t kHugePage = int64_t{2} << 20;

// Four classes per power of two: at most a quarter of a block is wasted.
int64_t size_class(int64_t bytes) {
  const auto size = static_cast<uint64_t>(std::max<int64_t>(bytes, kCpuAlignment));
  const uint64_t step = std::max<uint64_t>(std::bit_floor(size) / 4, kCpuAlignment);
  return static_cast<int64_t>((size + step - 1) / step * step);
}

class CachingAllocator {
 public:
  std::byte* allocate(int64_t size) {
    {
      const std::lock_guard lock(mutex_);
      stats_.bytes_in_use += size;
      stats_.peak_bytes_in_use = std::max(stats_.peak_bytes_in_use, stats_.bytes_in_use);
      if (auto blocks = free_.find(size); blocks != free_.end() && !blocks->second.empty()) {
        std::byte* block = blocks->second.back();
        blocks->second.pop_back();
        stats_.bytes_cached -= size;
        return block;
      }
    }
    std::byte* block = system_allocate(size);
    if (block == nullptr) {  // the cache may hold what is missing
      release();
      block = system_allocate(size);
    }
    if (block == nullptr) {
      const std::lock_guard lock(mutex_);
      stats_.bytes_in_use -= size;
    }
    return block;
  }

  void free(std::byte* block, int64_t size) noexcept {
    {
      const std::lock_guard lock(mutex_);
      stats_.bytes_in_use -= size;
      if (stats_.bytes_cached + size <= kMaxCachedBytes) {
        free_[size].push_back(block);
        stats_.bytes_cached += size;
        return;
      }
    }
    std::free(block);
  }

  void release() {
    const std::lock_guard lock(mutex_);
    for (auto& [size, blocks] : free_) {
      for (std::byte* block : blocks) std::free(block);
    }
    free_.clear();
    stats_.bytes_cached = 0;
  }

  CpuAllocatorStats stats() {
    const std::lock_guard lock(mutex_);
    return stats_;
  }

 private:
  static std::byte* system_allocate(int64_t size) {
    const size_t alignment = size >= kHugePage ? static_cast<size_t>(kHugePage) : kCpuAlignment;
    const size_t rounded = (static_cast<size_t>(size) + alignment - 1) / alignment * alignment;
    void* block = std::aligned_alloc(alignment, rounded);
    if (block != nullptr && size >= kHugePage) ::madvise(block, rounded, MADV_HUGEPAGE);
    return static_cast<std::byte*>(block);
  }

  std::mutex mutex_;
  std::map<int64_t, std::vector<std::byte*>> free_;
  CpuAllocatorStats stats_{};
};

CachingAllocator& allocator() {
  static auto* instance = new CachingAllocator;  // never destroyed: tensors in static objects may outlive any order
  return *instance;
}

}  // namespace

std::byte* cpu_allocate(int64_t bytes) {
  // Beyond 2^56 the rounding below could overflow; no machine has it.
  std::byte* block = bytes < (int64_t{1} << 56) ? allocator().allocate(size_class(bytes)) : nullptr;
  if (block == nullptr)
    throw Error(ErrorKind::kLimitExceeded, "memory", fmt::format("{} bytes are not to be had", bytes));
  return block;
}

void cpu_free(std::byte* data, int64_t bytes) noexcept { allocator().free(data, size_class(bytes)); }

CpuAllocatorStats cpu_allocator_stats() { return allocator().stats(); }

void cpu_release_cached() { allocator().release(); }

}  // namespace imago
