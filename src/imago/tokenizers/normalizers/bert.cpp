#include <algorithm>

#include "imago/tokenizers/character_sets.h"
#include "imago/tokenizers/json_writer.h"
#include "imago/tokenizers/normalizers/normalizers.h"

namespace imago::tokenizers {
namespace {

bool is_chinese(char32_t c) {
  return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) || (c >= 0x20000 && c <= 0x2A6DF) ||
         (c >= 0x2A700 && c <= 0x2B73F) || (c >= 0x2B740 && c <= 0x2B81F) || (c >= 0x2B920 && c <= 0x2CEAF) ||
         (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x2F800 && c <= 0x2FA1F);
}

// Puts spaces around every character that BERT calls Chinese, so that it becomes a word.
void space_chinese(NormalizedString& string) {
  size_t count = 0;
  for (std::string_view rest = string.text(); !rest.empty();) {
    const DecodedCharacter character = decode_utf8(rest);
    count += is_chinese(character.code_point);
    rest.remove_prefix(static_cast<size_t>(character.size));
  }
  if (count == 0) return;
  Transformation transformation(string, 0, 2 * count);
  for (std::string_view rest = string.text(); !rest.empty();) {
    const DecodedCharacter character = decode_utf8(rest);
    rest.remove_prefix(static_cast<size_t>(character.size));
    if (is_chinese(character.code_point)) {
      transformation.push(' ', 0);
      transformation.push(character.code_point, 1);
      transformation.push(' ', 1);
    } else {
      transformation.push(character.code_point, 0);
    }
  }
  transformation.finish();
}

// What BERT's own tokenizer does before it looks for words.
class BertNormalizer final : public Normalizer {
 public:
  struct Options {
    bool clean_text, handle_chinese_chars;
    std::optional<bool> strip_accents;
    bool lowercase;
  };
  explicit BertNormalizer(Options options) : options_(options) {}

  void normalize(NormalizedString& string) const override {
    const bool ascii = is_ascii(string.text());
    if (options_.clean_text) {
      const auto dropped = [](char32_t c) { return c == 0 || c == 0xFFFD || is_control(c); };
      const bool clean = ascii && std::none_of(string.text().begin(), string.text().end(),
                                               [&](char c) { return dropped(static_cast<unsigned char>(c)); });
      if (!clean) string.filter([&](char32_t c) { return !dropped(c); });
      if (ascii) {
        string.map_ascii([](char c) { return c == '\t' || c == '\n' || c == '\r' ? ' ' : c; });
      } else {
        string.map([](char32_t c) { return is_white_space(c) ? U' ' : c; });
      }
    }
    if (options_.handle_chinese_chars && !ascii) space_chinese(string);
    if (options_.strip_accents.value_or(options_.lowercase) && !ascii) {
      string.normalize(NormalForm::kNFD);
      string.filter([](char32_t c) { return !is_accent(c); });
    }
    if (options_.lowercase) string.lowercase();
  }

  void write_json(JsonWriter& writer) const override {
    writer.begin_stage("BertNormalizer");
    writer.member("clean_text", options_.clean_text);
    writer.member("handle_chinese_chars", options_.handle_chinese_chars);
    if (options_.strip_accents) {
      writer.member("strip_accents", *options_.strip_accents);
    } else {
      writer.null_member("strip_accents");
    }
    writer.member("lowercase", options_.lowercase);
    writer.end_object();
  }

 private:
  Options options_;
};

}  // namespace

std::unique_ptr<Normalizer> make_bert_normalizer(StageJson& json) {
  return std::make_unique<BertNormalizer>(
      BertNormalizer::Options{json.boolean("clean_text"), json.boolean("handle_chinese_chars"),
                              json.optional_boolean("strip_accents"), json.boolean("lowercase")});
}

}  // namespace imago::tokenizers
