#include "imago/tokenizers/json_writer.h"
#include "imago/tokenizers/pre_tokenizers/pre_tokenizers.h"

namespace imago::tokenizers {
namespace {

// Pieces of a fixed number of characters; the last may be shorter.
class FixedLength final : public PreTokenizer {
 public:
  explicit FixedLength(size_t length) : length_(length) {}

  void pre_tokenize(PreTokenizedString& string) const override {
    string.split_at([&](std::string_view text, std::vector<uint32_t>& ends) {
      size_t count = 0;
      for (uint32_t at = 0; at < text.size();) {
        at += static_cast<uint32_t>(decode_utf8(text.substr(at)).size);
        if (++count == length_ || at == text.size()) {
          ends.push_back(at);
          count = 0;
        }
      }
    });
  }
  void write_json(JsonWriter& writer) const override {
    writer.begin_stage("FixedLength");
    writer.member("length", length_);
    writer.end_object();
  }

 private:
  size_t length_;
};

}  // namespace

std::unique_ptr<PreTokenizer> make_fixed_length(StageJson& json) {
  const size_t length = json.size("length", 5);
  if (length == 0) json.fail("the length is 0");
  return std::make_unique<FixedLength>(length);
}

}  // namespace imago::tokenizers
