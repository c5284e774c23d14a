// Classes whose tokens are the pieces of a SentencePiece model, by its ids or by a list of their own.
#include <fmt/core.h>

#include <algorithm>
#include <cstring>

#include "imago/base/error.h"
#include "imago/base/file.h"
#include "imago/base/unicode.h"
#include "imago/base/unicode_case.h"
#include "imago/tokenizers/decoders/decoders.h"
#include "imago/tokenizers/legacy/python_classes.h"
#include "imago/tokenizers/legacy/sentencepiece_stages.h"
#include "imago/tokenizers/legacy/vocabulary_files.h"

namespace imago::tokenizers {
namespace {

void refuse(const FolderSettings& settings, std::string_view option) {
  throw Error(ErrorKind::kUnsupported, "tokenizer_config.json",
              fmt::format("{} of a {}", option, settings.tokenizer_class->name));
}

Vocabulary vocabulary_of_pieces(const SentencePieceModel& model) {
  Vocabulary vocabulary;
  for (size_t id = 0; id < model.pieces.size(); ++id) {
    vocabulary.add(model.pieces[id].text, static_cast<int32_t>(id));
  }
  return vocabulary;
}

// Pieces joined, with spaces for "\u2581".
std::string joined(std::span<const std::string> names, PythonClass::IsSpecial) {
  std::string text;
  for (const std::string& name : names) text += name;
  return std::string(strip(replace_all(text, "\u2581", " ")));
}

// What these classes share: the model's own ids, and the unknown piece for names that are none.
PythonClass piece_class(const SharedProcessor& processor, const FolderSettings& settings) {
  if (!ClassOptions(settings.config).boolean("legacy", true)) refuse(settings, "legacy = false");
  PythonClass parts;
  const SentencePieceModel& model = processor->model();
  parts.vocabulary.tokens = vocabulary_of_pieces(model);
  parts.vocabulary.unknown = model.pieces[static_cast<size_t>(processor->id_of(""))].text;
  parts.vocabulary.decodes_unknown_ids = false;
  parts.normalizer = sentencepiece_normalizer(processor);
  parts.cutter = sentencepiece_cutter(processor);
  parts.to_text = joined;
  return parts;
}

// GPT-SW3: other spaces are spaces, characters that are not printed go.
class GptSw3Normalizer final : public OwnNormalizer {
 public:
  void normalize(NormalizedString& string) const override {
    string.filter([](char32_t c) {
      return !(c <= 8 || (c >= 11 && c <= 31) || (c >= 127 && c <= 160) || c == 173 || c == 0x200B);
    });
    string.map([](char32_t c) {
      const bool space = c == 0x2002 || c == 0x2003 || c == 0x2005 || (c >= 0x2008 && c <= 0x200A) || c == 0x202F ||
                         c == 0x3000 || c == 0xFFFC;
      return space ? U' ' : c;
    });
    string.normalize(NormalForm::kNFC);
  }
};

// SigLIP: lower case, no punctuation, single spaces; the first piece of a text begins with "\u2581".
class SiglipNormalizer final : public OwnNormalizer {
 public:
  explicit SiglipNormalizer(bool lower_case) : lower_case_(lower_case) {}
  void normalize(NormalizedString& string) const override {
    string.map([](char32_t c) { return c == 0x2581 ? U' ' : c; });
    if (string.begins_text()) string.prepend("\u2581");
    if (lower_case_) lowercase_in_context(string);
    string.filter([](char32_t c) {
      return !((c >= 33 && c <= 47) || (c >= 58 && c <= 64) || (c >= 91 && c <= 96) || (c >= 123 && c <= 126));
    });
    string.map([](char32_t c) { return is_python_space(c) ? U' ' : c; });
    std::vector<std::pair<uint32_t, uint32_t>> surplus;
    for (uint32_t i = 1; i < string.text().size(); ++i) {
      if (string.text()[i] == ' ' && string.text()[i - 1] == ' ') surplus.emplace_back(i, i + 1);
    }
    string.replace(surplus, "");
    string.strip(true, true);
  }

 private:
  bool lower_case_;
};

// An end-of-sequence token behind every sequence that does not end in one.
class EndEach final : public PostProcessor {
 public:
  EndEach(int32_t id, std::string token) : id_(id), token_(std::move(token)) {}
  size_t added_tokens(bool pair) const override { return pair ? 2 : 1; }
  bool looks_at_tokens() const override { return true; }
  void process(std::vector<Encoding>& encodings, bool add_special_tokens) const override {
    for (size_t i = 0; i < encodings.size(); ++i) {
      encodings[i].type_ids.assign(encodings[i].size(), 0);
      encodings[i].set_sequence(i);
      const bool ended = !encodings[i].ids.empty() && encodings[i].ids.back() == id_;
      if (add_special_tokens && !ended) encodings[i].append_special(id_, token_, 0);
    }
  }
  void write_json(JsonWriter&) const override { fail_without_tokenizer_json(); }

