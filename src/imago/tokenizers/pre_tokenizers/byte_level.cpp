#include "imago/tokenizers/byte_level_options.h"
#include "imago/tokenizers/pre_tokenizers/known_patterns.h"
#include "imago/tokenizers/pre_tokenizers/pre_tokenizers.h"

namespace imago::tokenizers {
namespace {

// GPT-2's pre-tokenizer: words by a pattern, and bytes spelled as printable characters.
class ByteLevel final : public PreTokenizer {
 public:
  explicit ByteLevel(const ByteLevelOptions& options) : options_(options) {}

  void pre_tokenize(PreTokenizedString& string) const override {
    if (options_.add_prefix_space && needs_prefix(string)) {
      string.rewrite([](NormalizedString& piece, const PreTokenizedString::Split&) {
        if (!piece.text().starts_with(' ')) piece.prepend(" ");
      });
    }
    if (options_.use_regex) string.split_at(gpt2_->scanner);
    if (!raw_bytes_) {
      string.rewrite([](NormalizedString& piece, const PreTokenizedString::Split&) { piece.to_byte_level(); });
    }
  }

  bool needs_alignments(bool& rewritten) const override {
    rewritten = true;
    return false;
  }
  bool leave_bytes_raw() override {
    raw_bytes_ = true;
    return true;
  }

  void write_json(JsonWriter& writer) const override { options_.write_json(writer); }

 private:
  static bool needs_prefix(PreTokenizedString& string) {
    for (const PreTokenizedString::Split& split : string.splits()) {
      if (split.token_id == PreTokenizedString::kNoToken && !string.text(split).starts_with(' ')) return true;
    }
    return false;
  }

  ByteLevelOptions options_;
  bool raw_bytes_ = false;
  const KnownPattern* gpt2_ = find_known_pattern(kGpt2Pattern);
};

}  // namespace

std::unique_ptr<PreTokenizer> make_byte_level_pre_tokenizer(StageJson& json) {
  return std::make_unique<ByteLevel>(ByteLevelOptions(json));
}

}  // namespace imago::tokenizers
