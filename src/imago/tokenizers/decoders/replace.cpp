#include "imago/tokenizers/decoders/decoders.h"
#include "imago/tokenizers/json_writer.h"
#include "imago/tokenizers/regex.h"

namespace imago::tokenizers {
namespace {

// Replaces what a pattern matches, within each token.
class Replace final : public Decoder {
 public:
  Replace(std::string pattern, bool is_regex, std::string content)
      : pattern_(std::move(pattern)),
        is_regex_(is_regex),
        content_(std::move(content)),
        regex_(is_regex ? Regex(pattern_) : Regex::literal(pattern_)) {}

  void decode(std::vector<std::string>& tokens) const override {
    std::vector<PatternRange> ranges;
    for (std::string& token : tokens) {
      ranges.clear();
      regex_.find_ranges(token, ranges);
      if (ranges.size() == 1 && !ranges[0].match) continue;
      std::string replaced;
      for (const PatternRange& range : ranges) {
        if (range.match) {
          replaced += content_;
        } else {
          replaced.append(token, range.begin, range.end - range.begin);
        }
      }
      token = std::move(replaced);
    }
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

std::unique_ptr<Decoder> make_replace_decoder(StageJson& json) {
  const StageJson::Pattern pattern = json.pattern();
  return std::make_unique<Replace>(pattern.text, pattern.is_regex, json.string("content"));
}

}  // namespace imago::tokenizers
