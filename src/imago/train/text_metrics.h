// How near texts that a model wrote are to texts that were wanted: one reference for each prediction.
#pragma once

#include <string>
#include <vector>

namespace imago {

// All throw Error kInvalidArgument where there are not as many references as predictions, or none.

// The share of predictions that are their reference.
double exact_match(const std::vector<std::string>& predictions, const std::vector<std::string>& references);

// Words to change, take out and put in, by the number of words in all references. Words are what white space parts.
double word_error_rate(const std::vector<std::string>& predictions, const std::vector<std::string>& references);

// BLEU (Papineni et al. 2002) of all texts together, 0 to 100, as sacrebleu's corpus_bleu has it: tokens of "13a", up
// to 4 of them, the brevity penalty, and counts of none smoothed by halves.
double bleu(const std::vector<std::string>& predictions, const std::vector<std::string>& references);

// ROUGE (Lin 2004), the mean F-measure of the texts, as the package rouge_score has it without a stemmer.
struct RougeScores {
  double rouge1 = 0, rouge2 = 0;  // single words, pairs
  double rougeL = 0;              // the longest common subsequence
};
RougeScores rouge(const std::vector<std::string>& predictions, const std::vector<std::string>& references);

}  // namespace imago
