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
  friend class RegexSearch;
  struct Program;
  Regex() = default;
  std::shared_ptr<const Program> program_;
  std::string literal_;  // when there is no program
};

// Finds the matches of a pattern one after the other. Both must outlive it.
class RegexSearch {
 public:
  // From byte `at` on, which is 0 or where an earlier match ended.
  RegexSearch(const Regex& regex, std::string_view text, uint32_t at = 0);
  ~RegexSearch();
  RegexSearch(const RegexSearch&) = delete;
  RegexSearch& operator=(const RegexSearch&) = delete;

  // Whether there is another match, which begin() and end() then tell. Throws Error kLimitExceeded.
  bool next();
  uint32_t begin() const { return begin_; }
  uint32_t end() const { return end_; }

 private:
  bool next_literal();

  struct MatchData;
  const Regex& regex_;
  std::string_view text_;
  std::unique_ptr<MatchData> match_;
  size_t start_;  // where the search goes on
  bool matched_before_;
  uint32_t begin_, end_;
};

// The PCRE2 pattern that means what the Oniguruma pattern does.
std::string translate_oniguruma(std::string_view pattern);

}  // namespace imago::tokenizers
