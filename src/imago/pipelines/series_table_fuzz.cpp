#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <string>

#include "imago/base/error.h"
#include "imago/pipelines/series_table.h"

// Whatever the bytes say: an Error, or columns and times of the same length, and times that are read as they are
// written.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::string path = "/tmp/series_table_fuzz_" + std::to_string(::getpid()) + ".csv";
  std::ofstream(path, std::ios::binary).write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
  try {
    const imago::SeriesTable table = imago::read_series_table(path, {});
    for (const auto& column : table.columns) {
      if (static_cast<int64_t>(column.size()) != table.rows()) std::abort();
    }
    for (const imago::CalendarTime time : table.times) {
      if (imago::parse_time(imago::format_time(time)) != time) std::abort();
    }
    if (!table.times.empty()) {
      const imago::TimeStep step = imago::step_of(table.times, path);
      step.features(step.after(table.times.back(), 3));
    }
  } catch (const imago::Error&) {
  }
  return 0;
}
