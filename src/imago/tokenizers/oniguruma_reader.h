// A pattern in Oniguruma's syntax, read from front to back.
#pragma once

#include <cctype>
#include <cstddef>
#include <string>
#include <string_view>

#include "imago/base/error.h"

namespace imago::tokenizers {

class OnigurumaReader {
 public:
  explicit OnigurumaReader(std::string_view pattern) : pattern_(pattern) {}

  bool at_end() const { return at_ >= pattern_.size(); }
  // '\0' behind the end.
  char peek(size_t ahead = 0) const { return at_ + ahead < pattern_.size() ? pattern_[at_ + ahead] : '\0'; }
  std::string_view rest() const { return pattern_.substr(at_); }
  std::string_view take(size_t bytes) {
    const std::string_view taken = rest().substr(0, bytes);
    at_ += taken.size();
    return taken;
  }
  // The next character, which must be there.
  std::string_view take_character();
  bool take_if(std::string_view text) {
    if (!rest().starts_with(text)) return false;
    at_ += text.size();
    return true;
  }

  // What stands behind \x or \u, which were taken.
  char32_t code_point(bool unicode);
  // {name} behind \p or \P, which were taken, as members of a class. Turns `negated` round for {^name}.
  std::string property(bool& negated);

  // Error kInvalidFile, and kUnsupported, with the pattern.
  [[noreturn]] void fail(std::string_view what) const;
  [[noreturn]] void unsupported(std::string_view what) const;

 private:
  std::string_view pattern_;
  size_t at_ = 0;
};

// A set in brackets, which comes next, as a PCRE2 expression that matches one character. `ignore_case` tells whether
// the set stands where case does not count.
std::string translate_set(OnigurumaReader& reader, bool ignore_case);

// Whether the character equals several others where case does not count, as U+00DF does "ss", and whether `second`
// may be a part of such a row behind `first`.
bool folds_to_several(char32_t code_point);
bool may_fold_together(char32_t first, char32_t second);

}  // namespace imago::tokenizers
