#include "imago/generation/decoder_session.h"

#include "imago/base/error.h"
#include "imago/nn/image_text_to_text.h"
#include "imago/ops/binary/binary.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/concat/concat.h"
#include "imago/ops/cumulative/cumulative.h"
#include "imago/ops/index_select/index_select.h"
#include "imago/ops/operators.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/slice/slice.h"
#include "imago/ops/unary/unary.h"
#include "imago/tensor/grad_meta.h"

namespace imago {
namespace {

// The mask of `seen` tokens, of which the new ones are no padding; or what else there is to say of each.
Tensor extended(const Tensor& mask, int64_t seen, double of_new_ones = 1) {
  if (mask.size(1) >= seen) return mask;
  return concat({mask, Tensor::full({mask.size(0), seen - mask.size(1)}, of_new_ones, DType::i64)}, 1);
}

class CausalSession final : public DecoderSession {
 public:
  CausalSession(const CausalLM& model, const Tensor& attention_mask, const std::string& cache_dtype)
      : DecoderSession(cache_dtype), model_(model), mask_(attention_mask) {}

 private:
  Tensor forward(const Tensor& new_ids) override {
    TextInputs inputs;
    inputs.input_ids = new_ids;
    inputs.past_key_values = &cache_;
    inputs.logits_to_keep = 1;
    if (mask_) {
      mask_ = extended(mask_, cache_.length() + new_ids.size(1));
      inputs.attention_mask = mask_;
      // Padding in front does not count as position.
      const Tensor positions = clamp(cumsum(mask_, -1) - 1.0, 0.0);
      inputs.position_ids = slice(positions, 1, mask_.size(1) - new_ids.size(1));
    } else {
      // Said as the reference says it: RoBERTa, left to itself, would count from another number.
      const auto past = static_cast<double>(cache_.length());
      inputs.position_ids = unsqueeze(Tensor::arange(past, past + static_cast<double>(new_ids.size(1))), 0);
    }
    return model_.forward(inputs).logits;
  }

  void select_inputs(const Tensor& indices) override {
    if (mask_) mask_ = index_select(mask_, 0, indices);
  }

  const CausalLM& model_;
  Tensor mask_;
};

class ImageTextSession final : public DecoderSession {
 public:
  ImageTextSession(const ImageTextToText& model, const ImageTextToTextInputs& prompt, const Tensor& attention_mask,
                   const std::string& cache_dtype)
      : DecoderSession(cache_dtype), model_(model), prompt_(prompt), mask_(attention_mask) {}

 private:
  Tensor forward(const Tensor& new_ids) override {
    const bool first = cache_.length() == 0;
    ImageTextToTextInputs inputs;
    if (first && uses_cache()) inputs = std::move(prompt_);
    if (!uses_cache()) inputs = prompt_;
    if (mask_) mask_ = extended(mask_, cache_.length() + new_ids.size(1));
    inputs.input_ids = new_ids;
    if (inputs.mm_token_type_ids) inputs.mm_token_type_ids = extended(inputs.mm_token_type_ids, new_ids.size(1), 0);
    inputs.attention_mask = mask_;
    inputs.past_key_values = &cache_;
    inputs.logits_to_keep = 1;
    inputs.labels = {};
    if (first) {
      inputs.position_ids = model_.prompt_positions(inputs);
      // A picture takes less room than its tokens do in some models: text goes on behind its last position.
      const bool axes = inputs.position_ids.dim() == 3;
      next_ = amax(axes ? amax(inputs.position_ids, {0}) : inputs.position_ids, {-1}, true) + 1.0;
    } else {
      const auto count = static_cast<double>(new_ids.size(1));
      inputs.position_ids = next_ + unsqueeze(Tensor::arange(0, count), 0);
      next_ = next_ + count;
    }
    return model_.forward(inputs).logits;
  }

