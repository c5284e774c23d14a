#include "imago/kernels/cpu/machine_limits.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

#ifdef __linux__
#include <sys/mman.h>
#endif

#include "imago/base/thread_pool.h"
#include "imago/kernels/cpu/gemm.h"

namespace imago::kernels {
namespace {

constexpr int kPasses = 6;

template <class Work>
double best_seconds(double (*now)(), Work work) {
  double best = 1e30;
  for (int pass = 0; pass <= kPasses; ++pass) {  // the first wakes the threads and touches the memory
    const double start = now();
    work();
    if (pass > 0) best = std::min(best, now() - start);
  }
  return best;
}

struct Free {
  void operator()(void* memory) const { std::free(memory); }
};

std::unique_ptr<uint64_t, Free> untouched_memory(int64_t bytes) {
  constexpr size_t kHugePage = size_t{2} << 20;
  std::unique_ptr<uint64_t, Free> memory(
      static_cast<uint64_t*>(std::aligned_alloc(kHugePage, static_cast<size_t>(bytes))));
#ifdef __linux__
  if (memory) ::madvise(memory.get(), static_cast<size_t>(bytes), MADV_HUGEPAGE);
#endif
  return memory;
}

// The sum over as many streams, each contiguous.
template <int kStreams>
uint64_t read_streams(const uint64_t* data, int64_t count) {
  const int64_t length = count / kStreams;
  uint64_t sums[kStreams][8] = {};
  for (int64_t i = 0; i + 8 <= length; i += 8) {
    for (int stream = 0; stream < kStreams; ++stream) {
      for (int lane = 0; lane < 8; ++lane) sums[stream][lane] += data[stream * length + i + lane];
    }
  }
  uint64_t total = 0;
  for (const auto& stream : sums) {
    for (uint64_t sum : stream) total += sum;
  }
  return total;
}

}  // namespace

double wall_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double measure_read_bandwidth(double (*now)()) {
  constexpr int64_t kBytes = int64_t{256} << 20, kCount = kBytes / 8;
  const auto memory = untouched_memory(kBytes);
  if (!memory) return 0;
  uint64_t* const data = memory.get();
  parallel_for(kCount, 1 << 16, [&](int64_t begin, int64_t end) { std::fill(data + begin, data + end, uint64_t{1}); });
  std::atomic<uint64_t> sink = 0;  // so that the sums are not left out
  const auto seconds_of = [&](uint64_t (*read)(const uint64_t*, int64_t)) {
    return best_seconds(now, [&] {
      parallel_for(kCount, 1 << 16,
                   [&](int64_t begin, int64_t end) { sink.fetch_add(read(data + begin, end - begin)); });
    });
  };
  return static_cast<double>(kBytes) / std::min(seconds_of(read_streams<1>), seconds_of(read_streams<4>));
}

double measure_gemm_peak(double (*now)()) {
  constexpr int64_t kSize = 2048;
  const std::vector<float> a(static_cast<size_t>(kSize * kSize), 0.5f), b = a;
  std::vector<float> c(a.size());
  Gemm<float, float, float> product{.m = kSize, .n = kSize, .k = kSize};
  product.a = a.data(), product.b = b.data(), product.c = c.data();
  product.lda = product.ldb = product.ldc = kSize;
  product.transpose_b = true;
  return 2.0 * kSize * kSize * kSize / best_seconds(now, [&] { gemm(product); });
}

}  // namespace imago::kernels
