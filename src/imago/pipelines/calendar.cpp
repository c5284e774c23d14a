#include "imago/pipelines/calendar.h"

#include <fmt/core.h>

#include <charconv>
#include <chrono>

#include "imago/base/error.h"

namespace imago {
namespace {

constexpr int64_t kDay = 86400, kHour = 3600, kMinute = 60, kWeek = 7 * kDay;

struct Parts {
  std::chrono::year_month_day date;
  int64_t day, second;  // since 1970, and of the day
};

Parts parts_of(CalendarTime time) {
  const int64_t day = time / kDay - (time % kDay < 0 ? 1 : 0);
  return {std::chrono::sys_days{std::chrono::days{day}}, day, time - day * kDay};
}

int64_t of_year(const Parts& parts) {
  return parts.day - std::chrono::sys_days{parts.date.year() / 1 / 1}.time_since_epoch().count();
}

// ISO 8601: the week of the year's first Thursday is its first.
int64_t week_of_year(const Parts& parts) {
  const int64_t thursday = parts.day - (parts.day + 3) % 7 + 3;
  return of_year(parts_of(thursday * kDay)) / 7;
}

double spread(int64_t value, int64_t largest) {
  return static_cast<double>(value) / static_cast<double>(largest) - 0.5;
}

}  // namespace

std::optional<CalendarTime> parse_time(std::string_view text) {
  int64_t numbers[6] = {0, 1, 1, 0, 0, 0};
  constexpr std::string_view kBetween[6] = {"", "-", "-", " T", ":", ":"};
  int count = 0;
  while (!text.empty() && count < 6) {
    if (count > 0) {
      if (kBetween[count].find(text[0]) == std::string_view::npos) return {};
      text.remove_prefix(1);
    }
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), numbers[count]);
    if (failure != std::errc() || numbers[count] < 0 || end - text.data() > 4) return {};
    if (count == 0 && end - text.data() != 4) return {};
    text.remove_prefix(static_cast<size_t>(end - text.data()));
    ++count;
  }
  if (!text.empty() || count < 3 || count == 4) return {};
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(numbers[0])),
                                         std::chrono::month(static_cast<unsigned>(numbers[1])),
                                         std::chrono::day(static_cast<unsigned>(numbers[2]))};
  if (!date.ok() || numbers[3] > 23 || numbers[4] > 59 || numbers[5] > 59) return {};
  return std::chrono::sys_days{date}.time_since_epoch().count() * kDay + numbers[3] * kHour + numbers[4] * kMinute +
         numbers[5];
}

std::string format_time(CalendarTime time) {
  const Parts parts = parts_of(time);
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}", static_cast<int>(parts.date.year()),
                     static_cast<unsigned>(parts.date.month()), static_cast<unsigned>(parts.date.day()),
                     parts.second / kHour, parts.second / kMinute % 60, parts.second % 60);
}

CalendarTime TimeStep::after(CalendarTime time, int64_t steps) const {
  if (months == 0) return time + steps * seconds;
  const Parts parts = parts_of(time);
  auto month = parts.date.year() / parts.date.month() + std::chrono::months(steps * months);
  std::chrono::year_month_day date = month / parts.date.day();
  if (!date.ok()) date = month / std::chrono::last;
  return std::chrono::sys_days{date}.time_since_epoch().count() * kDay + parts.second;
}

std::vector<double> TimeStep::features(CalendarTime time) const {
  const Parts parts = parts_of(time);
  const double month = spread(static_cast<unsigned>(parts.date.month()) - 1, 11);
  const double day_of_week = spread((parts.day + 3) % 7, 6);
  const double day_of_month = spread(static_cast<unsigned>(parts.date.day()) - 1, 30);
  const double day_of_year = spread(of_year(parts), 365), week = spread(week_of_year(parts), 52);
  const double hour = spread(parts.second / kHour, 23), minute = spread(parts.second / kMinute % 60, 59);
  if (months % 12 == 0 && months > 0) return {};
  if (months > 0) return {month};
  if (seconds % kWeek == 0) return {day_of_month, week};
  if (seconds % kDay == 0) return {day_of_week, day_of_month, day_of_year};
  if (seconds % kHour == 0) return {hour, day_of_week, day_of_month, day_of_year};
  if (seconds % kMinute == 0) return {minute, hour, day_of_week, day_of_month, day_of_year};
  return {spread(parts.second % 60, 59), minute, hour, day_of_week, day_of_month, day_of_year};
}

TimeStep step_of(const std::vector<CalendarTime>& times, std::string_view where) {
  if (times.size() < 2)
    throw Error(ErrorKind::kInvalidArgument, where, "one time does not say how far steps are apart");
  const auto month_of = [](CalendarTime time) {
    const Parts parts = parts_of(time);
    return static_cast<int64_t>(static_cast<int>(parts.date.year())) * 12 + static_cast<unsigned>(parts.date.month());
  };
  TimeStep step{.seconds = times[1] - times[0]};
  const auto holds = [&](size_t i) { return step.after(times[0], static_cast<int64_t>(i)) == times[i]; };
  const auto broken = [&] {
    size_t i = 1;
    while (i < times.size() && holds(i)) ++i;
    return i;
  };
  if (step.seconds <= 0) throw Error(ErrorKind::kInvalidArgument, where, "times do not grow");
  size_t place = broken();
  if (place < times.size() && step.seconds >= 28 * kDay) {
    step = {.seconds = 0, .months = month_of(times[1]) - month_of(times[0])};
    place = broken();
  }
  if (place == times.size()) return step;
  throw Error(ErrorKind::kInvalidArgument, where,
              fmt::format("behind {} comes {}, which is another step than before", format_time(times[place - 1]),
                          format_time(times[place])),
              "series have a value at every step; leave the field of a missing value empty");
}

}  // namespace imago
