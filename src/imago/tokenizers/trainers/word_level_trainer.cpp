#include "imago/tokenizers/trainers/word_level_trainer.h"

#include <algorithm>

#include "imago/base/error.h"
#include "imago/tokenizers/models/word_level.h"

namespace imago::tokenizers {

std::unique_ptr<Model> WordLevelTrainer::train(const WordCounts& words, const Model& untrained) const {
  const auto* model = dynamic_cast<const WordLevel*>(&untrained);
  if (model == nullptr) throw Error(ErrorKind::kInvalidArgument, "WordLevelTrainer", "the model is no WordLevel");

  std::vector<WordCounts::Word> sorted = words.sorted();
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.count > b.count; });
  Vocabulary vocabulary;
  size_t size = 0;
  // A word that is a special token too takes a place again, and its later id counts: the reference's vocabulary.
  const auto add = [&](std::string_view token) {
    if (size < options_.vocab_size) vocabulary.add(token, static_cast<int32_t>(size++));
  };
  for (const AddedToken& token : options_.special_tokens) add(token.content);
  for (const WordCounts::Word& word : sorted) {
    if (word.count >= options_.min_frequency) add(word.text);
  }
  return std::make_unique<WordLevel>(std::move(vocabulary), model->unk_token());
}

}  // namespace imago::tokenizers
