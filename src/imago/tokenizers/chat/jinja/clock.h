// The time that strftime_now tells.
#pragma once

#include <string>

namespace imago::chat::jinja {

struct LocalTime {
  int year = 1970, month = 1, day = 1, hour = 0, minute = 0, second = 0, microsecond = 0;

  static LocalTime now();
};

// datetime.strftime, with English names whatever the locale is.
std::string format_time(const LocalTime& time, const std::string& format);

}  // namespace imago::chat::jinja
