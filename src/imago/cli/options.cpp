#include "imago/cli/options.h"

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>

namespace imago::cli {

Option& Option::required() {
  option_->required();
  return *this;
}

Option& Option::positive() {
  // CLI11's own check would print the largest double there is.
  option_->check([](const std::string& text) {
    double value = 0;
    return CLI::detail::lexical_cast(text, value) && value > 0 ? std::string() : text + " is not a number above zero";
  });
  return *this;
}

Option& Option::one_of(std::vector<std::string> words) {
  option_->check(CLI::IsMember(std::move(words)));
  return *this;
}

Option& Option::one_value_each() {
  option_->allow_extra_args(false);
  return *this;
}

Option& Option::separated_by(char delimiter) {
  option_->delimiter(delimiter);
  return *this;
}

template <class Value>
Option Options::option(const std::string& name, Value& value, const std::string& help) {
  return Option(*app_->add_option(name, value, help));
}

template <>
void Options::flag(const std::string& name, bool& value, const std::string& help) {
  app_->add_flag_callback(
      name, [&value] { value = true; }, help);
}

template <>
void Options::flag(const std::string& name, std::optional<bool>& value, const std::string& help) {
  app_->add_flag_callback(
      name, [&value] { value = true; }, help);
  app_->add_flag_callback("--no-" + name.substr(2), [&value] { value = false; });
}

template Option Options::option(const std::string&, std::string&, const std::string&);
template Option Options::option(const std::string&, int&, const std::string&);
template Option Options::option(const std::string&, int64_t&, const std::string&);
template Option Options::option(const std::string&, uint64_t&, const std::string&);
template Option Options::option(const std::string&, double&, const std::string&);
template Option Options::option(const std::string&, std::vector<std::string>&, const std::string&);
template Option Options::option(const std::string&, std::optional<std::string>&, const std::string&);
template Option Options::option(const std::string&, std::optional<int64_t>&, const std::string&);
template Option Options::option(const std::string&, std::optional<uint64_t>&, const std::string&);
template Option Options::option(const std::string&, std::optional<float>&, const std::string&);
template Option Options::option(const std::string&, std::optional<double>&, const std::string&);

}  // namespace imago::cli
