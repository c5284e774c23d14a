#include "imago/base/unicode.h"
#include "imago/tokenizers/decoders/decoders.h"
#include "imago/tokenizers/json_writer.h"
#include "imago/tokenizers/normalized_string.h"

namespace imago::tokenizers {
namespace {

// Bytes from the characters that spell them. A token with a character that spells no byte stands for itself.
class ByteLevel final : public Decoder {
 public:
  ByteLevel(bool add_prefix_space, bool trim_offsets, bool use_regex)
      : add_prefix_space_(add_prefix_space), trim_offsets_(trim_offsets), use_regex_(use_regex) {}

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
  void write_json(JsonWriter& writer) const override {
    writer.begin_stage("ByteLevel");
    writer.member("add_prefix_space", add_prefix_space_);
    writer.member("trim_offsets", trim_offsets_);
    writer.member("use_regex", use_regex_);
    writer.end_object();
  }

 private:
  bool add_prefix_space_, trim_offsets_, use_regex_;
};

}  // namespace

std::unique_ptr<Decoder> make_byte_level_decoder(StageJson& json) {
  return std::make_unique<ByteLevel>(json.boolean("add_prefix_space"), json.boolean("trim_offsets"),
                                     json.boolean("use_regex", true));
}

}  // namespace imago::tokenizers
