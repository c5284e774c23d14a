#include "imago/tokenizers/byte_level_options.h"
#include "imago/tokenizers/processors/processors.h"

namespace imago::tokenizers {
namespace {

// Adds no token; takes the spaces out of offsets.
class ByteLevel final : public PostProcessor {
 public:
  explicit ByteLevel(const ByteLevelOptions& options) : options_(options) {}

  size_t added_tokens(bool /*pair*/) const override { return 0; }

  void process(std::vector<Encoding>& encodings, bool /*add_special_tokens*/) const override {
    for (size_t i = 0; i < encodings.size(); ++i) {
      Encoding& encoding = encodings[i];
      if (options_.trim_offsets) {
        trim_offsets(encoding, options_.add_prefix_space);
        for (Encoding& window : encoding.overflowing) trim_offsets(window, options_.add_prefix_space);
      }
      encoding.set_sequence(i);
    }
  }

  void write_json(JsonWriter& writer) const override { options_.write_json(writer); }

 private:
  ByteLevelOptions options_;
};

}  // namespace

std::unique_ptr<PostProcessor> make_byte_level_processor(StageJson& json) {
  return std::make_unique<ByteLevel>(ByteLevelOptions(json));
}

}  // namespace imago::tokenizers
