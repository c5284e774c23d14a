#include "imago/tokenizers/trainers/bpe_trainer.h"

#include <algorithm>
#include <map>
#include <queue>

#include "imago/base/error.h"
#include "imago/base/progress.h"
#include "imago/base/unicode.h"
#include "imago/tokenizers/models/bpe.h"
#include "imago/tokenizers/trainers/pair_counts.h"

namespace imago::tokenizers {
namespace {

class MergeLearner {
 public:
  explicit MergeLearner(const BpeTrainerOptions& options)
      : options_(options), max_length_(options.max_token_length.value_or(SIZE_MAX)) {}

  LearnedMerges learn(const WordCounts& counts) {
    const std::vector<WordCounts::Word> words = counts.sorted();
    for (const AddedToken& token : options_.special_tokens) token_id(token.content);
    add_alphabet(words);
    add_words(words);
    count_pairs();
    merge_pairs();
    return {std::move(vocabulary_), std::move(merges_)};
  }

 private:
  struct Symbol {
    int32_t id;
    uint32_t length;  // characters
  };
  struct Word {
    size_t begin;  // in symbols_
    uint32_t size;
    int64_t count;
  };
  // A pair that may be the next to merge. Its count may have fallen since; `words` are those that may have it.
  struct Candidate {
    int64_t count;
    TokenPair pair;
    std::vector<uint32_t> words;

    // The most frequent first, then the smallest ids.
    bool operator<(const Candidate& other) const {
      return count != other.count ? count < other.count : other.pair < pair;
    }
  };

  int32_t token_id(std::string_view token) {
    int32_t id = vocabulary_.find(token);
    if (id != Vocabulary::kNone) return id;
    id = static_cast<int32_t>(vocabulary_.size());
    vocabulary_.add(token, id);
    return id;
  }

