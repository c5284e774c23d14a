#include "imago/tokenizers/json_writer.h"
#include "imago/tokenizers/pre_tokenizers/pre_tokenizers.h"

namespace imago::tokenizers {
namespace {

// Pieces of a fixed number of characters; the last may be shorter.
class FixedLength final : public PreTokenizer, private Scanner {
 public:
  explicit FixedLength(size_t length) : length_(length) {}

  void pre_tokenize(PreTokenizedString& string) const override { string.split_at(this); }
  void write_json(JsonWriter& writer) const override {
    writer.begin_stage("FixedLength");
    writer.member("length", length_);
    writer.end_object();
  }

 private:
  uint32_t scan(std::string_view text, uint32_t at, PreTokenizedString::Block& block) const override {
    while (at < text.size() && block.has_room()) {
      const uint32_t begin = at;
      for (size_t count = 0; count < length_ && at < text.size(); ++count) {
        at += static_cast<uint32_t>(decode_utf8(text.substr(at)).size);
      }
      block.push(begin, at);
    }
    return at;
  }

  size_t length_;
};

}  // namespace

std::unique_ptr<PreTokenizer> make_fixed_length(StageJson& json) {
  const size_t length = json.size("length", 5);
  if (length == 0) json.fail("the length is 0");
  return std::make_unique<FixedLength>(length);
}

}  // namespace imago::tokenizers
