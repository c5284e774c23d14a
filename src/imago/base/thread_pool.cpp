#include "imago/base/thread_pool.h"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <mutex>
#include <string_view>
#include <system_error>
#include <thread>
#include <vector>

#ifdef __linux__
#include <sched.h>
#endif

#include "imago/base/error.h"

namespace imago {
namespace {

constexpr int kMaxThreads = 1024;

// Longer than the gap between two operations of a model's step, so that workers stay awake through it; much shorter
// than a person or another process would notice.
constexpr auto kSpinTime = std::chrono::microseconds(40);

// More ranges than threads, so that a thread which the system took away holds up only a fraction of the work.
constexpr int64_t kRangesPerThread = 4;

thread_local bool in_parallel_for = false;

void pause_cpu() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Spins until done() or kSpinTime has passed; says whether it is done.
template <class Done>
bool spin_until(Done done) {
  const auto deadline = std::chrono::steady_clock::now() + kSpinTime;
  do {
    for (int i = 0; i < 32; ++i) {
      if (done()) return true;
      pause_cpu();
    }
  } while (std::chrono::steady_clock::now() < deadline);
  return done();
}

int available_processors() {
#ifdef __linux__
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return std::max(1, CPU_COUNT(&set));
#endif
  return static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
}

int default_num_threads() {
  const char* variable = std::getenv("IMAGO_NUM_THREADS");
  if (variable == nullptr || *variable == '\0') return std::min(available_processors(), kMaxThreads);
  const std::string_view text = variable;
  int count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc() || end != text.data() + text.size() || count < 1 || count > kMaxThreads) {
    throw Error(ErrorKind::kInvalidArgument, "IMAGO_NUM_THREADS", "not a number of threads: " + std::string(text),
                "set it to an integer from 1 to " + std::to_string(kMaxThreads) + ", or leave it out");
  }
  return count;
}

class Pool {
 public:
  Pool() : num_threads_(default_num_threads()) { start_workers(); }
  ~Pool() { stop_workers(); }
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  int num_threads() const { return num_threads_.load(std::memory_order_relaxed); }

  void set_num_threads(int count) {
    const std::lock_guard lock(mutex_);
    stop_workers();
    num_threads_.store(count, std::memory_order_relaxed);
    start_workers();
  }

  void run(int64_t size, int64_t grain, FunctionRef<void(int64_t, int64_t)> body) {
    // One loop at a time: a second caller computes alone rather than wait, for the processors are taken anyway.
    const std::unique_lock lock(mutex_, std::try_to_lock);
    const int64_t ranges = std::min(size / grain, num_threads() * kRangesPerThread);
    if (!lock.owns_lock() || workers_.empty() || ranges < 2) return body(0, size);

    body_ = &body;
    size_ = size;
    range_ = (size + ranges - 1) / ranges;
    next_.store(0, std::memory_order_relaxed);
    state_.store(kOpen, std::memory_order_release);
    generation_.fetch_add(1, std::memory_order_release);
    generation_.notify_all();
    in_parallel_for = true;
    run_ranges();
    in_parallel_for = false;
    // Workers that have not woken by now find the loop closed and are not waited for.
    state_.fetch_and(~kOpen, std::memory_order_relaxed);
    const auto all_left = [this] { return state_.load(std::memory_order_acquire) == 0; };
    while (!spin_until(all_left)) {
      if (const uint32_t state = state_.load(std::memory_order_acquire); state != 0) state_.wait(state);
    }
  }

 private:
  void start_workers() {
    stopping_.store(false, std::memory_order_relaxed);
    const uint32_t generation = generation_.load(std::memory_order_relaxed);
    try {
      for (int i = 1; i < num_threads(); ++i) workers_.emplace_back([this, generation] { work(generation); });
    } catch (const std::system_error&) {
      // The system grants no more threads. Fewer compute the same results.
      num_threads_.store(static_cast<int>(workers_.size()) + 1, std::memory_order_relaxed);
    }
  }

  void stop_workers() {
    stopping_.store(true, std::memory_order_relaxed);
    generation_.fetch_add(1, std::memory_order_release);
    generation_.notify_all();
    for (std::thread& worker : workers_) worker.join();
    workers_.clear();
  }

  void work(uint32_t seen) {
    in_parallel_for = true;
    while (true) {
      const auto published = [&] { return generation_.load(std::memory_order_acquire) != seen; };
      if (!spin_until(published)) generation_.wait(seen, std::memory_order_acquire);
      seen = generation_.load(std::memory_order_acquire);
      if (stopping_.load(std::memory_order_relaxed)) return;
      if (!join()) continue;
      run_ranges();
      if (state_.fetch_sub(1, std::memory_order_release) == 1) state_.notify_one();
    }
  }

  // Enters the open loop, if there is one.
  bool join() {
    uint32_t state = state_.load(std::memory_order_relaxed);
    while ((state & kOpen) != 0) {
      if (state_.compare_exchange_weak(state, state + 1, std::memory_order_acquire)) return true;
    }
    return false;
  }

  void run_ranges() {
    while (true) {
      const int64_t begin = next_.fetch_add(range_, std::memory_order_relaxed);
      if (begin >= size_) return;
      (*body_)(begin, std::min(begin + range_, size_));
    }
  }

  static constexpr uint32_t kOpen = 1u << 31;

  std::mutex mutex_;  // held by the caller whose loop is running
  std::vector<std::thread> workers_;
  std::atomic<int> num_threads_;
  std::atomic<bool> stopping_{false};
  std::atomic<uint32_t> generation_{0};  // counts published loops: what idle workers watch

  // The running loop. Written only while it is closed and no worker is inside.
  std::atomic<uint32_t> state_{0};  // kOpen while workers may enter, plus the number of workers inside
  std::atomic<int64_t> next_{0};
  const FunctionRef<void(int64_t, int64_t)>* body_ = nullptr;
  int64_t size_ = 0;
  int64_t range_ = 0;
};

Pool& pool() {
  static Pool instance;
  return instance;
}

}  // namespace

int num_threads() { return pool().num_threads(); }

void set_num_threads(int count) {
  if (count < 1 || count > kMaxThreads) {
    throw Error(ErrorKind::kInvalidArgument, "set_num_threads", "not a number of threads: " + std::to_string(count),
                "give an integer from 1 to " + std::to_string(kMaxThreads));
  }
  if (in_parallel_for) {
    throw Error(ErrorKind::kInvalidArgument, "set_num_threads", "called from inside parallel_for");
  }
  pool().set_num_threads(count);
}

void parallel_for(int64_t size, int64_t grain, FunctionRef<void(int64_t, int64_t)> body) {
  if (size <= 0) return;
  grain = std::max<int64_t>(grain, 1);
  if (size < 2 * grain || in_parallel_for) return body(0, size);
  pool().run(size, grain, body);
}

}  // namespace imago
