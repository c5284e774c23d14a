// What generation_config.json and the caller say about generating text; names, defaults and meaning are the
// reference's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "imago/nn/config.h"
#include "imago/tensor/fields.h"

namespace imago {

struct GenerationConfig {
  // Length. Tokens of the prompt count in *_length, not in *_new_tokens, which win over them.
  std::optional<int64_t> max_length, max_new_tokens, min_length, min_new_tokens;
  std::vector<std::string> stop_strings;  // ends a sequence whose text has one of them

  // Greedy and one beam by default.
  bool do_sample = false;
  int64_t num_beams = 1;
  int64_t num_return_sequences = 1;
  double length_penalty = 1;             // beams are ranked by log probability / length^length_penalty
  std::string early_stopping = "false";  // "true", "false" or "never": when beam search gives up on better beams

  // What becomes of the scores before a token is chosen; the second line only when sampling.
  double repetition_penalty = 1;
  int64_t no_repeat_ngram_size = 0;
  std::vector<int64_t> suppress_tokens, begin_suppress_tokens, forced_eos_token_id;
  std::optional<int64_t> forced_bos_token_id;
  double temperature = 1;
  int64_t top_k = 50;
  double top_p = 1, typical_p = 1;
  std::optional<double> min_p;

  std::optional<int64_t> pad_token_id, bos_token_id, decoder_start_token_id;
  std::vector<int64_t> eos_token_id;
  // What keys and values of tokens seen are kept in: empty for the model's dtype, or f16, bf16, q8_0, q4_0, ... (weight
  // formats). The reference's cache_implementation "quantized" is q4_0, or with nbits of 8 in cache_config q8_0; its
  // other kinds of cache give what none gives.
  std::string cache_dtype;
  // false computes every token from all before it, without a cache: slow, and where positions depend on the length
  // another model. Only the caller says so; of a checkpoint's file it is left aside.
  bool use_cache = true;
  int64_t seed = 0;  // of the random numbers that sampling draws; the reference's own stream is not reproduced

  FIELDS(max_length, max_new_tokens, min_length, min_new_tokens, stop_strings, do_sample, num_beams,
         num_return_sequences, length_penalty, early_stopping, repetition_penalty, no_repeat_ngram_size,
         suppress_tokens, begin_suppress_tokens, forced_eos_token_id, forced_bos_token_id, temperature, top_k, top_p,
         typical_p, min_p, pad_token_id, bos_token_id, decoder_start_token_id, eos_token_id, cache_dtype, use_cache,
         seed)

  // From generation_config.json's text. Throws Error kUnsupported for an option that is set and not known here, and
  // kInvalidFile for a value of the wrong type.
  static GenerationConfig from_json(const Json& json);
  // From a checkpoint's folder: generation_config.json, or what config.json says of special tokens where there is none.
  static GenerationConfig from_pretrained(const std::string& folder, const Config& model_config);

  // Sets options by name from a JSON object, as from_json reads them.
  void update(const Json& options);
  // Throws Error kInvalidArgument naming the first option whose value makes no sense.
  void validate() const;
};

}  // namespace imago
