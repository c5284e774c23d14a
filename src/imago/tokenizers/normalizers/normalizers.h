// The normalizers of tokenizer.json, one per file.
#pragma once

#include <memory>

#include "imago/tokenizers/normalized_string.h"
#include "imago/tokenizers/stage_json.h"
#include "imago/tokenizers/stages.h"

namespace imago::tokenizers {

// Builds the normalizer that the object describes. Throws Error kInvalidFile, or kUnsupported for an unknown type.
std::unique_ptr<Normalizer> make_normalizer(const Json& json);

using MakeNormalizer = std::unique_ptr<Normalizer>(StageJson& json);
MakeNormalizer make_bert_normalizer;
MakeNormalizer make_byte_level_normalizer;
MakeNormalizer make_lowercase;
MakeNormalizer make_nmt;
MakeNormalizer make_precompiled;
MakeNormalizer make_prepend;
MakeNormalizer make_replace_normalizer;
MakeNormalizer make_normalizer_sequence;
MakeNormalizer make_strip_normalizer;
MakeNormalizer make_strip_accents;
MakeNormalizer make_unicode_form;  // NFC, NFD, NFKC, NFKD

}  // namespace imago::tokenizers
