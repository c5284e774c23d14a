// The member "pattern" of a stage: text, or a regular expression.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "imago/tokenizers/regex.h"

namespace imago::tokenizers {

class JsonWriter;
class StageJson;

class Pattern {
 public:
  explicit Pattern(StageJson& json);

  const std::string& text() const { return text_; }
  bool is_regex() const { return is_regex_; }
  const Regex& regex() const { return regex_; }

  void find_ranges(std::string_view text, std::vector<PatternRange>& ranges) const { regex_.find_ranges(text, ranges); }
  void write_member(JsonWriter& writer) const;

 private:
  std::string text_;
  bool is_regex_;
  Regex regex_;
};

// What the normalizer and the decoder Replace do: put `content` where the pattern matches.
struct Replacement {
  explicit Replacement(StageJson& json);
  void write_json(JsonWriter& writer) const;

  Pattern pattern;
  std::string content;
};

}  // namespace imago::tokenizers
