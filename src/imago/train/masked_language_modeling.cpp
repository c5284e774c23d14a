#include "imago/train/masked_language_modeling.h"

#include <fmt/core.h>

#include <set>

#include "imago/base/error.h"
#include "imago/nn/dropout.h"
#include "imago/nn/losses.h"

namespace imago {
namespace {

constexpr const char* kWhere = "masked language modelling";
constexpr uint64_t kEvaluationSeed = 0;

// What is hidden of a batch of tokens.
class Masker {
 public:
  Masker(const MaskingOptions& options, int64_t mask_token, int64_t vocab_size)
      : options_(options), mask_token_(mask_token), vocab_size_(vocab_size) {}

  // Draws in the reference's order. `may_be_chosen` has a probability's place for each token.
  void run(TorchGenerator& generator, const std::vector<uint8_t>& may_be_chosen, const std::vector<int64_t>& words,
           int64_t row_length, std::vector<int64_t>& ids, std::vector<int64_t>& labels) const {
    std::vector<float> probabilities;
    for (const uint8_t may : may_be_chosen) {
      probabilities.push_back(may != 0 ? static_cast<float>(options_.mlm_probability) : 0.0F);
    }
    std::vector<uint8_t> chosen = generator.bernoulli(probabilities);
    if (options_.whole_word_mask) spread(words, row_length, chosen);
    labels = ids;
    for (size_t i = 0; i < ids.size(); ++i) {
      if (chosen[i] == 0) labels[i] = nn::kIgnoredLabel;
    }
    const std::vector<uint8_t> masked = draw(generator, options_.mask_replace_prob, ids.size());
    for (size_t i = 0; i < ids.size(); ++i) {
      if (chosen[i] != 0 && masked[i] != 0) ids[i] = mask_token_;
    }
    if (options_.mask_replace_prob == 1 || options_.random_replace_prob == 0) return;
    const double share = options_.random_replace_prob / (1 - options_.mask_replace_prob);
    const std::vector<uint8_t> random = draw(generator, share, ids.size());
    const std::vector<int64_t> other = generator.integers(static_cast<int64_t>(ids.size()), vocab_size_);
    for (size_t i = 0; i < ids.size(); ++i) {
      if (chosen[i] != 0 && masked[i] == 0 && random[i] != 0) ids[i] = other[i];
    }
  }

 private:
  static std::vector<uint8_t> draw(TorchGenerator& generator, double p, size_t count) {
    return generator.bernoulli(std::vector<float>(count, static_cast<float>(p)));
  }

  static void spread(const std::vector<int64_t>& words, int64_t row_length, std::vector<uint8_t>& chosen) {
    std::set<std::pair<int64_t, int64_t>> hidden;  // row and word
    for (size_t i = 0; i < chosen.size(); ++i) {
      if (chosen[i] != 0 && words[i] >= 0) hidden.insert({static_cast<int64_t>(i) / row_length, words[i]});
    }
    for (size_t i = 0; i < chosen.size(); ++i) {
      chosen[i] = words[i] >= 0 && hidden.contains({static_cast<int64_t>(i) / row_length, words[i]}) ? 1 : 0;
    }
  }

