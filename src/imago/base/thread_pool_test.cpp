#include "imago/base/thread_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "imago/base/error.h"

namespace imago {
namespace {

class ThreadPool : public testing::Test {
 protected:
  void TearDown() override { set_num_threads(before_); }

 private:
  int before_ = num_threads();
};

TEST_F(ThreadPool, RangesCoverEverythingOnce) {
  for (int threads : {1, 2, 5}) {
    set_num_threads(threads);
    for (int64_t size : {0, 1, 2, 7, 64, 1000}) {
      for (int64_t grain : {0, 1, 3, 100, 5000}) {
        std::vector<std::atomic<int>> visits(static_cast<size_t>(size));
        parallel_for(size, grain, [&](int64_t begin, int64_t end) {
          EXPECT_LT(begin, end);
          EXPECT_TRUE(end == size || end - begin >= grain);
          for (int64_t i = begin; i < end; ++i) ++visits[static_cast<size_t>(i)];
        });
        for (const auto& count : visits) ASSERT_EQ(count, 1) << size << " " << grain;
      }
    }
  }
}

TEST_F(ThreadPool, UsesSeveralThreads) {
  set_num_threads(3);
  std::mutex mutex;
  std::set<std::thread::id> ids;
  parallel_for(3, 1, [&](int64_t, int64_t) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));  // long enough for sleeping workers to come
    const std::lock_guard lock(mutex);
    ids.insert(std::this_thread::get_id());
  });
  EXPECT_EQ(ids.size(), 3u);
}

TEST_F(ThreadPool, NestedCallsRunInline) {
  set_num_threads(4);
  std::atomic<int64_t> total = 0;
  parallel_for(100, 1, [&](int64_t begin, int64_t end) {
    const auto outer = std::this_thread::get_id();
    for (int64_t i = begin; i < end; ++i) {
      parallel_for(10, 1, [&](int64_t from, int64_t to) {
        EXPECT_EQ(std::this_thread::get_id(), outer);
        total += to - from;
      });
    }
  });
  EXPECT_EQ(total, 1000);
}

TEST_F(ThreadPool, CallersOnSeveralThreads) {
  set_num_threads(3);
  std::atomic<int64_t> total = 0;
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 4; ++caller) {
    callers.emplace_back([&] {
      for (int i = 0; i < 300; ++i) {
        parallel_for(64, 1, [&](int64_t begin, int64_t end) { total += end - begin; });
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(total, 4 * 300 * 64);
}

// Workers asleep, awake and in between must all see plain writes made before the loop, and the caller those made in it.
TEST_F(ThreadPool, LoopsSeeEachOthersWrites) {
  set_num_threads(2);
  std::vector<int64_t> values(1024, 0);
  for (int round = 0; round < 2000; ++round) {
    if (round % 400 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    parallel_for(1024, 16, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) values[static_cast<size_t>((i * 5 + round) % 1024)] += i;
    });
  }
  int64_t total = 0;
  for (int64_t value : values) total += value;
  EXPECT_EQ(total, int64_t{2000} * 1024 * 1023 / 2);
}

TEST_F(ThreadPool, RefusesImpossibleCounts) {
  EXPECT_THROW(set_num_threads(0), Error);
  EXPECT_THROW(set_num_threads(1 << 20), Error);
}

}  // namespace
}  // namespace imago
