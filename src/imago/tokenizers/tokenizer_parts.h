// What a Tokenizer is made of, for the code that reads and builds tokenizers.
#pragma once

#include <array>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "imago/tokenizers/added_vocabulary.h"
#include "imago/tokenizers/encoding.h"
#include "imago/tokenizers/stages.h"

namespace imago {

// Set the members, then call finish(), then make a Tokenizer of it. Afterwards stages are not changed any more, so that
// copies of a tokenizer share them; one that is to be other is replaced.
struct TokenizerParts {
  std::shared_ptr<const tokenizers::Normalizer> normalizer;  // may be null
  std::shared_ptr<tokenizers::PreTokenizer> pre_tokenizer;   // may be null
  std::shared_ptr<tokenizers::Model> model;
  std::shared_ptr<const tokenizers::PostProcessor> post_processor;  // may be null
  std::shared_ptr<const tokenizers::Decoder> decoder;               // may be null
  tokenizers::AddedVocabulary added_vocabulary;
  std::optional<Truncation> truncation;
  std::optional<Padding> padding;

  // Works out what is the same for every text: the short cut around byte-level spelling, and what the post-processor
  // puts around sequences.
  void finish();
  // Replaces the post-processor of parts that are finished.
  void replace_post_processor(std::shared_ptr<const tokenizers::PostProcessor> processor);

  // What finish() found.
  bool needs_alignments = false;
  // The ids that the post-processor makes of one sequence and of a pair, without and with special tokens; kFirst and
  // kSecond stand for the sequences.
  static constexpr int32_t kFirst = -1, kSecond = -2;
  std::array<std::array<std::vector<int32_t>, 2>, 2> layout;  // [pair][add_special_tokens]

  // Buffers of the model that no thread uses now.
  class ScratchPool {
   public:
    ScratchPool() = default;
    ScratchPool(const ScratchPool&) {}  // what copies of a tokenizer share is not this
    ScratchPool& operator=(const ScratchPool&) = delete;
    std::unique_ptr<tokenizers::ModelScratch> take(const tokenizers::Model& model);
    void give_back(std::unique_ptr<tokenizers::ModelScratch> used);
    void clear();

   private:
    std::mutex mutex_;
    std::vector<std::unique_ptr<tokenizers::ModelScratch>> free_;
  };
  mutable ScratchPool scratch_pool;

 private:
  void find_layout();
};

// Normalizes, takes added tokens out, and cuts the rest into the pieces that the model sees. Special tokens are text
// like any other unless `parse_special`, and in `literal` text, for which the string must be tracked.
void pre_tokenize(const TokenizerParts& parts, tokenizers::PreTokenizedString& string, bool parse_special = true,
                  const LiteralText* literal = nullptr);

}  // namespace imago
