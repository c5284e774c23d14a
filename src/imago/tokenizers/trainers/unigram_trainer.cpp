#include "imago/tokenizers/trainers/unigram_trainer.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <unordered_set>

#include "imago/base/error.h"
#include "imago/base/progress.h"
#include "imago/base/unicode.h"
#include "imago/tokenizers/models/unigram.h"
#include "imago/tokenizers/trainers/frequent_substrings.h"
#include "imago/tokenizers/trainers/unigram_lattice.h"

namespace imago::tokenizers {
namespace {

using Piece = PieceTree::Piece;

// Piece 0 while training, whatever the unk_token.
constexpr std::string_view kUnknown = "<UNK>";
// Sums are over so many parts of the words, each front to back, so that they do not depend on the number of threads.
constexpr size_t kParts = 8;
constexpr double kMinExpected = 0.5;

double digamma(double x) {
  double result = 0.0;
  for (; x < 7.0; x += 1.0) result -= 1.0 / x;
  x -= 1.0 / 2.0;
  const double xx = 1.0 / x, xx2 = xx * xx, xx4 = xx2 * xx2;
  result += std::log(x) + (1.0 / 24.0) * xx2 - 7.0 / 960.0 * xx4 + (31.0 / 8064.0) * xx4 * xx2 -
            (127.0 / 30720.0) * xx4 * xx4;
  return result;
}

std::u32string decode(std::string_view text) {
  std::u32string characters;
  while (!text.empty()) {
    const DecodedCharacter character = decode_utf8(text);
    characters += character.code_point;
    text.remove_prefix(static_cast<size_t>(character.size));
  }
  return characters;
}

std::string encode(std::u32string_view characters) {
  std::string text;
  for (char32_t c : characters) append_utf8(text, c);
  return text;
}

[[noreturn]] void refuse(std::string_view what, std::string_view hint = {}) {
  throw Error(ErrorKind::kInvalidArgument, "UnigramTrainer", what, hint);
}

// Seed 0 is the unknown piece; the others come with their logarithmic probabilities.
struct Seeds {
  std::vector<std::string> texts;
  std::vector<Piece> pieces;
};

Seeds make_seeds(const std::vector<WordCounts::Word>& words, const UnigramTrainerOptions& options) {
  std::vector<std::u32string> decoded;
  std::map<char32_t, uint32_t> frequencies;
  for (const WordCounts::Word& word : words) {
    decoded.push_back(decode(word.text));
    for (char32_t c : decoded.back()) {
      if (c != 0) frequencies[c] += static_cast<uint32_t>(word.count);
    }
  }
  std::vector<std::pair<uint32_t, char32_t>> characters;
  for (const auto& [c, frequency] : frequencies) characters.emplace_back(frequency, c);
  std::sort(characters.rbegin(), characters.rend());

  Seeds seeds;
  const auto add = [&](std::string text, double score) {
    seeds.pieces.push_back({static_cast<uint32_t>(seeds.texts.size()), score});
    seeds.texts.push_back(std::move(text));
  };
  add(std::string(kUnknown), std::numeric_limits<double>::quiet_NaN());
  double sum = 0.0;
  for (const auto& [frequency, c] : characters) add(encode(std::u32string(1, c)), frequency), sum += frequency;
  // At least one substring is taken, as in the reference.
  const size_t room = options.seed_size > characters.size() ? options.seed_size - characters.size() : 1;
  for (const FrequentSubstring& substring : frequent_substrings(decoded, options.max_piece_length, room)) {
    add(encode(substring.text), substring.score);
    sum += substring.score;
  }
  const double log_sum = std::log(sum);
  for (size_t i = 1; i < seeds.pieces.size(); ++i) {
    seeds.pieces[i].score = std::log(seeds.pieces[i].score) - log_sum;
  }
  return seeds;
}

class UnigramLearner {
 public:
  UnigramLearner(const UnigramTrainerOptions& options, const WordCounts& counts)
      : options_(options), words_(counts.sorted()), seeds_(make_seeds(words_, options)), tree_(seeds_.texts) {
    pieces_ = seeds_.pieces;
    tree_.assign(pieces_);
  }

  std::unique_ptr<Model> learn() {
    const std::set<char32_t> required = required_characters();
    if (required.size() > options_.vocab_size) {
      refuse(
          "the vocabulary is not large enough for the " + std::to_string(required.size()) + " characters of the text",
          "choose a larger vocab_size");
    }
    const size_t wanted = options_.vocab_size * 11 / 10;
    std::optional<Progress> progress;
    if (options_.show_progress) progress.emplace("expectation maximization", 0, "rounds");
    for (;;) {
      const size_t before = pieces_.size();
      for (size_t i = 0; i < options_.n_sub_iterations; ++i) {
        maximize(expect());
        if (progress) progress->advance();
      }
      if (pieces_.size() <= wanted) break;
      prune(wanted);
      if (pieces_.size() >= before) {
        refuse("no more pieces can be left out, and there are still " + std::to_string(pieces_.size()),
               "choose a larger vocab_size");
      }
    }
    return finish(required);
  }

