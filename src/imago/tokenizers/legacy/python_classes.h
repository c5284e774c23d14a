// The tokenizer classes that the reference has in Python, each as a function that reads a folder. For the table in
// tokenizer_class.cpp.
#pragma once

#include <string>
#include <vector>

#include "imago/tokenizers/legacy/legacy_tokenizer.h"
#include "imago/tokenizers/legacy/vocabulary_builders.h"

namespace imago::tokenizers {

using ReadFolder = LegacyTokenizer(const std::string& folder, const FolderSettings& settings);

// Over SentencePiece
ReadFolder read_marian, read_m2m_100, read_speech_to_text, read_siglip, read_speecht5, read_bert_generation,
    read_gpt_sw3, read_bartpho, read_plbart;

// By words
ReadFolder read_phobert, read_bertweet, read_ctrl, read_blenderbot_small, read_esm;

// By characters and bytes
ReadFolder read_wav2vec2_ctc, read_mgp_str, read_perceiver, read_dia;

// The languages of their own and the one that they assume
std::string m2m_100_language(const ClassOptions& options);
std::string speech_to_text_language(const ClassOptions& options);
std::vector<std::string> speech_to_text_languages(const ClassOptions& options);
std::string plbart_language(const ClassOptions& options);  // empty: none
std::vector<std::string> plbart_languages(const ClassOptions& options);

// A vocab.json of a folder, by its name.
Vocabulary read_vocab_json(const std::string& folder, const char* name);

}  // namespace imago::tokenizers