 private:
  int32_t id_;
  std::string token_;
};

std::unique_ptr<PostProcessor> end_each(const ProcessorInput& input) {
  const std::string token = input.tokens.eos_token.value_or("None");
  const auto id = input.id_of(token);
  if (!id) throw Error(ErrorKind::kInvalidFile, "tokenizer_config.json", "eos_token is not in the vocabulary");
  return std::make_unique<EndEach>(*id, token);
}

}  // namespace

LegacyTokenizer read_siglip(const std::string& folder, const FolderSettings& settings) {
  const SharedProcessor processor = read_sentencepiece_file(folder + "/spiece.model");
  const ClassOptions options(settings.config);
  const std::string unknown = settings.values.special_tokens().unk_token.value_or("None");
  PythonClass parts = piece_class(processor, settings);
  size_t dropped = 0;
  processor->cut(processor->normalize(unknown, nullptr), [&](std::string_view, uint32_t, uint32_t) { ++dropped; });
  std::vector<std::unique_ptr<Normalizer>> steps;
  steps.push_back(std::make_unique<SiglipNormalizer>(options.boolean("do_lower_case", true)));
  steps.push_back(sentencepiece_normalizer(processor, unknown));
  parts.normalizer = in_order(std::move(steps));
  parts.cutter = sentencepiece_cutter(processor, dropped);
  parts.to_text = sentencepiece_text(processor, {.before = " ", .behind = "", .once = true});
  parts.post_processor = end_each;
  return build_python_class(std::move(parts), settings);
}

LegacyTokenizer read_speecht5(const std::string& folder, const FolderSettings& settings) {
  // It would spell numbers out in English.
  if (ClassOptions(settings.config).boolean("normalize", false)) refuse(settings, "normalize = true");
  PythonClass parts = piece_class(read_sentencepiece_file(folder + "/spm_char.model"), settings);
  parts.single = "$A eos";
  parts.pair = "$A $B eos";
  return build_python_class(std::move(parts), settings);
}

LegacyTokenizer read_bert_generation(const std::string& folder, const FolderSettings& settings) {
  return build_python_class(piece_class(read_sentencepiece_file(folder + "/spiece.model"), settings), settings);
}

LegacyTokenizer read_gpt_sw3(const std::string& folder, const FolderSettings& settings) {
  const SharedProcessor processor = read_sentencepiece_file(folder + "/spiece.model");
  PythonClass parts = piece_class(processor, settings);
  std::vector<std::unique_ptr<Normalizer>> steps;
  steps.push_back(std::make_unique<GptSw3Normalizer>());
  steps.push_back(sentencepiece_normalizer(processor));
  parts.normalizer = in_order(std::move(steps));
  parts.to_text = sentencepiece_text(processor, {.before = " ", .behind = "", .once = true, .strips = false});
  return build_python_class(std::move(parts), settings);
}

LegacyTokenizer read_speech_to_text(const std::string& folder, const FolderSettings& settings) {
  const ClassOptions options(settings.config);
  const SharedProcessor processor = read_sentencepiece_file(folder + "/sentencepiece.bpe.model");
  PythonClass parts;
  parts.vocabulary.tokens = read_vocab_json(folder, "vocab.json");
  parts.vocabulary.unknown = settings.values.special_tokens().unk_token;
  parts.normalizer = sentencepiece_normalizer(processor);
  parts.cutter = sentencepiece_cutter(processor);
  const bool upper_case = options.boolean("do_upper_case", false);
  parts.to_text = sentencepiece_text(processor, {.before = "", .behind = " ", .upper_case = upper_case});
  parts.single = "$A eos";
  parts.pair = "$A $B eos";
  if (options.has("lang_codes")) {
    parts.language = speech_to_text_language(options);
    parts.language_id = processor->id_of(parts.language);  // the model's, not the vocabulary's
    parts.single = "language $A eos";
    parts.pair = "language $A $B eos";
  }
  return build_python_class(std::move(parts), settings);
}

std::vector<std::string> speech_to_text_languages(const ClassOptions& options) {
  if (!options.has("lang_codes")) return {};
  const std::string codes = options.text("lang_codes", "");
  if (codes != "mustc") {
    throw Error(ErrorKind::kUnsupported, "tokenizer_config.json", fmt::format("lang_codes is '{}'", codes),
                "mustc is known");
  }
  std::vector<std::string> tokens;
  for (const char* language : {"pt", "fr", "ru", "nl", "ro", "it", "es", "de"}) {
    tokens.push_back(fmt::format("<lang:{}>", language));
  }
  return tokens;
}

std::string speech_to_text_language(const ClassOptions& options) {
  const std::vector<std::string> languages = speech_to_text_languages(options);
  const std::string token = fmt::format("<lang:{}>", options.text("tgt_lang", "pt"));
  if (std::find(languages.begin(), languages.end(), token) == languages.end()) {
    throw Error(ErrorKind::kInvalidFile, "tokenizer_config.json",
                fmt::format("tgt_lang is '{}', no language of lang_codes", options.text("tgt_lang", "pt")));
  }
  return token;
}

LegacyTokenizer read_bartpho(const std::string& folder, const FolderSettings& settings) {
  PythonClass parts = piece_class(read_sentencepiece_file(folder + "/sentencepiece.bpe.model"), settings);
  const SpecialTokens tokens = settings.values.special_tokens();
  Vocabulary vocabulary;
  const auto add = [&](std::string_view token) {
    if (vocabulary.find(token) == Vocabulary::kNone) vocabulary.add(token, static_cast<int32_t>(vocabulary.size()));
  };
  for (const auto& token :
       {tokens.bos_token, tokens.pad_token, tokens.eos_token, tokens.unk_token, tokens.sep_token, tokens.cls_token}) {
    add(token.value_or("None"));
  }
  const std::string dictionary = read_file(folder + "/dict.txt");
  for (const std::string_view line : lines_of(dictionary, "dict.txt")) {
    const std::string_view word = first_word(line);
    if (word.empty()) throw Error(ErrorKind::kInvalidFile, "dict.txt", "a line is empty");
    add(word);
  }
  add(tokens.mask_token.value_or("None"));
  parts.vocabulary.tokens = std::move(vocabulary);
  parts.vocabulary.unknown = tokens.unk_token;
  parts.single = "cls $A sep";
  parts.pair = "cls $A sep sep $B sep";
  return build_python_class(std::move(parts), settings);
}

std::vector<std::string> plbart_languages(const ClassOptions& options) {
  const std::string codes = options.text("language_codes", "base");
  if (codes == "base") return {"__java__", "__python__", "__en_XX__"};
  // Its <mask> is found in text, and is the unknown token.
  throw Error(ErrorKind::kUnsupported, "tokenizer_config.json",
              fmt::format("language_codes = '{}' of a PLBartTokenizer", codes), "base is read");
}

std::string plbart_language(const ClassOptions& options) {
  std::string language = options.text("src_lang", "");
  if (language.empty()) return language;
  if (!language.starts_with("__")) language = fmt::format("__{}__", language);
  const std::vector<std::string> languages = plbart_languages(options);
  if (std::find(languages.begin(), languages.end(), language) == languages.end()) {
    throw Error(ErrorKind::kInvalidArgument, "tokenizer", fmt::format("'{}' is no language of the model", language));
  }
  return language;
}

LegacyTokenizer read_plbart(const std::string& folder, const FolderSettings& settings) {
  const SharedProcessor processor = read_sentencepiece_file(folder + "/sentencepiece.bpe.model");
  const ClassOptions options(settings.config);
  PythonClass parts = piece_class(processor, settings);
  // fairseq's four tokens, the pieces but the first one further, the languages, the mask.
  const std::vector<SentencePiece>& pieces = processor->model().pieces;
  std::vector<std::string> own = {"<s>", "<pad>", "</s>", "<unk>"};
  Vocabulary vocabulary;
  for (size_t i = 0; i < own.size(); ++i) vocabulary.add(own[i], static_cast<int32_t>(i));
  auto id = static_cast<int32_t>(pieces.size()) + 1;
  for (const std::string& language : plbart_languages(options)) {
    vocabulary.add(language, id++);
    own.push_back(language);
  }
  vocabulary.add("<mask>", id);
  own.emplace_back("<mask>");
  for (size_t i = 1; i < pieces.size(); ++i) {
    if (vocabulary.find(pieces[i].text) == Vocabulary::kNone) {
      vocabulary.add(pieces[i].text, static_cast<int32_t>(i) + 1);
    }
  }
  parts.vocabulary.tokens = std::move(vocabulary);
  parts.vocabulary.unknown = settings.values.special_tokens().unk_token;
  // The reference forgets how these are added, but still finds them.
  parts.change_added = [own](std::vector<AddedToken>& tokens) {
    for (AddedToken& token : tokens) {
      if (std::find(own.begin(), own.end(), token.content) != own.end()) token.lstrip = token.rstrip = false;
    }
  };
  parts.language = plbart_language(options);
  parts.single = parts.language.empty() ? "$A eos" : "$A eos language";
  parts.pair = parts.language.empty() ? "$A $B eos" : "$A $B eos language";
  return build_python_class(std::move(parts), settings);
}

}  // namespace imago::tokenizers