 private:
  std::set<char32_t> required_characters() const {
    std::set<char32_t> characters(options_.initial_alphabet.begin(), options_.initial_alphabet.end());
    for (const WordCounts::Word& word : words_) {
      for (char32_t c : decode(word.text)) characters.insert(c);
    }
    return characters;
  }

  // Calls visit(part, word) for all words, the parts side by side.
  template <class Visit>
  void for_each_word(Visit visit) const {
    const size_t size = words_.size() / kParts + 1;
    parallel_for(kParts, 1, [&](int64_t begin, int64_t end) {
      for (auto part = static_cast<size_t>(begin); part < static_cast<size_t>(end); ++part) {
        const size_t last = std::min((part + 1) * size, words_.size());
        for (size_t i = part * size; i < last; ++i) visit(part, words_[i]);
      }
    });
  }

  static std::vector<double> sum(const std::vector<std::vector<double>>& parts) {
    std::vector<double> total = parts[0];
    for (size_t part = 1; part < parts.size(); ++part) {
      for (size_t i = 0; i < total.size(); ++i) total[i] += parts[part][i];
    }
    return total;
  }

  // How often each piece is expected in the text.
  std::vector<double> expect() const {
    std::vector<std::vector<double>> expected(kParts, std::vector<double>(pieces_.size(), 0.0));
    std::vector<UnigramLattice> lattices(kParts);
    std::vector<uint8_t> failed(kParts, 0);
    for_each_word([&](size_t part, const WordCounts::Word& word) {
      lattices[part].build(word.text, tree_);
      const double z = lattices[part].add_expected(static_cast<double>(word.count), expected[part]);
      failed[part] |= std::isnan(z);
    });
    if (std::find(failed.begin(), failed.end(), 1) != failed.end()) {
      refuse("the likelihood of a word is no number: it is too long, or contains \"<UNK>\"");
    }
    return sum(expected);
  }

  // The Bayesian form of the step, a sparse prior (Liang, Jordan, Klein 2007).
  void maximize(const std::vector<double>& expected) {
    std::vector<Piece> kept{{0, std::numeric_limits<double>::quiet_NaN()}};
    double total = 0.0;
    for (size_t id = 1; id < pieces_.size(); ++id) {
      if (expected[id] < kMinExpected) continue;
      kept.push_back({pieces_[id].seed, expected[id]});
      total += expected[id];
    }
    const double log_total = digamma(total);
    for (size_t id = 1; id < kept.size(); ++id) kept[id].score = digamma(kept[id].score) - log_total;
    pieces_ = std::move(kept);
    tree_.assign(pieces_);
  }

  // What a piece would be cut into if it were not there; `keep` when there is nothing.
  struct Replacement {
    bool keep = true;
    std::vector<int32_t> ids;
  };

  std::vector<Replacement> find_replacements() const {
    std::vector<Replacement> replacements(pieces_.size());
    replacements[0].keep = false;
    parallel_for(static_cast<int64_t>(pieces_.size()), 1024, [&](int64_t begin, int64_t end) {
      UnigramLattice lattice;
      std::vector<int32_t> first, second;
      for (auto id = static_cast<size_t>(std::max<int64_t>(begin, 1)); id < static_cast<size_t>(end); ++id) {
        lattice.build(seeds_.texts[pieces_[id].seed], tree_);
        lattice.two_best(first, second);
        if (second.empty()) continue;
        replacements[id].keep = first.size() < 2;
        if (first.size() == 1) replacements[id].ids = second;
      }
    });
    return replacements;
  }

  // How often each piece is in the best cuts of the text.
  std::vector<double> count_best() const {
    std::vector<std::vector<double>> frequencies(kParts, std::vector<double>(pieces_.size(), 0.0));
    std::vector<UnigramLattice> lattices(kParts);
    std::vector<std::vector<int32_t>> best(kParts);
    for_each_word([&](size_t part, const WordCounts::Word& word) {
      lattices[part].build(word.text, tree_);
      lattices[part].best(best[part]);
      for (int32_t id : best[part]) frequencies[part][static_cast<size_t>(id)] += static_cast<double>(word.count);
    });
    return sum(frequencies);
  }

