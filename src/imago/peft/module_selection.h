// Which modules of a model an adapter is put on, chosen as PEFT chooses them.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace imago::peft {

// A regular expression in Python's `re` syntax, as far as PCRE2 means the same.
class Pattern {
 public:
  // Throws Error kInvalidArgument where it is malformed; `where` names the option.
  Pattern(std::string_view regex, std::string_view where);

  bool matches_all_of(std::string_view text) const;  // re.fullmatch

 private:
  struct Program;
  std::shared_ptr<const Program> program_;
};

// PEFT's target_modules, exclude_modules and feedforward_modules: either names, each of which chooses the module of
// that dotted path and those whose path ends with "." and the name, or one pattern that a whole path must match.
class ModuleSelection {
 public:
  ModuleSelection() = default;
  explicit ModuleSelection(std::vector<std::string> names) : names_(std::move(names)) {}
  static ModuleSelection of_pattern(std::string regex, std::string_view where);

  bool empty() const { return names_.empty() && !regex_; }
  bool contains(std::string_view module) const;
  // "all-linear" in any case: every linear layer but the model's output.
  bool is_all_linear() const;

  const std::vector<std::string>& names() const { return names_; }
  const std::optional<std::string>& regex() const { return regex_; }

 private:
  std::vector<std::string> names_;
  std::optional<std::string> regex_;
  std::optional<Pattern> pattern_;
};

}  // namespace imago::peft
