#include "imago/base/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "imago/base/error.h"
#include "imago/base/stderr_lines.h"

namespace imago {
namespace {

class LogTest : public testing::Test {
 protected:
  LogTest() : level_(log_level()) {}
  ~LogTest() override { set_log_level(level_); }

 private:
  LogLevel level_;
};

std::string log_at(LogLevel level) {
  set_log_level(level);
  testing::internal::CaptureStderr();
  log_debug("one");
  log_info("two");
  log_warning("three");
  log_error("four");
  return testing::internal::GetCapturedStderr();
}

TEST_F(LogTest, WritesItsLevelAndAbove) {
  EXPECT_EQ(log_at(LogLevel::kDebug), "debug: one\ninfo: two\nwarning: three\nerror: four\n");
  EXPECT_EQ(log_at(LogLevel::kWarning), "warning: three\nerror: four\n");
  EXPECT_EQ(log_at(LogLevel::kOff), "");
}

TEST_F(LogTest, NamesItsLevels) {
  EXPECT_EQ(parse_log_level("debug"), LogLevel::kDebug);
  EXPECT_EQ(parse_log_level("off"), LogLevel::kOff);
  EXPECT_THROW(parse_log_level("loud"), Error);
  EXPECT_THROW(parse_log_level(""), Error);
}

TEST_F(LogTest, PushesTheStatusLineAlong) {
  set_log_level(LogLevel::kInfo);
  testing::internal::CaptureStderr();
  set_stderr_status("50%");
  log_info("loaded");
  set_stderr_status("");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "\r\x1b[K50%\r\x1b[Kinfo: loaded\n50%\r\x1b[K");
}

}  // namespace
}  // namespace imago