  void add_alphabet(const std::vector<WordCounts::Word>& words) {
    std::map<char32_t, uint64_t> frequencies;
    for (const WordCounts::Word& word : words) {
      for_each_character(word.text, [&](char32_t c, std::string_view) { frequencies[c] += word.count; });
    }
    for (char32_t c : options_.initial_alphabet) frequencies[c] = UINT64_MAX;
    std::vector<std::pair<char32_t, uint64_t>> kept(frequencies.begin(), frequencies.end());
    if (options_.limit_alphabet && kept.size() > *options_.limit_alphabet) {
      std::stable_sort(kept.begin(), kept.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
      kept.resize(*options_.limit_alphabet);
      std::sort(kept.begin(), kept.end());
    }
    for (const auto& [c, frequency] : kept) {
      std::string text;
      append_utf8(text, c);
      token_id(text);
    }
  }

  template <class Visit>
  static void for_each_character(std::string_view text, Visit visit) {
    while (!text.empty()) {
      const DecodedCharacter character = decode_utf8(text);
      visit(character.code_point, text.substr(0, character.size));
      text.remove_prefix(character.size);
    }
  }

  void add_words(const std::vector<WordCounts::Word>& words) {
    std::string token;
    for (const WordCounts::Word& word : words) {
      const size_t begin = symbols_.size();
      const char* end = word.text.data() + word.text.size();
      for_each_character(word.text, [&](char32_t, std::string_view character) {
        if (vocabulary_.find(character) == Vocabulary::kNone) return;  // not in the alphabet
        token = character;
        if (options_.continuing_subword_prefix && character.data() != word.text.data()) {
          token.insert(0, *options_.continuing_subword_prefix);
        }
        if (options_.end_of_word_suffix && character.data() + character.size() == end) {
          token += *options_.end_of_word_suffix;
        }
        symbols_.push_back({token_id(token), 1});
      });
      words_.push_back({begin, static_cast<uint32_t>(symbols_.size() - begin), static_cast<int64_t>(word.count)});
    }
  }

  void count_pairs() {
    for (uint32_t w = 0; w < words_.size(); ++w) {
      const Symbol* symbols = symbols_.data() + words_[w].begin;
      for (uint32_t i = 0; i + 1 < words_[w].size; ++i) {
        pairs_.add({symbols[i].id, symbols[i + 1].id}, words_[w].count, w);
      }
    }
    queue_new_pairs();
  }

  void queue_new_pairs() {
    pairs_.take_grown([&](TokenPair pair, int64_t count, std::vector<uint32_t> words) {
      if (count > 0) queue_.push({count, pair, std::move(words)});
    });
  }

  void merge_pairs() {
    std::optional<Progress> progress;
    if (options_.show_progress) {
      const size_t known = std::min(vocabulary_.size(), options_.vocab_size);
      progress.emplace("merging", static_cast<int64_t>(options_.vocab_size - known), "tokens");
    }
    while (vocabulary_.size() < options_.vocab_size && !queue_.empty()) {
      // Moving out of the top leaves its order as it is.
      Candidate top = std::move(const_cast<Candidate&>(queue_.top()));
      queue_.pop();
      if (const int64_t count = pairs_.count(top.pair); count != top.count) {
        top.count = count;
        queue_.push(std::move(top));
        continue;
      }
      if (top.count < 1 || static_cast<uint64_t>(top.count) < options_.min_frequency) break;
      const int32_t merged = token_id(merged_token(top.pair));
      merges_.push_back({top.pair.left, top.pair.right, merged});
      for (uint32_t word : top.words) merge_in_word(word, top.pair, merged);
      queue_new_pairs();
      if (progress) progress->advance();
    }
  }

  std::string merged_token(TokenPair pair) const {
    std::string_view right = vocabulary_.token(pair.right);
    const std::string& prefix = options_.continuing_subword_prefix.value_or(std::string());
    if (right.starts_with(prefix)) right.remove_prefix(prefix.size());
    return std::string(vocabulary_.token(pair.left)) + std::string(right);
  }

  // Replaces the pair in a word, from left to right, and counts what that changes.
  void merge_in_word(uint32_t w, TokenPair pair, int32_t merged) {
    Word& word = words_[w];
    Symbol* symbols = symbols_.data() + word.begin;
    uint32_t size = 0;
    for (uint32_t i = 0; i < word.size; ++i) {
      const bool found = symbols[i].id == pair.left && i + 1 < word.size && symbols[i + 1].id == pair.right;
      if (!found) {
        symbols[size++] = symbols[i];
        continue;
      }
      const Symbol joined{merged, symbols[i].length + symbols[i + 1].length};
      if (size > 0) {
        const Symbol& previous = symbols[size - 1];
        pairs_.remove({previous.id, pair.left}, word.count);
        if (grows(previous, joined)) pairs_.add({previous.id, merged}, word.count, w);
      }
      ++i;
      if (i + 1 < word.size) {
        const Symbol& next = symbols[i + 1];
        pairs_.remove({pair.right, next.id}, word.count);
        if (grows(joined, next)) pairs_.add({merged, next.id}, word.count, w);
      }
      symbols[size++] = joined;
    }
    word.size = size;
  }

  bool grows(const Symbol& left, const Symbol& right) const { return size_t{left.length} + right.length < max_length_; }

  const BpeTrainerOptions& options_;
  const size_t max_length_;
  Vocabulary vocabulary_;
  std::vector<Symbol> symbols_;
  std::vector<Word> words_;
  PairCounts pairs_;
  std::priority_queue<Candidate> queue_;
  std::vector<MergeRule> merges_;
};

}  // namespace

LearnedMerges learn_merges(const BpeTrainerOptions& options, const WordCounts& words) {
  return MergeLearner(options).learn(words);
}

std::unique_ptr<Model> BpeTrainer::train(const WordCounts& words, const Model& untrained) const {
  const auto* model = dynamic_cast<const Bpe*>(&untrained);
  if (model == nullptr) throw Error(ErrorKind::kInvalidArgument, "BpeTrainer", "the model is no BPE");
  BpeOptions options = model->options();
  options.continuing_subword_prefix = options_.continuing_subword_prefix;
  options.end_of_word_suffix = options_.end_of_word_suffix;
  LearnedMerges learned = learn_merges(options_, words);
  return std::make_unique<Bpe>(std::move(options), std::move(learned.vocabulary), learned.merges);
}

}  // namespace imago::tokenizers