  void select_inputs(const Tensor& indices) override {
    if (!uses_cache()) {
      throw Error(ErrorKind::kUnsupported, "generate", "several sequences of a text with pictures without a cache",
                  "set use_cache to true, or num_beams and num_return_sequences to 1");
    }
    next_ = index_select(next_, 0, indices);
    if (mask_) mask_ = index_select(mask_, 0, indices);
  }

  const ImageTextToText& model_;
  ImageTextToTextInputs prompt_;  // with a cache only until the first step
  Tensor mask_, next_;            // next_ [R, 1]: where the next token stands
};

class Seq2SeqSession final : public DecoderSession {
 public:
  Seq2SeqSession(const Seq2SeqLM& model, const TextInputs& read, const std::string& cache_dtype)
      : DecoderSession(cache_dtype), model_(model), mask_(read.attention_mask) {
    encoded_ = model.encode(read).last_hidden_state;
  }

 private:
  Tensor forward(const Tensor& new_ids) override {
    TextInputs inputs;
    inputs.encoder_last_hidden_state = encoded_;
    inputs.attention_mask = mask_;
    inputs.decoder_input_ids = new_ids;
    inputs.past_key_values = &cache_;
    inputs.logits_to_keep = 1;
    const Tensor logits = model_.forward(inputs).logits;
    return slice(logits, 1, logits.size(1) - 1);
  }

  void select_inputs(const Tensor& indices) override {
    encoded_ = index_select(encoded_, 0, indices);
    if (mask_) mask_ = index_select(mask_, 0, indices);
  }

  const Seq2SeqLM& model_;
  Tensor mask_, encoded_;
};

// A mask without padding is no mask.
Tensor without_trivial(const Tensor& mask) {
  if (!mask) return {};
  const Tensor numbers = cast(mask, DType::i64);
  return all(numbers).item<bool>() ? Tensor() : numbers;
}

}  // namespace

Tensor DecoderSession::step(const Tensor& new_ids) {
  const NoGrad no_grad;
  Tensor ids = new_ids;
  if (!use_cache_) {
    cache_.clear();
    ids = seen_ = seen_ ? concat({seen_, new_ids}, 1) : new_ids;
  }
  const Tensor logits = forward(ids);
  const Tensor scores = cast(select(logits, 1, logits.size(1) - 1), DType::f32);
  // -infinity is a score that a model may give; NaN, or a row of nothing else, means that its values are broken.
  const Tensor best = amax(scores, {-1});
  if (!all(isfinite(best)).item<bool>()) {
    throw Error(ErrorKind::kInvalidArgument, "generate", "the model's scores are not finite numbers",
                "check the checkpoint for NaN, or use a wider dtype");
  }
  return scores;
}

void DecoderSession::select_rows(std::span<const int64_t> indices) {
  cache_.reorder(indices);
  const Tensor rows = Tensor::from(indices, {static_cast<int64_t>(indices.size())});
  if (seen_) seen_ = index_select(seen_, 0, rows);
  select_inputs(rows);
}

std::unique_ptr<DecoderSession> causal_session(const CausalLM& model, const Tensor& attention_mask,
                                               const std::string& cache_dtype) {
  return std::make_unique<CausalSession>(model, without_trivial(attention_mask), cache_dtype);
}

std::unique_ptr<DecoderSession> image_text_session(const ImageTextToText& model, const ImageTextToTextInputs& prompt,
                                                   const std::string& cache_dtype) {
  return std::make_unique<ImageTextSession>(model, prompt, without_trivial(prompt.attention_mask), cache_dtype);
}

std::unique_ptr<DecoderSession> seq2seq_session(const Seq2SeqLM& model, const TextInputs& read,
                                                const std::string& cache_dtype) {
  const NoGrad no_grad;
  TextInputs inputs = read;
  inputs.attention_mask = without_trivial(read.attention_mask);
  return std::make_unique<Seq2SeqSession>(model, inputs, cache_dtype);
}

}  // namespace imago
