#include "imago/base/stderr_lines.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>
#include <mutex>
#include <string>

namespace imago {
namespace {

constexpr std::string_view kClearLine = "\r\x1b[K";

struct Screen {
  std::mutex mutex;
  std::string status;
};

// Never destroyed: threads may log until the process ends.
Screen& screen() {
  static Screen* instance = new Screen;
  return *instance;
}

void write_all(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

}  // namespace

bool stderr_is_terminal() { return ::isatty(STDERR_FILENO) != 0; }

int stderr_columns() {
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

void write_stderr_line(std::string_view text) {
  Screen& shared = screen();
  const std::lock_guard lock(shared.mutex);
  std::string out;
  if (!shared.status.empty()) out += kClearLine;
  out.append(text).append("\n").append(shared.status);
  write_all(out);
}

void set_stderr_status(std::string_view text) {
  Screen& shared = screen();
  const std::lock_guard lock(shared.mutex);
  if (shared.status.empty() && text.empty()) return;
  shared.status = text;
  write_all(std::string(kClearLine).append(text));
}

}  // namespace imago
