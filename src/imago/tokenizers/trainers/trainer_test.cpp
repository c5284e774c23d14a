#include "imago/tokenizers/trainers/trainer.h"

#include <gtest/gtest.h>

#include <map>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/tokenizers/normalized_string.h"
#include "imago/tokenizers/trainers/unigram_trainer.h"
#include "imago/tokenizers/trainers/word_level_trainer.h"
#include "imago/tokenizers/trainers/word_piece_trainer.h"

namespace imago::tokenizers {
namespace {

// Texts, an untrained tokenizer and what the reference trained of them (tools/tokenizers/compare_trainers.py).
struct Golden {
  explicit Golden(const std::string& name)
      : json(read_json(std::string(IMAGO_SOURCE_DIR) + "/src/imago/tokenizers/trainers/golden/" + name + ".json")),
        texts(json["texts"].get<std::vector<std::string>>()),
        trained(json["trained"].get<std::string>()) {}

  std::string train_with(const Trainer& trainer) const {
    const Tokenizer untrained = Tokenizer::from_json(dump_json(json["untrained"]));
    size_t next = 0;
    return train(untrained, trainer,
                 [&](std::string& text) {
                   if (next == texts.size()) return false;
                   text = texts[next++];
                   return true;
                 })
        .to_json();
  }

  Json json;
  std::vector<std::string> texts;
  std::string trained;
};

// The special tokens that a golden was trained with, in the order of their ids.
std::vector<AddedToken> special_tokens(const Golden& golden) {
  std::vector<AddedToken> tokens;
  const Json trained = parse_json(golden.trained, "golden");
  for (const Json& token : trained["added_tokens"]) {
    tokens.push_back(special_token(token["content"].get<std::string>()));
  }
  return tokens;
}

TEST(BpeTrainer, ByteLevelIsThatOfTheReference) {
  BpeTrainerOptions options;
  options.vocab_size = 300;
  options.min_frequency = 2;
  options.special_tokens = {special_token("<s>")};
  for (int byte = 0; byte < 256; ++byte) {
    options.initial_alphabet.push_back(byte_to_character(static_cast<unsigned char>(byte)));
  }
  const Golden golden("byte_level_bpe");
  EXPECT_EQ(golden.train_with(BpeTrainer(options)), golden.trained);
}

TEST(BpeTrainer, TokenLengthAndSpecialTokensAreThoseOfTheReference) {
  BpeTrainerOptions options;
  options.vocab_size = 60;
  options.max_token_length = 4;
  options.special_tokens = {special_token("[UNK]"), special_token("the")};
  const Golden golden("bpe");
  EXPECT_EQ(golden.train_with(BpeTrainer(options)), golden.trained);
}

TEST(WordPieceTrainer, IsThatOfTheReference) {
  const Golden golden("wordpiece");
  BpeTrainerOptions options;
  options.vocab_size = 120;
  options.special_tokens = special_tokens(golden);
  EXPECT_EQ(golden.train_with(WordPieceTrainer(options)), golden.trained);
}

TEST(WordLevelTrainer, IsThatOfTheReference) {
  WordLevelTrainerOptions options;
  options.vocab_size = 12;
  options.special_tokens = {special_token("[UNK]"), special_token("the")};
  const Golden golden("wordlevel");
  EXPECT_EQ(golden.train_with(WordLevelTrainer(options)), golden.trained);
}

// The reference's scores differ in their last digits from run to run, and by a penalty for characters that are no
// piece, given in random order.
void expect_pieces_and_scores(const std::string& name, size_t vocab_size) {
  UnigramTrainerOptions options;
  options.vocab_size = vocab_size;
  options.unk_token = "<unk>";
  options.special_tokens = {special_token("<s>")};
  const Golden golden(name);
  const Json trained = parse_json(golden.train_with(UnigramTrainer(options)), "trained");
  const Json expected = parse_json(golden.trained, "golden");
  EXPECT_EQ(trained["model"]["unk_id"], expected["model"]["unk_id"]);
  std::map<std::string, double> scores;
  for (const Json& piece : trained["model"]["vocab"]) scores[piece[0].get<std::string>()] = piece[1].get<double>();
  ASSERT_EQ(scores.size(), expected["model"]["vocab"].size());
  constexpr double kPenalties = 50 * 0.0001;
  for (const Json& piece : expected["model"]["vocab"]) {
    ASSERT_TRUE(scores.contains(piece[0].get<std::string>())) << piece[0];
    EXPECT_NEAR(scores[piece[0].get<std::string>()], piece[1].get<double>(), kPenalties) << piece[0];
  }
}

TEST(UnigramTrainer, HasThePiecesAndScoresOfTheReference) { expect_pieces_and_scores("unigram", 50); }

TEST(UnigramTrainer, LeavesOutThePiecesThatTheReferenceLeavesOut) { expect_pieces_and_scores("unigram_pruned", 50); }

TEST(UnigramTrainer, RefusesAVocabularyThatIsTooSmall) {
  UnigramTrainerOptions options;
  options.vocab_size = 10;
  EXPECT_THROW(Golden("unigram").train_with(UnigramTrainer(options)), Error);
}

TEST(Trainer, RefusesAModelOfAnotherKind) {
  EXPECT_THROW(Golden("wordlevel").train_with(BpeTrainer({})), Error);
  EXPECT_THROW(Golden("bpe").train_with(UnigramTrainer({})), Error);
}

}  // namespace
}  // namespace imago::tokenizers
