#include <optional>

#include "imago/tokenizers/json_writer.h"
#include "imago/tokenizers/pattern.h"
#include "imago/tokenizers/pre_tokenizers/known_patterns.h"
#include "imago/tokenizers/pre_tokenizers/pre_tokenizers.h"

namespace imago::tokenizers {
namespace {

// Cuts into matches and what lies between them, and keeps both or one of them.
class PatternScanner final : public Scanner {
 public:
  PatternScanner(const Regex& regex, bool keeps_matches, bool keeps_gaps)
      : regex_(regex), keeps_matches_(keeps_matches), keeps_gaps_(keeps_gaps) {}

  uint32_t scan(std::string_view text, uint32_t at, PreTokenizedString::Block& block) const override {
    RegexSearch search(regex_, text, at);
    while (block.has_room()) {
      const bool found = search.next();
      const auto gap_end = found ? search.begin() : static_cast<uint32_t>(text.size());
      if (keeps_gaps_) block.push(at, gap_end);
      if (!found) return gap_end;
      if (keeps_matches_) block.push(search.begin(), search.end());
      at = search.end();
    }
    return at;
  }

 private:
  Regex regex_;
  bool keeps_matches_, keeps_gaps_;
};

// Cuts where a pattern matches.
class Split final : public PreTokenizer {
 public:
  Split(Pattern pattern, SplitBehavior behavior, bool invert)
      : pattern_(std::move(pattern)), behavior_(behavior), invert_(invert) {
    const KnownPattern* known = pattern_.is_regex() ? find_known_pattern(pattern_.text()) : nullptr;
    const bool isolated = behavior == SplitBehavior::kIsolated;
    // Where matches cover the text, keeping the matches and isolating them is the same.
    const bool kept = behavior == SplitBehavior::kRemoved && invert;
    if (known != nullptr && (isolated || (kept && known->covers))) {
      scanner_ = known->scanner;
    } else if (isolated || behavior == SplitBehavior::kRemoved) {
      pattern_scanner_.emplace(pattern_.regex(), isolated || invert, isolated || !invert);
      scanner_ = &*pattern_scanner_;
    }
  }
  Split(const Split&) = delete;
  Split& operator=(const Split&) = delete;

  void pre_tokenize(PreTokenizedString& string) const override {
    if (scanner_ != nullptr) {
      string.split_at(scanner_);
      return;
    }
    string.split(
        [&](std::string_view text, std::vector<PatternRange>& ranges) {
          pattern_.find_ranges(text, ranges);
          if (!invert_) return;
          for (PatternRange& range : ranges) range.match = !range.match;
        },
        behavior_);
  }

  void write_json(JsonWriter& writer) const override {
    writer.begin_stage("Split");
    pattern_.write_member(writer);
    writer.member("behavior", to_string(behavior_));
    writer.member("invert", invert_);
    writer.end_object();
  }

 private:
  Pattern pattern_;
  SplitBehavior behavior_;
  bool invert_;
  std::optional<PatternScanner> pattern_scanner_;
  const Scanner* scanner_ = nullptr;  // null if a behaviour joins pieces, which takes a look at all of them
};

}  // namespace

std::unique_ptr<PreTokenizer> make_split(StageJson& json) {
  return std::make_unique<Split>(Pattern(json), read_split_behavior(json, "behavior"), json.boolean("invert"));
}

}  // namespace imago::tokenizers
