#include "imago/tensor/cpu_allocator.h"

#include <fmt/core.h>
#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <deque>
#include <map>
#include <mutex>
#include <vector>

#include "imago/base/error.h"

namespace imago {
namespace {

// Beyond this much unused memory, freed blocks go back to the system at once.
constexpr int64_t kMaxCachedBytes = int64_t{1} << 30;
// From this size on a block is worth the kernel's huge pages, and a mapping of its own, which goes back whole.
constexpr int64_t kHugePage = int64_t{2} << 20;
constexpr int64_t kPage = 4096;
// How far cached blocks may take a process above the most that tensors have ever held.
constexpr int64_t kSlack = int64_t{64} << 20;

// Four classes per power of two: at most a quarter of a block is wasted.
int64_t size_class(int64_t bytes) {
  const auto size = static_cast<uint64_t>(std::max<int64_t>(bytes, kCpuAlignment));
  const uint64_t step = std::max<uint64_t>(std::bit_floor(size) / 4, kCpuAlignment);
  return static_cast<int64_t>((size + step - 1) / step * step);
}

int64_t round_up(int64_t size, int64_t unit) { return (size + unit - 1) / unit * unit; }

// At a huge page's boundary, as long as the block and no longer: its end takes small pages, or many blocks a little
// larger than a huge page would take two. Null when there is no memory.
std::byte* map_block(int64_t size) {
  const auto whole = static_cast<size_t>(round_up(size, kPage) + kHugePage - kPage);
  void* const mapped = ::mmap(nullptr, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return nullptr;
  auto* const begin = static_cast<std::byte*>(mapped);
  const auto address = reinterpret_cast<uintptr_t>(begin);
  const auto before = static_cast<size_t>(round_up(static_cast<int64_t>(address), kHugePage)) - address;
  const auto length = static_cast<size_t>(round_up(size, kPage));
  if (before > 0) ::munmap(begin, before);
  if (before + length < whole) ::munmap(begin + before + length, whole - before - length);
  ::madvise(begin + before, static_cast<size_t>(size / kHugePage * kHugePage), MADV_HUGEPAGE);
  return begin + before;
}

std::byte* system_allocate(int64_t size) {
  if (size >= kHugePage) return map_block(size);
  return static_cast<std::byte*>(std::aligned_alloc(kCpuAlignment, static_cast<size_t>(size)));
}

void system_free(std::byte* block, int64_t size) noexcept {
  if (size >= kHugePage) {
    ::munmap(block, static_cast<size_t>(round_up(size, kPage)));
  } else {
    std::free(block);
  }
}

class CachingAllocator {
 public:
  std::byte* allocate(int64_t size) {
    std::vector<Block> evicted;
    {
      const std::lock_guard lock(mutex_);
      stats_.bytes_in_use += size;
      stats_.peak_bytes_in_use = std::max(stats_.peak_bytes_in_use, stats_.bytes_in_use);
      if (auto blocks = free_.find(size); blocks != free_.end() && !blocks->second.empty()) {
        std::byte* block = blocks->second.back().data;
        blocks->second.pop_back();
        stats_.bytes_cached -= size;
        return block;
      }
      evict(evicted);
    }
    for (const Block& block : evicted) system_free(block.data, block.size);
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
        free_[size].push_back({block, size, ++frees_});
        stats_.bytes_cached += size;
        return;
      }
    }
    system_free(block, size);
  }

  void release() {
    const std::lock_guard lock(mutex_);
    for (auto& [size, blocks] : free_) {
      for (const Block& block : blocks) system_free(block.data, size);
    }
    free_.clear();
    stats_.bytes_cached = 0;
  }

  CpuAllocatorStats stats() {
    const std::lock_guard lock(mutex_);
    return stats_;
  }

 private:
  struct Block {
    std::byte* data;
    int64_t size;
    uint64_t freed;  // the how manieth free it was
  };

  // Called where nothing cached has the size wanted. Blocks of other sizes must not add to what the process takes in
  // the end, so the large ones that were unused for longest go.
  void evict(std::vector<Block>& evicted) {
    while (stats_.bytes_in_use + stats_.bytes_cached > stats_.peak_bytes_in_use + kSlack) {
      std::deque<Block>* oldest = nullptr;
      for (auto blocks = free_.lower_bound(kHugePage); blocks != free_.end(); ++blocks) {
        if (blocks->second.empty()) continue;
        if (oldest == nullptr || blocks->second.front().freed < oldest->front().freed) oldest = &blocks->second;
      }
      if (oldest == nullptr) return;
      evicted.push_back(oldest->front());
      stats_.bytes_cached -= oldest->front().size;
      oldest->pop_front();
    }
  }

  std::mutex mutex_;
  std::map<int64_t, std::deque<Block>> free_;  // by size; the last freed is the first used again
  uint64_t frees_ = 0;
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