  // Leaves out the pieces whose loss costs the least likelihood, if all their places went to their replacements.
  void prune(size_t wanted) {
    const std::vector<Replacement> replacements = find_replacements();
    const std::vector<double> frequency = count_best();
    double text_size = 0.0, total = 0.0;
    for (const WordCounts::Word& word : words_) text_size += static_cast<double>(word.count);
    for (double f : frequency) total += f;
    const double log_total = std::log(total);

    std::vector<Piece> kept{pieces_[0]};
    std::vector<std::pair<double, size_t>> losses;
    for (size_t id = 1; id < pieces_.size(); ++id) {
      const double f = frequency[id];
      if (f == 0.0 && !replacements[id].keep) continue;
      const std::vector<int32_t>& ids = replacements[id].ids;
      if (ids.empty()) {
        kept.push_back(pieces_[id]);
        continue;
      }
      if (f == 0.0) continue;
      // The number of all pieces stands where that of the replacements should: so it is in SentencePiece and in the
      // reference, and it settles which pieces stay.
      const double log_total_without = std::log(total + f * static_cast<double>(pieces_.size() - 1));
      double log_probability = 0.0;
      for (int32_t other : ids) {
        log_probability += std::log(frequency[static_cast<size_t>(other)] + f) - log_total_without;
      }
      losses.emplace_back(f / text_size * (std::log(f) - log_total - log_probability), id);
    }
    const auto shrunk = static_cast<size_t>(static_cast<double>(pieces_.size()) * options_.shrinking_factor);
    const size_t size = std::max(wanted, shrunk);
    std::stable_sort(losses.begin(), losses.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
    for (const auto& [loss, id] : losses) {
      if (kept.size() == size) break;
      kept.push_back(pieces_[id]);
    }
    pieces_ = std::move(kept);
    tree_.assign(pieces_);
  }

  // The best pieces behind the special tokens, all required characters among them.
  std::unique_ptr<Model> finish(const std::set<char32_t>& required) const {
    std::optional<int32_t> unk_id;
    bool add_unk = false;
    if (options_.unk_token) {
      const auto found = std::find_if(options_.special_tokens.begin(), options_.special_tokens.end(),
                                      [&](const AddedToken& token) { return token.content == *options_.unk_token; });
      add_unk = found == options_.special_tokens.end();
      unk_id = add_unk ? 0 : static_cast<int32_t>(found - options_.special_tokens.begin());
    }
    const size_t special = options_.special_tokens.size() + (add_unk ? 1 : 0);
    if (special > options_.vocab_size) refuse("there are more special tokens than vocab_size");

    const std::vector<std::pair<std::string, double>> chosen = choose_pieces(required, options_.vocab_size - special);
    std::vector<Unigram::Piece> vocabulary;
    if (add_unk) vocabulary.push_back({*options_.unk_token, 0.0});
    for (const AddedToken& token : options_.special_tokens) vocabulary.push_back({token.content, 0.0});
    for (const auto& [text, score] : chosen) vocabulary.push_back({text, score});
    return std::make_unique<Unigram>(vocabulary, unk_id, false);
  }

  std::vector<std::pair<std::string, double>> choose_pieces(const std::set<char32_t>& required, size_t count) const {
    constexpr double kPenalty = 0.0001;  // tells apart characters that are no piece
    std::map<std::string_view, double> scores;
    for (const Piece& piece : pieces_) scores[seeds_.texts[piece.seed]] = piece.score;
    std::vector<std::pair<std::string, double>> chosen;
    std::unordered_set<std::string> taken{std::string(kUnknown)};
    double penalty = 0.0;
    for (char32_t c : required) {
      std::string text = encode(std::u32string(1, c));
      const auto found = scores.find(text);
      const double score = found != scores.end() ? found->second : tree_.min_score() + penalty;
      if (found == scores.end()) penalty += kPenalty;
      taken.insert(text);
      chosen.emplace_back(std::move(text), score);
    }
    for (const Piece& piece : pieces_) {
      const std::string& text = seeds_.texts[piece.seed];
      if (!taken.insert(text).second) continue;
      chosen.emplace_back(text, piece.score);
      if (chosen.size() == count) break;
    }
    std::stable_sort(chosen.begin(), chosen.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
    return chosen;
  }

  const UnigramTrainerOptions& options_;
  std::vector<WordCounts::Word> words_;
  Seeds seeds_;
  PieceTree tree_;
  std::vector<Piece> pieces_;
};

}  // namespace

std::unique_ptr<Model> UnigramTrainer::train(const WordCounts& words, const Model& untrained) const {
  if (dynamic_cast<const Unigram*>(&untrained) == nullptr) refuse("the model is no Unigram");
  if (words.size() == 0) refuse("there is no text to learn from");
  if (options_.n_sub_iterations == 0 || options_.max_piece_length == 0) {
    refuse("n_sub_iterations and max_piece_length must be positive");
  }
  if (!(options_.shrinking_factor > 0.0 && options_.shrinking_factor < 1.0)) {
    refuse("shrinking_factor is not between 0 and 1");
  }
  return UnigramLearner(options_, words).learn();
}

}  // namespace imago::tokenizers
