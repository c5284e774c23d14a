#include "imago/generation/generate.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "imago/base/error.h"
#include "imago/generation/beam_search.h"
#include "imago/generation/decoder_session.h"
#include "imago/generation/generate_about_images.h"
#include "imago/generation/sampling.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/compare/compare.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/tensor/grad_meta.h"

namespace imago {
namespace {

// Before anything is said about length, the reference gives this many tokens in all.
constexpr int64_t kDefaultMaxLength = 20;

void resolve_length(GenerationConfig& config, int64_t prompt_length) {
  if (config.max_new_tokens) {
    config.max_length = prompt_length + *config.max_new_tokens;
  } else if (!config.max_length) {
    config.max_length = prompt_length + kDefaultMaxLength;
  }
  if (*config.max_length <= prompt_length) {
    throw Error(ErrorKind::kInvalidArgument, "generate",
                fmt::format("the prompt has {} tokens, max_length allows {}", prompt_length, *config.max_length),
                "set max_new_tokens");
  }
}

// Padding is what equals pad_token_id, unless that also ends sequences.
Tensor infer_mask(const Tensor& input_ids, const GenerationConfig& config) {
  if (!config.pad_token_id) return {};
  const auto& eos = config.eos_token_id;
  if (std::find(eos.begin(), eos.end(), *config.pad_token_id) != eos.end()) return {};
  return cast(ne(input_ids, static_cast<double>(*config.pad_token_id)), DType::i64);
}

std::vector<std::vector<int64_t>> rows_of(const Tensor& ids) {
  const std::vector<int64_t> flat = ids.to_vector<int64_t>();
  std::vector<std::vector<int64_t>> rows;
  const int64_t tokens = ids.size(1);
  for (int64_t r = 0; r < ids.size(0); ++r)
    rows.emplace_back(flat.begin() + r * tokens, flat.begin() + (r + 1) * tokens);
  return rows;
}

Tensor with_bos(const Tensor& input_ids, const GenerationConfig& config) {
  if (input_ids.size(1) > 0) return input_ids;
  if (!config.bos_token_id) {
    throw Error(ErrorKind::kInvalidArgument, "generate", "the prompt is empty and there is no bos_token_id",
                "give at least one token");
  }
  return Tensor::full({input_ids.size(0), 1}, static_cast<double>(*config.bos_token_id), DType::i64);
}

// What the decoder of an encoder-decoder model begins with.
Tensor decoder_start(const GenerationConfig& config, int64_t rows) {
  const auto start = config.decoder_start_token_id ? config.decoder_start_token_id : config.bos_token_id;
  if (!start) {
    throw Error(ErrorKind::kInvalidArgument, "generate", "neither decoder_start_token_id nor bos_token_id is set",
                "set one in generation_config.json");
  }
  return Tensor::full({rows, 1}, static_cast<double>(*start), DType::i64);
}

void check_ids(const Tensor& input_ids) {
  if (input_ids.defined() && input_ids.dim() == 2 && input_ids.dtype() == DType::i64) return;
  throw Error(ErrorKind::kInvalidArgument, "generate",
              "input_ids must be int64 [rows, tokens], not " + input_ids.describe());
}

GenerationOutput search(DecoderSession& session, const Tensor& prompt, GenerationConfig config,
                        const GenerationHooks& hooks) {
  resolve_length(config, prompt.size(1));
  session.set_use_cache(config.use_cache);
  return config.num_beams > 1 ? beam_search(session, rows_of(prompt), config, hooks)
                              : sample(session, rows_of(prompt), config, hooks);
}

}  // namespace

Tensor GenerationOutput::padded(const GenerationConfig& config) const {
  size_t longest = 0;
  for (const auto& sequence : sequences) longest = std::max(longest, sequence.size());
  const int64_t first_eos = config.eos_token_id.empty() ? -1 : config.eos_token_id[0];
  int64_t fill = config.pad_token_id.value_or(first_eos);
  // The reference's beam search takes a pad token of 0 for none.
  if (config.num_beams > 1 && (fill == 0 || first_eos == -1)) fill = first_eos;
  std::vector<int64_t> flat;
  for (const auto& sequence : sequences) {
    flat.insert(flat.end(), sequence.begin(), sequence.end());
    flat.insert(flat.end(), longest - sequence.size(), fill);
  }
  return Tensor::from(flat, {static_cast<int64_t>(sequences.size()), static_cast<int64_t>(longest)});
}

GenerationOutput generate(const Model& model, const Tensor& input_ids, const Tensor& attention_mask,
                          const GenerationConfig& config, const GenerationHooks& hooks) {
  config.validate();
  check_ids(input_ids);
  std::unique_ptr<DecoderSession> session;
  Tensor prompt;
  if (const auto* seq2seq = dynamic_cast<const Seq2SeqLM*>(&model)) {
    if (input_ids.size(1) == 0)
      throw Error(ErrorKind::kInvalidArgument, "generate", "the input is empty", "give at least one token");
    TextInputs read;
    read.input_ids = input_ids;
    read.attention_mask = attention_mask ? attention_mask : infer_mask(input_ids, config);
    session = seq2seq_session(*seq2seq, read, config.cache_dtype);
    prompt = decoder_start(config, input_ids.size(0));
  } else if (const auto* causal = dynamic_cast<const CausalLM*>(&model)) {
    prompt = with_bos(input_ids, config);
    session = causal_session(*causal,
                             attention_mask && attention_mask.size(1) > 0 ? attention_mask : infer_mask(prompt, config),
                             config.cache_dtype);
  } else if (const auto* image_text = dynamic_cast<const ImageTextToText*>(&model)) {
    ImageTextToTextInputs text;
    text.input_ids = with_bos(input_ids, config);
    text.attention_mask = attention_mask;
    return generate(*image_text, text, config, hooks);
  } else {
    throw Error(ErrorKind::kUnsupported, "generate", "the model has no language-model head",
                "load it with AutoModelForCausalLM or AutoModelForSeq2SeqLM");
  }
  return search(*session, prompt, config, hooks);
}

GenerationOutput generate(const ImageTextToText& model, const ImageTextToTextInputs& prompt,
                          const GenerationConfig& config, const GenerationHooks& hooks) {
  config.validate();
  check_ids(prompt.input_ids);
  ImageTextToTextInputs inputs = prompt;
  if (!inputs.attention_mask) inputs.attention_mask = infer_mask(inputs.input_ids, config);
  const NoGrad no_grad;
  if (const std::optional<EncoderPrompt> read = model.encoder_prompt(inputs)) {
    const auto session = seq2seq_session(*read->model, read->inputs, config.cache_dtype);
    return search(*session, decoder_start(config, inputs.input_ids.size(0)), config, hooks);
  }
  const auto session = image_text_session(model, inputs, config.cache_dtype);
  return search(*session, inputs.input_ids, config, hooks);
}

}  // namespace imago
