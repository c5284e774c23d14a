#include "imago/tokenizers/normalizers/normalizers.h"
#include "imago/tokenizers/pattern.h"

namespace imago::tokenizers {
namespace {

// Replaces what a pattern matches.
class Replace final : public Normalizer {
 public:
  explicit Replace(Replacement replacement) : replacement_(std::move(replacement)) {}

  void normalize(NormalizedString& string) const override {
    std::vector<PatternRange> ranges;
    replacement_.pattern.find_ranges(string.text(), ranges);
    std::vector<std::pair<uint32_t, uint32_t>> matches;
    for (const PatternRange& range : ranges) {
      if (range.match) matches.emplace_back(range.begin, range.end);
    }
    string.replace(matches, replacement_.content);
  }
  void write_json(JsonWriter& writer) const override { replacement_.write_json(writer); }

 private:
  Replacement replacement_;
};

}  // namespace

std::unique_ptr<Normalizer> make_replace_normalizer(StageJson& json) {
  return std::make_unique<Replace>(Replacement(json));
}

}  // namespace imago::tokenizers
