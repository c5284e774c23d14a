#include "imago/base/progress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <thread>
#include <vector>

namespace imago {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

TEST(Progress, FormatsOneState) {
  EXPECT_EQ(format_progress("loading", 0, 200, "B", 0, 10), "loading   0% |----------| 0 B/200 B");
  EXPECT_EQ(format_progress("loading", 123'000'000, 246'000'000, "B", 0.5, 10),
            "loading  50% |#####-----| 123 MB/246 MB, 246 MB/s, 0:01 left");
  EXPECT_EQ(format_progress("training", 10, 10, "steps", 4, 0),
            "training 100% 10 steps/10 steps, 2.5 steps/s, took 0:04");
  EXPECT_EQ(format_progress("reading", 3, 0, "files", 2, 10), "reading 3 files, 1.5 files/s");
  EXPECT_EQ(format_progress("x", 1, 10'000, "steps", 1, 0), "x   0% 1 steps/10000 steps, 1 steps/s, 2:46:39 left");
  EXPECT_EQ(format_progress("x", 999'600, 0, "B", 0, 0), "x 1.0 MB");
  EXPECT_EQ(format_progress("x", 20, 10, "steps", 1, 10),
            "x 100% |##########| 20 steps/10 steps, 20 steps/s, took 0:01");
}

TEST(Progress, WritesPlainLinesWhereThereIsNoTerminal) {
  testing::internal::CaptureStderr();
  {
    Progress progress("loading", 4, "files", {false, milliseconds(0)});
    progress.set_note("loss 1.5");
    for (int i = 0; i < 4; ++i) progress.advance();
  }
  const std::string text = testing::internal::GetCapturedStderr();
  EXPECT_THAT(text, HasSubstr("loading  25% 1 files/4 files"));
  EXPECT_THAT(text, HasSubstr(", loss 1.5\n"));
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 5);  // four updates and the last state
  EXPECT_EQ(text.find('\r'), std::string::npos);
}

TEST(Progress, DrawsOverItsLineOnATerminal) {
  testing::internal::CaptureStderr();
  {
    Progress progress("loading", 2, "files", {true, milliseconds(0)});
    progress.advance(2);
  }
  const std::string text = testing::internal::GetCapturedStderr();
  EXPECT_TRUE(text.starts_with("\r\x1b[Kloading 100% |########################| 2 files/2 files")) << text;
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
  EXPECT_EQ(text.back(), '\n');
}

TEST(Progress, SaysNothingOfShortWorkOrWhenSwitchedOff) {
  testing::internal::CaptureStderr();
  {
    Progress progress("loading", 2, "files", {true, milliseconds(60'000)});
    progress.advance(2);
  }
  set_progress_enabled(false);
  {
    Progress progress("loading", 2, "files", {true, milliseconds(0)});
    progress.advance(2);
  }
  set_progress_enabled(true);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST(Progress, CountsFromManyThreads) {
  testing::internal::CaptureStderr();
  {
    Progress progress("working", 40'000, "steps", {true, milliseconds(1)});
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&progress] {
        for (int i = 0; i < 10'000; ++i) progress.advance();
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(progress.done(), 40'000);
  }
  testing::internal::GetCapturedStderr();
}

}  // namespace
}  // namespace imago
