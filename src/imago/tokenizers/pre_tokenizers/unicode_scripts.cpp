#include <algorithm>

#include "imago/tokenizers/json_writer.h"
#include "imago/tokenizers/pre_tokenizers/pre_tokenizers.h"
#include "imago/tokenizers/pre_tokenizers/unicode_scripts_table.h"

namespace imago::tokenizers {
namespace {

constexpr int kNoScript = -1;

int script_of(char32_t c) {
  const std::span<const ScriptRange> ranges = script_ranges();
  const auto after = std::upper_bound(ranges.begin(), ranges.end(), c,
                                      [](char32_t value, const ScriptRange& range) { return value < range.begin; });
  if (after == ranges.begin() || c > std::prev(after)->end) return kNoScript;
  return std::prev(after)->script;
}

// Cuts where the script changes; kana count as Han, and a space belongs to what is before it.
class UnicodeScripts final : public PreTokenizer {
 public:
  void pre_tokenize(PreTokenizedString& string) const override {
    string.split(
        [](std::string_view text, std::vector<PatternRange>& ranges) {
          int last = kNoScript;
          bool any = false;  // whether a script was seen: what stands before the first one is dropped
          uint32_t begin = 0;
          for (uint32_t at = 0; at < text.size();) {
            const DecodedCharacter character = decode_utf8(text.substr(at));
            const int script = script_of(character.code_point);
            if (script != kNoScript && script != last) {
              if (begin < at) ranges.push_back({begin, at, !any});
              begin = at;
              any = true;
              last = script;
            }
            at += static_cast<uint32_t>(character.size);
          }
          ranges.push_back({begin, static_cast<uint32_t>(text.size()), !any});
        },
        SplitBehavior::kRemoved);
  }
  void write_json(JsonWriter& writer) const override {
    writer.begin_stage("UnicodeScripts");
    writer.end_object();
  }
};

}  // namespace

std::unique_ptr<PreTokenizer> make_unicode_scripts(StageJson&) { return std::make_unique<UnicodeScripts>(); }

}  // namespace imago::tokenizers
