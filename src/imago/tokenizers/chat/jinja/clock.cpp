#include "imago/tokenizers/chat/jinja/clock.h"

#include <locale.h>
#include <time.h>

#include <chrono>
#include <cstdio>

#include "imago/tokenizers/chat/jinja/budget.h"
#include "imago/tokenizers/chat/jinja/failure.h"

namespace imago::chat::jinja {
namespace {

tm to_tm(const LocalTime& time) {
  tm parts{};
  parts.tm_year = time.year - 1900;
  parts.tm_mon = time.month - 1;
  parts.tm_mday = time.day;
  parts.tm_hour = time.hour;
  parts.tm_min = time.minute;
  parts.tm_sec = time.second;
  parts.tm_isdst = -1;
  tm copy = parts;
  timegm(&copy);  // for the day of the week and of the year, which do not depend on the zone
  parts.tm_wday = copy.tm_wday;
  parts.tm_yday = copy.tm_yday;
  return parts;
}

}  // namespace

LocalTime LocalTime::now() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  tm parts{};
  localtime_r(&now.tv_sec, &parts);
  return {parts.tm_year + 1900,
          parts.tm_mon + 1,
          parts.tm_mday,
          parts.tm_hour,
          parts.tm_min,
          parts.tm_sec,
          static_cast<int>(now.tv_nsec / 1000)};
}

std::string format_time(const LocalTime& time, const std::string& format) {
  static const locale_t kEnglish = newlocale(LC_ALL_MASK, "C", nullptr);
  tm parts = to_tm(time);
  std::string text;
  for (size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%' || i + 1 == format.size()) {
      text += format[i];
      continue;
    }
    char directive = format[++i];
    if (directive == 'f') {
      char digits[16];
      std::snprintf(digits, sizeof(digits), "%06d", time.microsecond);
      text += digits;
    } else if (directive != 'z' && directive != 'Z') {  // the clock has no zone
      std::string one = {'%', directive};
      if (directive == '-' || directive == '_' || directive == '0' || directive == '^' || directive == '#') {
        if (i + 1 < format.size()) one += format[++i];
      }
      char buffer[128];
      text.append(buffer, strftime_l(buffer, sizeof(buffer), one.c_str(), &parts, kEnglish));
    }
    require_memory(text.size());
  }
  return text;
}

}  // namespace imago::chat::jinja
