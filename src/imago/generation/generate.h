// Generating token sequences with any language model.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "imago/generation/generation_config.h"
#include "imago/nn/model.h"

namespace imago {

struct SequenceState;

// What the caller may watch and decide while tokens come. All are optional.
struct GenerationHooks {
  // Called with each row's next token as it is chosen (greedy and sampling; beams are only known at the end).
  std::function<void(int64_t row, int64_t token)> on_token;
  // Whether a sequence (without its prompt) is to end here, beside the configuration's own reasons: stop strings.
  std::function<bool(std::span<const int64_t> generated)> stops;
  // Changes a row's scores behind the configuration's own penalties and bans.
  std::function<void(const SequenceState& state, std::span<float> scores)> process_scores;
};

struct GenerationOutput {
  // The rows' sequences, prompt included, of an encoder-decoder model the decoder's: rows * num_return_sequences, one
  // behind the other for each row. Ended ones are as long as they are: without padding behind.
  std::vector<std::vector<int64_t>> sequences;
  std::vector<double> scores;  // beam search: log probability over length^length_penalty
  int64_t prompt_length = 0;   // of the longest row, its padding included

  // As the reference returns them: [rows, tokens] int64, the shorter ones padded.
  Tensor padded(const GenerationConfig& config) const;
};

// Continues each row of `input_ids` [rows, tokens] (for an encoder-decoder model: answers it). `attention_mask` marks
// the padding, which stands in front of a decoder's prompt; where undefined it is inferred from pad_token_id as in the
// reference. Throws Error kInvalidArgument for an empty prompt without bos_token_id, kUnsupported for a model that does
// not generate.
GenerationOutput generate(const Model& model, const Tensor& input_ids, const Tensor& attention_mask,
                          const GenerationConfig& config, const GenerationHooks& hooks = {});

}  // namespace imago
