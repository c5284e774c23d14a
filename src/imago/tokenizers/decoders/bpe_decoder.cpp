#include "imago/tokenizers/decoders/decoders.h"
#include "imago/tokenizers/json_writer.h"

namespace imago::tokenizers {
namespace {

// Turns the suffix that ends a word into a space, but for the last.
class BpeDecoder final : public Decoder {
 public:
  explicit BpeDecoder(std::string suffix) : suffix_(std::move(suffix)) {}

  void decode(std::vector<std::string>& tokens) const override {
    for (size_t i = 0; i < tokens.size(); ++i) {
      tokens[i] = replace_all(tokens[i], suffix_, i + 1 == tokens.size() ? "" : " ");
    }
  }
  void write_json(JsonWriter& writer) const override {
    writer.begin_stage("BPEDecoder");
    writer.member("suffix", suffix_);
    writer.end_object();
  }

 private:
  std::string suffix_;
};

}  // namespace

std::unique_ptr<Decoder> make_bpe_decoder(StageJson& json) {
  const std::string& suffix = json.string("suffix");
  if (suffix.empty()) json.fail("the suffix is empty");
  return std::make_unique<BpeDecoder>(suffix);
}

}  // namespace imago::tokenizers
