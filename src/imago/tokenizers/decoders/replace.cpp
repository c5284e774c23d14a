#include "imago/tokenizers/decoders/decoders.h"
#include "imago/tokenizers/pattern.h"

namespace imago::tokenizers {
namespace {

// Replaces what a pattern matches, within each token.
class Replace final : public Decoder {
 public:
  explicit Replace(Replacement replacement) : replacement_(std::move(replacement)) {}

  void decode(std::vector<std::string>& tokens) const override {
    std::vector<PatternRange> ranges;
    for (std::string& token : tokens) {
      ranges.clear();
      replacement_.pattern.find_ranges(token, ranges);
      if (ranges.size() == 1 && !ranges[0].match) continue;
      std::string replaced;
      for (const PatternRange& range : ranges) {
        if (range.match) {
          replaced += replacement_.content;
        } else {
          replaced.append(token, range.begin, range.end - range.begin);
        }
      }
      token = std::move(replaced);
    }
  }
  void write_json(JsonWriter& writer) const override { replacement_.write_json(writer); }

 private:
  Replacement replacement_;
};

}  // namespace

std::unique_ptr<Decoder> make_replace_decoder(StageJson& json) { return std::make_unique<Replace>(Replacement(json)); }

}  // namespace imago::tokenizers
