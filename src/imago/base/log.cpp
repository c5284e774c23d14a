#include "imago/base/log.h"

#include <atomic>
#include <cstdlib>
#include <string>

#include "imago/base/error.h"
#include "imago/base/stderr_lines.h"

namespace imago {
namespace {

constexpr std::string_view kNames[] = {"debug", "info", "warning", "error", "off"};

LogLevel level_of_environment() {
  const char* name = std::getenv("IMAGO_LOG");
  if (name == nullptr || *name == '\0') return LogLevel::kWarning;
  try {
    return parse_log_level(name);
  } catch (const Error& error) {
    // The first message may come from anywhere, even from a destructor, so this must not be thrown there.
    write_stderr_line(std::string("warning: IMAGO_LOG is ignored: ") + error.what());
    return LogLevel::kWarning;
  }
}

std::atomic<LogLevel>& current() {
  static std::atomic<LogLevel> level = level_of_environment();
  return level;
}

void write(LogLevel level, std::string_view message) {
  if (level < log_level()) return;
  write_stderr_line(std::string(kNames[static_cast<size_t>(level)]).append(": ").append(message));
}

}  // namespace

LogLevel log_level() { return current().load(std::memory_order_relaxed); }
void set_log_level(LogLevel level) { current().store(level, std::memory_order_relaxed); }

LogLevel parse_log_level(std::string_view name) {
  for (size_t i = 0; i < std::size(kNames); ++i) {
    if (name == kNames[i]) return static_cast<LogLevel>(i);
  }
  throw Error(ErrorKind::kInvalidArgument, "log", "\"" + std::string(name) + "\" is not a log level",
              "use debug, info, warning, error or off");
}

void log_debug(std::string_view message) { write(LogLevel::kDebug, message); }
void log_info(std::string_view message) { write(LogLevel::kInfo, message); }
void log_warning(std::string_view message) { write(LogLevel::kWarning, message); }
void log_error(std::string_view message) { write(LogLevel::kError, message); }

}  // namespace imago
