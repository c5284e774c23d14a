// What tokenizer classes do to the pieces of a vocabulary, and the tokens that they have of their own.
#pragma once

#include <string>
#include <vector>

#include "imago/tokenizers/legacy/tokenizer_class.h"

namespace imago::tokenizers {

// Options of BPE models
BpeOptions byte_level_bpe(const SpecialTokens& tokens);
BpeOptions word_end_bpe(const SpecialTokens& tokens);
BpeOptions herbert_bpe(const SpecialTokens& tokens);
BpeOptions piece_bpe(const SpecialTokens& tokens);
BpeOptions llama_bpe(const SpecialTokens& tokens);
BpeOptions gemma_bpe(const SpecialTokens& tokens);

// Orders of pieces
using Pieces = std::vector<ScoredPiece>;
Pieces with_sentinels(Pieces pieces, const ClassOptions& options, const SpecialTokens& tokens);
Pieces as_fairseq(Pieces pieces, const ClassOptions& options, const SpecialTokens& tokens);
Pieces as_camembert(Pieces pieces, const ClassOptions& options, const SpecialTokens& tokens);
Pieces as_mbart(Pieces pieces, const ClassOptions& options, const SpecialTokens& tokens);
Pieces as_mbart50(Pieces pieces, const ClassOptions& options, const SpecialTokens& tokens);
Pieces as_nllb(Pieces pieces, const ClassOptions& options, const SpecialTokens& tokens);
Pieces as_pegasus(Pieces pieces, const ClassOptions& options, const SpecialTokens& tokens);
Pieces as_xglm(Pieces pieces, const ClassOptions& options, const SpecialTokens& tokens);
Pieces as_seamless(Pieces pieces, const ClassOptions& options, const SpecialTokens& tokens);

// Tokens of their own
std::vector<std::string> sentinels(const ClassOptions& options);       // <extra_id_0>, ...
std::vector<std::string> luke_entities(const ClassOptions& options);   // <ent> and <ent2>
std::vector<std::string> mluke_entities(const ClassOptions& options);  // with a Metaspace before each
std::vector<std::string> pegasus_tokens(const ClassOptions& options);  // <mask_1>, <unk_2>, ...
std::vector<std::string> made_up_words(const ClassOptions& options);   // <madeupword0>, ...
std::vector<std::string> byt5_sentinels(const ClassOptions& options);  // of another number
std::vector<std::string> question_token(const ClassOptions& options);
std::vector<std::string> infill_tokens(const ClassOptions& options);
std::vector<std::string> mbart_languages(const ClassOptions& options);
std::vector<std::string> mbart50_languages(const ClassOptions& options);

// The language that a class assumes
std::string mbart_language(const ClassOptions& options);
std::string nllb_language(const ClassOptions& options);
std::string seamless_language(const ClassOptions& options);

}  // namespace imago::tokenizers
