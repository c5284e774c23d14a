// The merges of byte-pair encodings whose files give ranks only: a token may come from every pair of shorter tokens
// that spells it.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "imago/tokenizers/models/merge_table.h"
#include "imago/tokenizers/vocabulary.h"

namespace imago::tokenizers {

// Tokens longer than this are refused: their splits are counted by the square of the length.
inline constexpr size_t kMaxMergedTokenBytes = 2048;

// Pieces are cut between characters; the pairs come by id, those of one token by the length of the left part.
// Throws Error kLimitExceeded.
std::vector<MergeRule> merges_of_pieces(const Vocabulary& vocabulary, std::string_view where);

// The same in the order in which SentencePiece merges: the best score (by id) first, of equal ones the lower id.
std::vector<MergeRule> merges_by_score(const Vocabulary& vocabulary, std::span<const float> scores,
                                       std::string_view where);

// Byte strings (what tiktoken's files hold) are cut between bytes; the pairs of one token come by the ids of the left
// and the right part. Throws Error kLimitExceeded.
std::vector<MergeRule> merges_of_byte_strings(const Vocabulary& byte_strings, std::string_view where);

}  // namespace imago::tokenizers
