// Classes whose tokens are characters or bytes.
#include <fmt/core.h>

#include <algorithm>

#include "imago/base/error.h"
#include "imago/base/file.h"
#include "imago/base/json.h"
#include "imago/base/unicode.h"
#include "imago/tokenizers/legacy/named_pieces.h"
#include "imago/tokenizers/legacy/python_classes.h"
#include "imago/tokenizers/legacy/vocabulary_files.h"

namespace imago::tokenizers {
namespace {

// Every character is a token; a space is the word delimiter where there is one.
class CharacterCutter final : public PieceCutter {
 public:
  explicit CharacterCutter(std::string delimiter = " ") : delimiter_(std::move(delimiter)) {}
  void cut(std::string_view text, ModelScratch&, Emit emit) const override {
    for (uint32_t at = 0; at < text.size();) {
      const auto size = static_cast<uint32_t>(decode_utf8(text.substr(at)).size);
      const std::string_view name = text[at] == ' ' ? std::string_view(delimiter_) : text.substr(at, size);
      // A delimiter of several characters is as many tokens.
      for (std::string_view rest = name; !rest.empty();) {
        const auto part = static_cast<size_t>(decode_utf8(rest).size);
        emit(rest.substr(0, part), at, at + size);
        rest.remove_prefix(part);
      }
      at += size;
    }
  }

 private:
  std::string delimiter_;
};

std::string byte_name(unsigned char byte) {
  std::string name;
  append_utf8(name, byte);
  return name;
}

// Every byte is a token, named by the character that has its number.
class ByteCutter final : public PieceCutter {
 public:
  void cut(std::string_view text, ModelScratch&, Emit emit) const override {
    for (uint32_t at = 0; at < text.size(); ++at) emit(byte_name(static_cast<unsigned char>(text[at])), at, at + 1);
  }
};

void add_bytes(Vocabulary& vocabulary, int64_t first) {
  if (first < 0 || first > kMaxVocabulary) {
    throw Error(ErrorKind::kLimitExceeded, "tokenizer_config.json", fmt::format("offset is {}", first));
  }
  for (int32_t byte = 0; byte < 256; ++byte) {
    vocabulary.add(byte_name(static_cast<unsigned char>(byte)), static_cast<int32_t>(first) + byte);
  }
}

class Uppercase final : public OwnNormalizer {
 public:
  void normalize(NormalizedString& string) const override { uppercase(string); }
};

// The vocabulary, or of several languages that of one.
Vocabulary read_language_vocab(const std::string& folder, const ClassOptions& options) {
  if (!options.has("target_lang")) return read_vocab_json(folder, "vocab.json");
  const std::string language = options.text("target_lang", "");
  const Json languages = read_json(folder + "/vocab.json");
  if (!languages.is_object() || !languages.contains(language) || !languages[language].is_object()) {
    throw Error(ErrorKind::kInvalidFile, "vocab.json", fmt::format("the target_lang '{}' is not in it", language));
  }
  return parse_vocab_json(dump_json(languages[language]), "vocab.json");
}

struct CtcText {
  std::string pad, delimiter, replacement;
  bool lower_case;

