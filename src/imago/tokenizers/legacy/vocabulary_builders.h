// Tokenizers from each kind of vocabulary.
#pragma once

#include <optional>
#include <string_view>

#include "imago/base/json.h"
#include "imago/tokenizers/legacy/gguf_vocabulary.h"
#include "imago/tokenizers/legacy/legacy_tokenizer.h"
#include "imago/tokenizers/legacy/sentencepiece_model.h"
#include "imago/tokenizers/legacy/tiktoken_file.h"

namespace imago::tokenizers {

// What the builders need of the folder.
struct FolderSettings {
  const Json& config;
  const TokenizerClass* tokenizer_class;  // null: the generic one
  const SpecialTokenValues& values;
};

LegacyTokenizer build_word_piece(std::string_view vocab_txt, const FolderSettings& settings);
LegacyTokenizer build_byte_level(std::string_view vocab_json, std::string_view merges_txt,
                                 const FolderSettings& settings);

// Of no file: the tokens pad, eos and unk, then every byte.
LegacyTokenizer build_bytes(const FolderSettings& settings);

// As the class has it, or as the reference's generic class does.
LegacyTokenizer build_sentencepiece(const SentencePieceModel& model, const FolderSettings& settings);
// As the model's own normalizer and trainer settings say, without a class.
LegacyTokenizer build_sentencepiece(const SentencePieceModel& model);

// `encoding` gives the split and the special tokens; without one they are those of the reference's converter.
LegacyTokenizer build_tiktoken(std::string_view text, std::string_view where, const TiktokenEncoding* encoding,
                               const FolderSettings& settings);

LegacyTokenizer build_gguf(const GgufVocabulary& vocabulary);

}  // namespace imago::tokenizers
