// Masked language modelling: tokens are hidden, and the model is to tell what they were.
#pragma once

#include <string>
#include <vector>

#include "imago/tokenizers/pretrained_tokenizer.h"
#include "imago/train/data_collator.h"
#include "imago/train/dataset.h"

namespace imago {

struct MaskingOptions {
  double mlm_probability = 0.15;                              // of each token, or of each word
  double mask_replace_prob = 0.8, random_replace_prob = 0.1;  // of what is chosen; the rest stays as it is
  bool whole_word_mask = false;
};

// The reference's DataCollatorForLanguageModeling with mlm = true: pads, chooses tokens that are not special, and gives
// labels for those alone. Drawn from the training's generator, as torch draws; outside of training always the same.
// With whole_word_mask the tokens of a word go together; examples need word_ids (see below) then.
// Throws Error kInvalidArgument for a tokenizer without a mask token and for probabilities that are none.
DataCollator data_collator_for_masked_language_modeling(const PretrainedTokenizer& tokenizer,
                                                        const MaskingOptions& options);

// Each text as an example: input_ids of at most `max_length` tokens with the special ones, and
// word_ids [T], which count words and are -1 for special tokens.
MemoryDataset texts_with_word_ids(const std::vector<std::string>& texts, const Tokenizer& tokenizer,
                                  int64_t max_length);

}  // namespace imago