  // Equal neighbours are one, padding goes, and delimiters are spaces.
  std::string operator()(std::span<const std::string> names, PythonClass::IsSpecial) const {
    std::string text;
    for (size_t i = 0; i < names.size(); ++i) {
      if ((i > 0 && names[i] == names[i - 1]) || names[i] == pad) continue;
      text += names[i] == delimiter ? replacement : names[i];
    }
    text = strip(text);
    return lower_case ? lowercase_in_context(text) : text;
  }
};

std::string plain_join(std::span<const std::string> names, PythonClass::IsSpecial) {
  std::string text;
  for (const std::string& name : names) text += name;
  return text;
}

}  // namespace

LegacyTokenizer read_wav2vec2_ctc(const std::string& folder, const FolderSettings& settings) {
  const ClassOptions options(settings.config);
  const SpecialTokens tokens = settings.values.special_tokens();
  const bool lower_case = options.boolean("do_lower_case", false);
  const std::string delimiter = "|";  // whatever the files say: the reference takes theirs for a special token only
  PythonClass parts;
  parts.vocabulary.tokens = read_language_vocab(folder, options);
  parts.vocabulary.unknown = tokens.unk_token;
  if (lower_case) parts.normalizer = std::make_unique<Uppercase>();  // the vocabulary is in upper case
  parts.cutter = std::make_unique<CharacterCutter>(delimiter);
  parts.to_text = CtcText{tokens.pad_token.value_or("None"), delimiter,
                          options.text("replace_word_delimiter_char", " "), lower_case};
  // Tokens of several characters are found in text, with the white space around them.
  std::vector<std::string> whole;
  for (int32_t id = 0; id < parts.vocabulary.tokens.id_limit(); ++id) {
    if (!parts.vocabulary.tokens.contains_id(id)) continue;
    const std::string_view token = parts.vocabulary.tokens.token(id);
    if (count_utf8(token) > 1) whole.emplace_back(token);
  }
  parts.change_added = [whole, delimiter](std::vector<AddedToken>& added) {
    for (const std::string& content : whole) {
      const auto known =
          std::find_if(added.begin(), added.end(), [&](const AddedToken& token) { return token.content == content; });
      if (known == added.end()) {
        added.push_back({.content = content, .lstrip = true, .rstrip = true, .normalized = false});
      } else {
        known->lstrip = known->rstrip = true;
      }
    }
    for (AddedToken& token : added) {
      if (token.content == delimiter) token.special = false;  // decoding keeps it
    }
  };
  return build_python_class(std::move(parts), settings);
}

LegacyTokenizer read_mgp_str(const std::string& folder, const FolderSettings& settings) {
  PythonClass parts;
  parts.vocabulary.tokens = read_vocab_json(folder, "vocab.json");
  parts.vocabulary.unknown = settings.values.special_tokens().unk_token;
  parts.vocabulary.decodes_unknown_ids = false;
  parts.cutter = std::make_unique<CharacterCutter>();
  parts.to_text = [](std::span<const std::string> names, PythonClass::IsSpecial) {
    std::string text;
    for (size_t i = 0; i < names.size(); ++i) text += (i > 0 ? " " : "") + names[i];
    return text;
  };
  return build_python_class(std::move(parts), settings);
}

LegacyTokenizer read_perceiver(const std::string&, const FolderSettings& settings) {
  const SpecialTokens tokens = settings.values.special_tokens();
  PythonClass parts;
  Vocabulary& vocabulary = parts.vocabulary.tokens;
  int32_t id = 0;
  for (const auto& token :
       {tokens.pad_token, tokens.bos_token, tokens.eos_token, tokens.mask_token, tokens.cls_token, tokens.sep_token}) {
    vocabulary.add(token.value_or("None"), id++);
  }
  add_bytes(vocabulary, id);
  parts.cutter = std::make_unique<ByteCutter>();
  parts.to_text = [](std::span<const std::string> names, PythonClass::IsSpecial special) {
    std::string bytes;
    for (const std::string& name : names) {
      const DecodedCharacter first = decode_utf8(name);
      const bool is_byte = !special(name) && static_cast<size_t>(first.size) == name.size() && first.code_point < 256;
      bytes += is_byte ? std::string(1, static_cast<char>(first.code_point)) : name;
    }
    return to_valid_utf8(bytes);
  };
  parts.single = "cls $A sep";
  parts.pair = "cls $A sep $B sep";
  return build_python_class(std::move(parts), settings);
}

LegacyTokenizer read_dia(const std::string&, const FolderSettings& settings) {
  const SpecialTokens tokens = settings.values.special_tokens();
  const int64_t offset = ClassOptions(settings.config).integer("offset", 0);
  PythonClass parts;
  add_bytes(parts.vocabulary.tokens, offset);
  parts.vocabulary.size = static_cast<size_t>(256 + offset);
  // These stand in the places of bytes that no text has.
  const std::vector<std::string> own = {tokens.pad_token.value_or("None"), "[S1]", "[S2]"};
  for (size_t i = 0; i < own.size(); ++i) parts.vocabulary.tokens.add(own[i], static_cast<int32_t>(i));
  parts.change_added = [own](std::vector<AddedToken>& added) {
    for (const std::string& content : own) {
      const bool known =
          std::any_of(added.begin(), added.end(), [&](const AddedToken& token) { return token.content == content; });
      if (!known) added.push_back({.content = content, .normalized = false});
    }
  };
  parts.cutter = std::make_unique<ByteCutter>();
  parts.to_text = plain_join;
  return build_python_class(std::move(parts), settings);
}

}  // namespace imago::tokenizers
