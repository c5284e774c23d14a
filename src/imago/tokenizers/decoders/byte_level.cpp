#include "imago/base/unicode.h"
#include "imago/tokenizers/byte_level_options.h"
#include "imago/tokenizers/decoders/decoders.h"
#include "imago/tokenizers/normalized_string.h"

namespace imago::tokenizers {
namespace {

// Bytes from the characters that spell them. A token with a character that spells no byte stands for itself.
class ByteLevel final : public Decoder {
 public:
  explicit ByteLevel(const ByteLevelOptions& options) : options_(options) {}

  void decode(std::vector<std::string>& tokens) const override {
    std::string bytes;
    for (const std::string& token : tokens) {
      const size_t before = bytes.size();
      if (!decode_byte_level(token, bytes)) {
        bytes.resize(before);
        bytes += token;
      }
    }
    tokens.assign(1, to_valid_utf8(bytes));
  }
  void write_json(JsonWriter& writer) const override { options_.write_json(writer); }

 private:
  ByteLevelOptions options_;
};

}  // namespace

std::unique_ptr<Decoder> make_byte_level_decoder(StageJson& json) {
  return std::make_unique<ByteLevel>(ByteLevelOptions(json));
}

}  // namespace imago::tokenizers
