#include "imago/tokenizers/json_writer.h"
#include "imago/tokenizers/normalizers/normalizers.h"
#include "imago/tokenizers/regex.h"

namespace imago::tokenizers {
namespace {

// Replaces what a pattern matches.
class Replace final : public Normalizer {
 public:
  Replace(std::string pattern, bool is_regex, std::string content)
      : pattern_(std::move(pattern)),
        is_regex_(is_regex),
        content_(std::move(content)),
        regex_(is_regex ? Regex(pattern_) : Regex::literal(pattern_)) {}

  void normalize(NormalizedString& string) const override {
    std::vector<PatternRange> ranges;
    regex_.find_ranges(string.text(), ranges);
    std::vector<std::pair<uint32_t, uint32_t>> matches;
    for (const PatternRange& range : ranges) {
      if (range.match) matches.emplace_back(range.begin, range.end);
    }
    string.replace(matches, content_);
  }
  void write_json(JsonWriter& writer) const override {
    writer.begin_stage("Replace");
    writer.pattern(pattern_, is_regex_);
    writer.member("content", content_);
    writer.end_object();
  }

 private:
  std::string pattern_;
  bool is_regex_;
  std::string content_;
  Regex regex_;
};

}  // namespace

std::unique_ptr<Normalizer> make_replace_normalizer(StageJson& json) {
  const StageJson::Pattern pattern = json.pattern();
  return std::make_unique<Replace>(pattern.text, pattern.is_regex, json.string("content"));
}

}  // namespace imago::tokenizers
