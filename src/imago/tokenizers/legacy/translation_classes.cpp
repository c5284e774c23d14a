// Marian and M2M-100: SentencePiece cuts, and a vocabulary of its own numbers the pieces.
#include <fmt/core.h>

#include <algorithm>
#include <filesystem>

#include "imago/base/error.h"
#include "imago/base/file.h"
#include "imago/tokenizers/decoders/decoders.h"
#include "imago/tokenizers/legacy/python_classes.h"
#include "imago/tokenizers/legacy/sentencepiece_stages.h"
#include "imago/tokenizers/legacy/vocabulary_files.h"

namespace imago::tokenizers {
namespace {

constexpr std::string_view kM2M100Languages =
    "af am ar ast az ba be bg bn br bs ca ceb cs cy da de el en es et fa ff fi fr fy ga gd gl gu ha he hi hr ht hu hy "
    "id ig ilo is it ja jv ka kk km kn ko lb lg ln lo lt lv mg mk ml mn mr ms my ne nl no ns oc or pa pl ps pt ro ru "
    "sd si sk sl so sq sr ss su sv sw ta th tl tn tr uk ur uz vi wo xh yi yo zh zu";
constexpr std::string_view kWmt21Languages = "en ha is ja cs ru zh de";

std::vector<std::string> m2m_100_languages(const ClassOptions& options) {
  const std::string codes = options.text("language_codes", "m2m100");
  if (codes != "m2m100" && codes != "wmt21") {
    throw Error(ErrorKind::kUnsupported, "tokenizer_config.json", fmt::format("language_codes is '{}'", codes),
                "m2m100 and wmt21 are known");
  }
  std::vector<std::string> languages;
  for (std::string_view rest = codes == "m2m100" ? kM2M100Languages : kWmt21Languages; !rest.empty();) {
    const std::string_view code = rest.substr(0, rest.find(' '));
    languages.push_back(fmt::format("__{}__", code));
    rest.remove_prefix(std::min(rest.size(), code.size() + 1));
  }
  return languages;
}

}  // namespace

Vocabulary read_vocab_json(const std::string& folder, const char* name) {
  const std::string path = folder + "/" + name;
  return parse_vocab_json(MappedFile::open(path).text(), name);
}

LegacyTokenizer read_marian(const std::string& folder, const FolderSettings& settings) {
  const ClassOptions options(settings.config);
  const SpecialTokens tokens = settings.values.special_tokens();
  const SharedProcessor source = read_sentencepiece_file(folder + "/source.spm");
  const SharedProcessor target = read_sentencepiece_file(folder + "/target.spm");
  PythonClass parts;
  parts.vocabulary.tokens = read_vocab_json(folder, "vocab.json");
  parts.vocabulary.unknown = tokens.unk_token;
  const bool separate = options.boolean("separate_vocabs", false);
  Vocabulary output = read_vocab_json(folder, separate ? "target_vocab.json" : "vocab.json");
  const std::vector<SentencePiece>& pieces = (separate ? target : source)->model().pieces;
  for (size_t id = 0; id < pieces.size(); ++id) {
    if (!output.contains_id(static_cast<int32_t>(id))) output.add(pieces[id].text, static_cast<int32_t>(id));
  }
  parts.vocabulary.output = std::move(output);
  parts.vocabulary.decodes_unknown_ids = false;
  if (!tokens.unk_token || parts.vocabulary.tokens.find(*tokens.unk_token) == Vocabulary::kNone) {
    throw Error(ErrorKind::kInvalidFile, "vocab.json", "the unknown token is not in it");
  }
  parts.normalizer = sentencepiece_normalizer(source, {}, true);
  parts.cutter = sentencepiece_cutter(source, 0, true);
  // The reference decodes with the source's model unless the vocabularies are apart.
  const auto join = sentencepiece_text(separate ? target : source, {.before = "", .behind = " ", .strips = false});
  parts.to_text = [join](std::span<const std::string> names, PythonClass::IsSpecial special) {
    return std::string(strip(replace_all(join(names, special), "\u2581", " ")));
  };
  parts.single = "$A eos";
  parts.pair = "$A $B eos";
  return build_python_class(std::move(parts), settings);
}

std::string m2m_100_language(const ClassOptions& options) {
  const std::string token = fmt::format("__{}__", options.text("src_lang", "en"));
  const std::vector<std::string> languages = m2m_100_languages(options);
  if (std::find(languages.begin(), languages.end(), token) == languages.end()) {
    throw Error(ErrorKind::kInvalidArgument, "tokenizer",
                fmt::format("'{}' is no language of the model", options.text("src_lang", "en")),
                options.text("language_codes", "m2m100") == "m2m100" ? std::string(kM2M100Languages)
                                                                     : std::string(kWmt21Languages));
  }
  return token;
}

LegacyTokenizer read_m2m_100(const std::string& folder, const FolderSettings& settings) {
  const ClassOptions options(settings.config);
  const SharedProcessor processor = read_sentencepiece_file(folder + "/sentencepiece.bpe.model");
  PythonClass parts;
  parts.vocabulary.tokens = read_vocab_json(folder, "vocab.json");
  parts.vocabulary.unknown = settings.values.special_tokens().unk_token;
  parts.vocabulary.uncounted = m2m_100_languages(options);
  parts.vocabulary.first_uncounted = static_cast<int32_t>(parts.vocabulary.tokens.size());
  parts.normalizer = sentencepiece_normalizer(processor);
  parts.cutter = sentencepiece_cutter(processor);
  parts.to_text = sentencepiece_text(processor, {.before = "", .behind = ""});
  parts.language = m2m_100_language(options);
  parts.single = "language $A eos";
  parts.pair = "language $A $B eos";
  return build_python_class(std::move(parts), settings);
}

}  // namespace imago::tokenizers
