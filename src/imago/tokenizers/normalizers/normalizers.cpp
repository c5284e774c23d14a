#include "imago/tokenizers/normalizers/normalizers.h"

#include "imago/base/error.h"

namespace imago::tokenizers {

std::unique_ptr<Normalizer> make_normalizer(const Json& json) {
  struct Entry {
    std::string_view type;
    MakeNormalizer* make;
  };
  static constexpr Entry kTypes[] = {
      {"Bert", make_bert_normalizer},
      {"BertNormalizer", make_bert_normalizer},
      {"ByteLevel", make_byte_level_normalizer},
      {"Lowercase", make_lowercase},
      {"NFC", make_unicode_form},
      {"NFD", make_unicode_form},
      {"NFKC", make_unicode_form},
      {"NFKD", make_unicode_form},
      {"Nmt", make_nmt},
      {"Precompiled", make_precompiled},
      {"Prepend", make_prepend},
      {"Replace", make_replace_normalizer},
      {"Sequence", make_normalizer_sequence},
      {"Strip", make_strip_normalizer},
      {"StripAccents", make_strip_accents},
  };
  StageJson reader(json, "normalizer");
  for (const Entry& entry : kTypes) {
    if (entry.type != reader.type()) continue;
    std::unique_ptr<Normalizer> normalizer = entry.make(reader);
    reader.done();
    return normalizer;
  }
  throw Error(ErrorKind::kUnsupported, "normalizer", "the type '" + reader.type() + "' is unknown");
}

}  // namespace imago::tokenizers
