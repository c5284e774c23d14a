// Regular expressions as tokenizer.json means them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "imago/tokenizers/pre_tokenized_string.h"

namespace imago::tokenizers {

// The reference matches with Oniguruma in its Ruby syntax over Unicode 16. A pattern is translated to what PCRE2 calls
// the same, and what has no equal is refused.
class Regex {
 public:
  // Throws Error kInvalidFile when the pattern is malformed, kUnsupported when PCRE2 cannot do what it asks for.
  explicit Regex(std::string_view pattern);
  // A pattern that is plain text.
  static Regex literal(std::string_view text);

  // Appends ranges that cover `text`: matches and what lies between. Matching is linear-time by the match limit of
  // PCRE2 only: a pattern that backtracks beyond it throws Error kLimitExceeded.
  void find_ranges(std::string_view text, std::vector<PatternRange>& ranges) const;

 private:
  struct Program;
  Regex() = default;
  std::shared_ptr<const Program> program_;
  std::string literal_;  // when there is no program
};

// The PCRE2 pattern that means what the Oniguruma pattern does.
std::string translate_oniguruma(std::string_view pattern);

}  // namespace imago::tokenizers
