#include "imago/base/progress.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "imago/base/stderr_lines.h"

namespace imago {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kTerminalInterval{100};
constexpr milliseconds kPlainInterval{10'000};
constexpr int kBarWidth = 24;

std::atomic<bool> enabled{true};

std::string format_amount(double amount, std::string_view unit) {
  if (unit == "B") return format_bytes(amount);
  return fmt::format("{:.{}f} {}", amount, amount < 100 && amount != std::floor(amount) ? 1 : 0, unit);
}

std::string format_duration(double seconds) {
  const auto whole = static_cast<int64_t>(std::min(std::ceil(seconds), 3.6e8));
  if (whole < 3600) return fmt::format("{}:{:02}", whole / 60, whole % 60);
  return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

int64_t nanoseconds(steady_clock::duration duration) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(duration).count();
}

}  // namespace

std::string format_bytes(double bytes) {
  constexpr std::string_view kPrefixes[] = {"", "k", "M", "G", "T"};
  size_t prefix = 0;
  while (bytes >= 999.5 && prefix + 1 < std::size(kPrefixes)) bytes /= 1000, ++prefix;
  const int decimals = prefix == 0 || bytes >= 99.95 ? 0 : 1;
  return fmt::format("{:.{}f} {}B", bytes, decimals, kPrefixes[prefix]);
}

std::string format_progress(std::string_view label, int64_t done, int64_t total, std::string_view unit, double seconds,
                            int bar_width) {
  std::string text(label);
  const auto amount = static_cast<double>(done);
  if (total > 0) {
    const double share = std::clamp(amount / static_cast<double>(total), 0.0, 1.0);
    text += fmt::format(" {:3.0f}%", std::floor(share * 100));
    const auto filled = static_cast<size_t>(share * bar_width);
    if (bar_width > 0) {
      text += " |" + std::string(filled, '#') + std::string(static_cast<size_t>(bar_width) - filled, '-') + "|";
    }
    text += " " + format_amount(amount, unit) + "/" + format_amount(static_cast<double>(total), unit);
  } else {
    text += " " + format_amount(amount, unit);
  }
  if (seconds > 0 && done > 0) text += ", " + format_amount(amount / seconds, unit) + "/s";
  if (total > 0 && done >= total) {
    text += ", took " + format_duration(seconds);
  } else if (total > 0 && done > 0) {
    text += ", " + format_duration(static_cast<double>(total - done) * seconds / amount) + " left";
  }
  return text;
}

ProgressStyle ProgressStyle::detect() {
  const bool terminal = stderr_is_terminal();
  return {terminal, terminal ? kTerminalInterval : kPlainInterval};
}

bool progress_enabled() { return enabled.load(std::memory_order_relaxed); }
void set_progress_enabled(bool value) { enabled.store(value, std::memory_order_relaxed); }

Progress::Progress(std::string label, int64_t total, std::string unit, ProgressStyle style)
    : label_(std::move(label)),
      unit_(std::move(unit)),
      total_(total),
      style_(style),
      start_(steady_clock::now()),
      next_update_(nanoseconds(style.interval)) {}

Progress::~Progress() {
  const std::lock_guard lock(mutex_);
  if (!shown_) return;
  if (style_.terminal) set_stderr_status("");
  write_stderr_line(text());
}

void Progress::advance(int64_t units) {
  done_.fetch_add(units, std::memory_order_relaxed);
  if (!progress_enabled()) return;
  const int64_t now = nanoseconds(steady_clock::now() - start_);
  int64_t due = next_update_.load(std::memory_order_relaxed);
  // Of several threads that find an update due, one shows it.
  if (now < due || !next_update_.compare_exchange_strong(due, now + nanoseconds(style_.interval))) return;
  const std::lock_guard lock(mutex_);
  show();
}

void Progress::set_note(std::string note) {
  const std::lock_guard lock(mutex_);
  note_ = std::move(note);
}

std::string Progress::text() const {
  const double seconds = std::chrono::duration<double>(steady_clock::now() - start_).count();
  std::string line = format_progress(label_, done(), total_, unit_, seconds, style_.terminal ? kBarWidth : 0);
  if (!note_.empty()) line += ", " + note_;
  return line;
}

void Progress::show() {
  shown_ = true;
  if (!style_.terminal) return write_stderr_line(text());
  // A status line that wraps could not be taken back.
  set_stderr_status(text().substr(0, static_cast<size_t>(stderr_columns() - 1)));
}

}  // namespace imago
