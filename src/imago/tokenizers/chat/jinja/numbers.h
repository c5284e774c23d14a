// int(text) and float(text) of Python.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace imago::chat::jinja {

// nullopt where Python raises ValueError; throws for an integer beyond 64 bits.
std::optional<int64_t> parse_integer(std::string_view text, int64_t base);
std::optional<double> parse_float(std::string_view text);

// round(value, digits) of a float.
double round_half_even(double value, int64_t digits);

}  // namespace imago::chat::jinja