  MaskingOptions options_;
  int64_t mask_token_, vocab_size_;
};

TensorMap take_named(const TensorMap& example, std::initializer_list<const char*> names) {
  TensorMap taken;
  for (const char* name : names) {
    const auto found = example.find(name);
    if (found == example.end()) {
      throw Error(ErrorKind::kInvalidArgument, kWhere, fmt::format("the examples have no {}", name),
                  "make them with texts_with_word_ids");
    }
    taken.emplace(name, found->second);
  }
  return taken;
}

// Of each token whether it begins a word, in one row after another.
std::vector<uint8_t> word_starts(const std::vector<int64_t>& words, int64_t row_length) {
  std::vector<uint8_t> starts(words.size(), 0);
  for (size_t i = 0; i < words.size(); ++i) {
    const bool first_of_row = static_cast<int64_t>(i) % row_length == 0;
    starts[i] = words[i] >= 0 && (first_of_row || words[i - 1] != words[i]) ? 1 : 0;
  }
  return starts;
}

}  // namespace

DataCollator data_collator_for_masked_language_modeling(const PretrainedTokenizer& tokenizer,
                                                        const MaskingOptions& options) {
  const auto mask_token = tokenizer.mask_token_id();
  if (!mask_token) {
    throw Error(ErrorKind::kInvalidArgument, kWhere, "the tokenizer has no mask_token",
                "take a model that was trained with masks");
  }
  for (const double p : {options.mlm_probability, options.mask_replace_prob, options.random_replace_prob}) {
    if (!(p >= 0 && p <= 1)) throw Error(ErrorKind::kInvalidArgument, kWhere, fmt::format("{} is no probability", p));
  }
  if (options.mask_replace_prob + options.random_replace_prob > 1) {
    throw Error(ErrorKind::kInvalidArgument, kWhere, "mask_replace_prob and random_replace_prob are more than 1");
  }
  const Masker masker(options, *mask_token, static_cast<int64_t>(tokenizer.tokenizer().vocab_size()));
  const int64_t pad = tokenizer.pad_token_id().value_or(0);
  const bool whole = options.whole_word_mask;
  return [masker, pad, whole](std::span<const TensorMap> examples) {
    std::vector<TensorMap> rows, words;
    for (const TensorMap& example : examples) {
      rows.push_back(take_named(example, {"input_ids"}));
      words.push_back({{"labels", take_named(example, {"word_ids"}).at("word_ids")}});
    }
    TensorMap batch = data_collator_with_padding({.pad_token_id = pad})(rows);
    const Tensor& padded = batch.at("input_ids");
    const int64_t length = padded.size(1);
    // Padding is no word: -1, as of special tokens.
    const std::vector<int64_t> word_ids =
        data_collator_with_padding({.label_pad_token_id = -1})(words).at("labels").to_vector<int64_t>();
    std::vector<uint8_t> may;
    for (const int64_t word : word_ids) may.push_back(word >= 0 ? 1 : 0);
    if (whole) may = word_starts(word_ids, length);
    std::vector<int64_t> ids = padded.to_vector<int64_t>(), labels;
    TorchGenerator evaluation(kEvaluationSeed);
    TorchGenerator* training = nn::training_generator();
    masker.run(training != nullptr ? *training : evaluation, may, word_ids, length, ids, labels);
    const Shape shape = padded.shape();
    batch["input_ids"] = Tensor::from(ids, shape);
    batch["labels"] = Tensor::from(labels, shape);
    return batch;
  };
}

MemoryDataset texts_with_word_ids(const std::vector<std::string>& texts, const Tokenizer& tokenizer,
                                  int64_t max_length) {
  std::vector<TensorMap> examples;
  for (const std::string& text : texts) {
    const Encoding encoding = tokenizer.encode(text);
    std::vector<int64_t> ids, words;
    int64_t word = -1;
    for (size_t i = 0; i < encoding.size() && static_cast<int64_t>(i) < max_length; ++i) {
      const bool special = encoding.special_tokens_mask[i] != 0;
      const bool begins = i == 0 || encoding.special_tokens_mask[i - 1] != 0 ||
                          encoding.offsets[i].begin != encoding.offsets[i - 1].end;
      if (!special && begins) ++word;
      ids.push_back(encoding.ids[i]);
      words.push_back(special ? -1 : word);
    }
    if (ids.empty()) continue;
    examples.push_back({{"input_ids", Tensor::from(ids)}, {"word_ids", Tensor::from(words)}});
  }
  if (examples.empty()) throw Error(ErrorKind::kInvalidArgument, kWhere, "there is no text");
  return MemoryDataset(std::move(examples));
}

}  // namespace imago
