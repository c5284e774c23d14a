#include "imago/tokenizers/json_writer.h"
#include "imago/tokenizers/pre_tokenizers/known_patterns.h"
#include "imago/tokenizers/pre_tokenizers/pre_tokenizers.h"

namespace imago::tokenizers {
namespace {

// GPT-2's pre-tokenizer: words by a pattern, and bytes spelled as printable characters.
class ByteLevel final : public PreTokenizer {
 public:
  ByteLevel(bool add_prefix_space, bool trim_offsets, bool use_regex)
      : add_prefix_space_(add_prefix_space), trim_offsets_(trim_offsets), use_regex_(use_regex) {}

  void pre_tokenize(PreTokenizedString& string) const override {
    if (add_prefix_space_ && needs_prefix(string)) {
      string.rewrite([](NormalizedString& piece, const PreTokenizedString::Split&) {
        if (!piece.text().starts_with(' ')) piece.prepend(" ");
      });
    }
    if (use_regex_) string.split_at(gpt2_->scan);
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

  void write_json(JsonWriter& writer) const override {
    writer.begin_stage("ByteLevel");
    writer.member("add_prefix_space", add_prefix_space_);
    writer.member("trim_offsets", trim_offsets_);
    writer.member("use_regex", use_regex_);
    writer.end_object();
  }

 private:
  static bool needs_prefix(const PreTokenizedString& string) {
    for (const PreTokenizedString::Split& split : string.splits()) {
      if (split.token_id == PreTokenizedString::kNoToken && !string.text(split).starts_with(' ')) return true;
    }
    return false;
  }

  bool add_prefix_space_, trim_offsets_, use_regex_;
  bool raw_bytes_ = false;
  const KnownPattern* gpt2_ = find_known_pattern(kGpt2Pattern);
};

}  // namespace

std::unique_ptr<PreTokenizer> make_byte_level_pre_tokenizer(StageJson& json) {
  return std::make_unique<ByteLevel>(json.boolean("add_prefix_space"), json.boolean("trim_offsets"),
                                     json.boolean("use_regex", true));
}

}  // namespace imago::tokenizers
