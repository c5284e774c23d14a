// One run of a decoder with its cache, whichever kind of model it belongs to: what search strategies step through.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "imago/nn/model.h"

namespace imago {

struct ImageTextToText;
struct ImageTextToTextInputs;

// The rows of a batch advance together. R rows, V vocabulary.
class DecoderSession {
 public:
  virtual ~DecoderSession() = default;

  // Feeds new tokens [R, t] behind those seen so far and gives the scores of the next one: float32 [R, V].
  // Throws Error kInvalidArgument when they are not finite in a row.
  Tensor step(const Tensor& new_ids);

  // With false, every step computes all tokens anew. To be said before the first step.
  void set_use_cache(bool use_cache) { use_cache_ = use_cache; }

  // Row i becomes what row indices[i] was; there may be more rows than before.
  void select_rows(std::span<const int64_t> indices);

 protected:
  // Logits [R, 1, V] of the last token. The new ones are all tokens where the cache is empty.
  virtual Tensor forward(const Tensor& new_ids) = 0;
  virtual void select_inputs(const Tensor& indices) = 0;

  // See KeyValueCache; empty keeps keys and values as they come.
  explicit DecoderSession(const std::string& cache_dtype)
      : cache_(cache_dtype.empty() ? KeyValueCache() : KeyValueCache(cache_dtype)) {}

  bool uses_cache() const { return use_cache_; }

  KeyValueCache cache_;

 private:
  bool use_cache_ = true;
  Tensor seen_;  // without a cache: all tokens [R, T]
};

// Of a decoder-only model; the prompts' mask [R, T] may be undefined where there is no padding.
std::unique_ptr<DecoderSession> causal_session(const CausalLM& model, const Tensor& attention_mask,
                                               const std::string& cache_dtype = {});

// Of a model that reads pictures in a text: `prompt` is what it takes at first, its past_key_values left aside.
std::unique_ptr<DecoderSession> image_text_session(const ImageTextToText& model, const ImageTextToTextInputs& prompt,
                                                   const std::string& cache_dtype = {});

// Of an encoder-decoder model; runs the encoder on these inputs.
std::unique_ptr<DecoderSession> seq2seq_session(const Seq2SeqLM& model, const TextInputs& read,
                                                const std::string& cache_dtype = {});

}  // namespace imago
