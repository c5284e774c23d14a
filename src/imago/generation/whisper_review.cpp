#include "imago/generation/whisper_review.h"

#include <zlib.h>

#include <algorithm>
#include <cmath>

#include "imago/base/error.h"
#include "imago/generation/logits_processors.h"
#include "imago/generation/whisper_alignment.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/concat/concat.h"
#include "imago/ops/slice/slice.h"

namespace imago {
namespace {

double log_sum_exp(std::span<const float> scores) {
  const double largest = *std::max_element(scores.begin(), scores.end());
  double sum = 0;
  for (const float score : scores) sum += std::exp(score - largest);
  return largest + std::log(sum);
}

// The attention of the chosen heads to the part of the window that is sound, for each token but the last.
Tensor alignment(const Tensors& cross_attentions, const WhisperSettings& settings, int64_t prompt_length,
                 int64_t heard_frames) {
  Tensors chosen;
  for (const auto& [layer, head] : settings.alignment_heads) {
    const Tensor layer_BHTS = cross_attentions.at(static_cast<size_t>(layer));
    chosen.push_back(narrow(layer_BHTS, 1, head, 1));
  }
  Tensor weights_HTS = cast(select(concat(chosen, 1), 0, 0), DType::f32);
  weights_HTS = slice(weights_HTS, 1, prompt_length);
  // Of a second window in a sound that ended before it the count is negative, and is counted from the end, twice.
  const auto half = static_cast<int64_t>(std::floor(static_cast<double>(heard_frames) / 2));
  int64_t kept = weights_HTS.size(2);
  for (int times = 0; times < 2; ++times) kept = half >= 0 ? std::min(half, kept) : std::max<int64_t>(0, kept + half);
  return narrow(weights_HTS, 2, 0, kept);
}

double average_log_probability(const Tensor& logits, const WhisperAttempt& attempt, const GenerationHooks& hooks) {
  const GenerationConfig& config = attempt.config;
  std::vector<int64_t> ids = attempt.prompt;
  ids.insert(ids.end(), attempt.tokens.begin(), attempt.tokens.end());
  std::vector<float> all = cast(logits, DType::f32).to_vector<float>();
  const auto vocabulary = static_cast<size_t>(logits.size(-1));
  double sum = 0;
  for (size_t i = 0; i < attempt.tokens.size(); ++i) {
    const std::span<float> scores(all.data() + i * vocabulary, vocabulary);
    if (config.num_beams > 1) {
      const double total = log_sum_exp(scores);
      for (float& score : scores) score = static_cast<float>(score - total);
    }
    const SequenceState state{std::span(ids).first(attempt.prompt.size() + i),
                              static_cast<int64_t>(attempt.prompt.size()), *config.max_length};
    process_scores(config, state, scores);
    if (hooks.process_scores) hooks.process_scores(state, scores);
    if (config.do_sample) {
      warp_scores(config, 1, scores);
      for (float& score : scores) score = static_cast<float>(score * config.temperature);
    }
    sum += scores[static_cast<size_t>(attempt.tokens[i])] - log_sum_exp(scores);
  }
  return sum / static_cast<double>(attempt.tokens.size());
}

}  // namespace

WhisperReview review(const SpeechSeq2SeqLM& model, const Tensor& encoded, const WhisperAttempt& attempt,
                     const WhisperSettings& settings, const GenerationHooks& hooks, int64_t start_index,
                     int64_t heard_frames) {
  const auto given = static_cast<int64_t>(attempt.prompt.size());
  std::vector<int64_t> fed = attempt.prompt;
  fed.insert(fed.end(), attempt.tokens.begin(), attempt.tokens.end() - 1);
  SpeechInputs inputs;
  inputs.encoder_last_hidden_state = encoded;
  inputs.decoder_input_ids = Tensor::from(fed, {1, static_cast<int64_t>(fed.size())});
  inputs.output_attentions = settings.return_token_timestamps;
  const Seq2SeqOutput out = model.forward(inputs);
  WhisperReview review;
  review.average_log_probability = average_log_probability(slice(out.logits, 1, given - 1), attempt, hooks);
  if (settings.no_speech_threshold) {
    const std::vector<float> scores = cast(narrow(out.logits, 1, start_index, 1), DType::f32).to_vector<float>();
    const auto token = static_cast<size_t>(*settings.no_timestamps_token_id - 1);
    review.no_speech_probability = std::exp(scores.at(token) - log_sum_exp(scores));
  }
  if (settings.return_token_timestamps) {
    if (attempt.tokens.size() > 1) {
      review.end_times =
          token_end_times(alignment(out.cross_attentions, settings, given, heard_frames), settings.median_filter_width);
    }
    // The last token is not fed: it ends where the one before it does.
    review.end_times.push_back(review.end_times.empty() ? 0 : review.end_times.back());
  }
  return review;
}

double compression_ratio(const std::vector<int64_t>& tokens, int64_t vocab_size) {
  const int width = static_cast<int>(std::log2(static_cast<double>(vocab_size)) / 8) + 1;
  std::vector<Bytef> bytes;
  for (const int64_t token : tokens) {
    for (int i = 0; i < width; ++i) bytes.push_back(static_cast<Bytef>(token >> (8 * i)));
  }
  uLongf packed = compressBound(static_cast<uLong>(bytes.size()));
  std::vector<Bytef> out(packed);
  if (compress(out.data(), &packed, bytes.data(), static_cast<uLong>(bytes.size())) != Z_OK)
    throw Error(ErrorKind::kInternal, "transcribe", "zlib could not pack the tokens");
  return static_cast<double>(bytes.size()) / static_cast<double>(packed);
}

}  // namespace imago
