// Progress of long work, on stderr: a bar with rate and time left on a terminal, elsewhere a line now and then.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

namespace imago {

// How it is shown. The defaults suit stderr as it is.
struct ProgressStyle {
  bool terminal;
  std::chrono::milliseconds interval;  // between two updates; nothing is shown of work that takes less than the first

  static ProgressStyle detect();
};

class Progress {
 public:
  // `total` counts units, and is 0 where it is not known. The unit "B" is shown as kB, MB, ...
  Progress(std::string label, int64_t total, std::string unit, ProgressStyle style = ProgressStyle::detect());
  // Leaves the last state as a line if anything was shown.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // Cheap enough for inner loops, from any thread.
  void advance(int64_t units = 1);
  // Shown behind the rest ("loss 1.93").
  void set_note(std::string note);

  int64_t done() const { return done_.load(std::memory_order_relaxed); }

 private:
  std::string text() const;
  void show();

  const std::string label_, unit_;
  const int64_t total_;
  const ProgressStyle style_;
  const std::chrono::steady_clock::time_point start_;
  std::atomic<int64_t> done_{0};
  std::atomic<int64_t> next_update_;  // nanoseconds since start_
  bool shown_ = false;
  std::string note_;
  mutable std::mutex mutex_;  // of the two above
};

// Whether progress is shown at all. On by default; a server or a --quiet command turns it off.
bool progress_enabled();
void set_progress_enabled(bool value);

// "1.2 GB", in powers of 1000.
std::string format_bytes(double bytes);

// One state as text: "loading  45% |#####-----| 123 MB/273 MB, 512 MB/s, 0:03 left". `bar_width` 0 leaves the bar out.
std::string format_progress(std::string_view label, int64_t done, int64_t total, std::string_view unit, double seconds,
                            int bar_width);

}  // namespace imago
