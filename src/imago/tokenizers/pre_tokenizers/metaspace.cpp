#include <algorithm>

#include "imago/tokenizers/json_writer.h"
#include "imago/tokenizers/pre_tokenizers/pre_tokenizers.h"

namespace imago::tokenizers {
namespace {

enum class PrependScheme { kFirst, kNever, kAlways };

std::vector<std::pair<uint32_t, uint32_t>> find_spaces(std::string_view text) {
  std::vector<std::pair<uint32_t, uint32_t>> spaces;
  for (size_t at = text.find(' '); at != std::string_view::npos; at = text.find(' ', at + 1)) {
    spaces.emplace_back(static_cast<uint32_t>(at), static_cast<uint32_t>(at + 1));
  }
  return spaces;
}

// SentencePiece's way with spaces: each becomes a visible character that begins the word behind it.
class Metaspace final : public PreTokenizer, private Scanner {
 public:
  Metaspace(char32_t replacement, PrependScheme scheme, bool split) : scheme_(scheme), split_(split) {
    append_utf8(spelled_, replacement);
  }

  void pre_tokenize(PreTokenizedString& string) const override {
    string.rewrite([&](NormalizedString& piece, const PreTokenizedString::Split& split) {
      piece.replace(find_spaces(piece.text()), spelled_);
      const bool prepends =
          scheme_ == PrependScheme::kAlways || (scheme_ == PrependScheme::kFirst && split.original_begin == 0);
      if (prepends && !piece.text().starts_with(spelled_)) piece.prepend(spelled_);
    });
    if (split_) string.split_at(this);
  }

  bool needs_alignments(bool& rewritten) const override {
    const bool needs = scheme_ == PrependScheme::kFirst && rewritten;
    rewritten = true;
    return needs;
  }

  void write_json(JsonWriter& writer) const override {
    static constexpr const char* kSchemes[] = {"first", "never", "always"};
    writer.begin_stage("Metaspace");
    writer.member("replacement", spelled_);
    writer.member("prepend_scheme", kSchemes[static_cast<int>(scheme_)]);
    writer.member("split", split_);
    writer.end_object();
  }

 private:
  // Cuts in front of every replacement.
  uint32_t scan(std::string_view text, uint32_t at, PreTokenizedString::Block& block) const override {
    while (at < text.size() && block.has_room()) {
      const size_t next = text.find(spelled_, at + 1);
      const auto end = static_cast<uint32_t>(std::min(next, text.size()));
      block.push(at, end);
      at = end;
    }
    return at;
  }

  PrependScheme scheme_;
  bool split_;
  std::string spelled_;
};

}  // namespace

std::unique_ptr<PreTokenizer> make_metaspace_pre_tokenizer(StageJson& json) {
  PrependScheme scheme = PrependScheme::kAlways;
  if (json.find("prepend_scheme")) {
    const std::string& name = json.string("prepend_scheme");
    if (name == "first") {
      scheme = PrependScheme::kFirst;
    } else if (name == "never") {
      scheme = PrependScheme::kNever;
    } else if (name != "always") {
      json.fail("the prepend_scheme '" + name + "' is unknown");
    }
  }
  json.find("str_rep");  // written by old versions beside the replacement that it repeats
  if (!json.boolean("add_prefix_space", true)) {
    if (json.has("prepend_scheme") && scheme != PrependScheme::kNever) {
      json.fail("add_prefix_space does not match the prepend_scheme");
    }
    scheme = PrependScheme::kNever;
  }
  return std::make_unique<Metaspace>(json.character("replacement"), scheme, json.boolean("split", true));
}

}  // namespace imago::tokenizers
