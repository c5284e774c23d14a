// The options of a call, taken one by one, so that one nobody took is refused by name.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "imago/base/json.h"

namespace imago {

class OptionReader {
 public:
  OptionReader(std::string_view task, const Json& options) : task_(task), options_(options) {}

  // Each gives the value, or nothing where it is not set or null. Throw Error kInvalidArgument for a wrong type.
  std::optional<bool> boolean(const char* name);
  std::optional<int64_t> integer(const char* name);
  std::optional<double> number(const char* name);                // an integer is one, too
  std::optional<std::vector<double>> numbers(const char* name);  // one number is a list of one
  std::optional<std::string> text(const char* name);
  std::optional<std::vector<std::string>> texts(const char* name);  // one text is a list of one
  bool is_set(const char* name);                                    // also to null

  // Of an option that is true, false or a text.
  std::optional<std::variant<bool, std::string>> boolean_or_text(const char* name);

  // At least `minimum`.
  int64_t integer_from(const char* name, int64_t minimum, int64_t default_value);

  // Those that were not asked for.
  Json rest() const;
  // Throws Error kInvalidArgument naming an option that was not asked for.
  void finish() const;

 private:
  const Json* take(const char* name);
  [[noreturn]] void wrong_type(const char* name, const char* expected) const;

  std::string task_;
  const Json& options_;
  std::vector<std::string> asked_;
};

}  // namespace imago
