// Times of series: reading them, what comes next, and what of them a model may read. The calendar is the Gregorian
// one; time zones are not looked at.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace imago {

// Seconds since the beginning of 1970.
using CalendarTime = int64_t;

// "2016-07-01", and with a time of day, "2016-07-01 13:00" or "2016-07-01T13:00:00"; nothing for what is no time.
std::optional<CalendarTime> parse_time(std::string_view text);
std::string format_time(CalendarTime time);  // "2016-07-01 13:00:00"

// How far steps are apart: seconds, or months.
struct TimeStep {
  int64_t seconds = 0, months = 0;

  CalendarTime after(CalendarTime time, int64_t steps) const;
  // What of the time says something at this step, each from -0.5 to 0.5: of hours the hour of the day, the days of the
  // week, of the month and of the year, as GluonTS has them.
  std::vector<double> features(CalendarTime time) const;
};

// What the times are apart. Throws Error kInvalidArgument, naming the place, where it is not the same everywhere.
TimeStep step_of(const std::vector<CalendarTime>& times, std::string_view where);

}  // namespace imago
