#include "imago/tokenizers/json_writer.h"
#include "imago/tokenizers/pre_tokenizers/pre_tokenizers.h"
#include "imago/tokenizers/regex.h"

namespace imago::tokenizers {
namespace {

// Cuts at one character, which is dropped.
class CharDelimiterSplit final : public PreTokenizer {
 public:
  explicit CharDelimiterSplit(char32_t delimiter) : delimiter_(delimiter) {}

  void pre_tokenize(PreTokenizedString& string) const override {
    std::string delimiter;
    append_utf8(delimiter, delimiter_);
    const Regex literal = Regex::literal(delimiter);
    string.split([&](std::string_view text, auto& ranges) { literal.find_ranges(text, ranges); },
                 SplitBehavior::kRemoved);
  }
  void write_json(JsonWriter& writer) const override {
    std::string delimiter;
    append_utf8(delimiter, delimiter_);
    writer.begin_stage("CharDelimiterSplit");
    writer.member("delimiter", delimiter);
    writer.end_object();
  }

 private:
  char32_t delimiter_;
};

}  // namespace

std::unique_ptr<PreTokenizer> make_char_delimiter_split(StageJson& json) {
  return std::make_unique<CharDelimiterSplit>(json.character("delimiter"));
}

}  // namespace imago::tokenizers
