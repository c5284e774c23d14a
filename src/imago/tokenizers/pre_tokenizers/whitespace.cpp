#include "imago/tokenizers/character_sets.h"
#include "imago/tokenizers/json_writer.h"
#include "imago/tokenizers/pre_tokenizers/pre_tokenizers.h"

namespace imago::tokenizers {
namespace {

// \w+|[^\w\s]+ : words, and rows of what is neither word nor space.
class Whitespace final : public PreTokenizer {
 public:
  void pre_tokenize(PreTokenizedString& string) const override {
    string.split(
        [](std::string_view text, std::vector<PatternRange>& ranges) {
          for (uint32_t at = 0; at < text.size();) {
            const DecodedCharacter character = decode_utf8(text.substr(at));
            const uint32_t next = at + static_cast<uint32_t>(character.size);
            const Kind kind = kind_of(character.code_point);
            if (!ranges.empty() && last_kind(text, ranges.back()) == kind) {
              ranges.back().end = next;
            } else {
              ranges.push_back({at, next, kind == Kind::kSpace});
            }
            at = next;
          }
        },
        SplitBehavior::kRemoved);
  }
  void write_json(JsonWriter& writer) const override {
    writer.begin_stage("Whitespace");
    writer.end_object();
  }

 private:
  enum class Kind { kWord, kSpace, kOther };
  static Kind kind_of(char32_t c) { return is_word(c) ? Kind::kWord : is_white_space(c) ? Kind::kSpace : Kind::kOther; }
  static Kind last_kind(std::string_view text, const PatternRange& range) {
    return kind_of(decode_utf8(text.substr(range.begin)).code_point);
  }
};

}  // namespace

std::unique_ptr<PreTokenizer> make_whitespace(StageJson&) { return std::make_unique<Whitespace>(); }

}  // namespace imago::tokenizers
