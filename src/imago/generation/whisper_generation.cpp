#include "imago/generation/whisper_generation.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "imago/base/error.h"
#include "imago/generation/beam_search.h"
#include "imago/generation/sampling.h"
#include "imago/generation/whisper_prompt.h"
#include "imago/generation/whisper_review.h"
#include "imago/generation/whisper_session.h"
#include "imago/generation/whisper_timestamp_rules.h"
#include "imago/ops/concat/concat.h"
#include "imago/ops/index_select/index_select.h"
#include "imago/ops/pad/pad.h"
#include "imago/ops/slice/slice.h"
#include "imago/tensor/grad_meta.h"

namespace imago {
namespace {

constexpr int64_t kFramesPerTimestamp = 2;
constexpr double kSecondsPerFrame = 0.01;

// One sound on its way.
struct Progress {
  const WhisperSound* sound = nullptr;
  int64_t seek = 0, frames = 0;
  std::vector<int64_t> prompt;
  std::vector<std::vector<int64_t>> segments;
  bool continues = false;  // what was said before goes in front
  std::optional<int64_t> max_length;
  Transcription result;

  // Of its present window.
  WhisperAttempt attempt;
  WhisperReview review;
  bool pending = false, skipped = false;
};

// Segments end where two timestamps meet. What stands behind the last of them is heard again with the next window,
// unless a single timestamp says that nothing is spoken behind it.
struct Cut {
  std::vector<size_t> ends;  // of the segments
  int64_t frames = 0;        // that the window has advanced
};

Cut cut_segments(const std::vector<int64_t>& tokens, int64_t timestamp_begin, int64_t frames) {
  const auto is_time = [&](size_t i) { return tokens[i] >= timestamp_begin; };
  const size_t count = tokens.size();
  Cut cut{{}, frames};
  for (size_t i = 0; i + 1 < count; ++i) {
    if (is_time(i) && is_time(i + 1)) cut.ends.push_back(i + 1);
  }
  if (cut.ends.empty() || (count > 1 && is_time(count - 1) && !is_time(count - 2))) {
    cut.ends.push_back(count);
    return cut;
  }
  cut.frames = (tokens[cut.ends.back() - 1] - timestamp_begin) * kFramesPerTimestamp;
  ++cut.ends.back();  // both timestamps say that it was no single one
  return cut;
}

class Transcriber {
 public:
  Transcriber(const SpeechSeq2SeqLM& model, const WhisperSettings& settings)
      : model_(model), settings_(settings), begin_(settings.timestamp_begin()) {
    if (*settings.return_timestamps) {
      hooks_.process_scores =
          WhisperTimestampRules{begin_, settings.generation.eos_token_id[0], settings.max_initial_timestamp_index};
    }
  }

  // Hears the next window of each.
  void advance(const std::vector<Progress*>& sounds) {
    const Tensor encoded = encode(sounds);
    for (size_t i = 0; i < sounds.size(); ++i) begin_window(*sounds[i], narrow(encoded, 0, static_cast<int64_t>(i), 1));
    for (size_t i = 0; i < settings_.temperatures.size(); ++i) {
      generate(sounds, encoded, settings_.temperatures[i]);
      for (size_t row = 0; row < sounds.size(); ++row) {
        if (sounds[row]->pending)
          judge(*sounds[row], narrow(encoded, 0, static_cast<int64_t>(row), 1), settings_.temperatures[i]);
      }
    }
    for (Progress* sound : sounds) end_window(*sound);
  }

 private:
  Tensor encode(const std::vector<Progress*>& sounds) const {
    Tensors windows;
    for (const Progress* sound : sounds) {
      const int64_t count = window_size(*sound);
      windows.push_back(
          pad(narrow(sound->sound->input_features, 2, sound->seek, count), {0, settings_.window_frames - count}));
    }
    SpeechInputs inputs;
    inputs.input_features = concat(windows, 0);
    return model_.encode(inputs).last_hidden_state;
  }

  int64_t window_size(const Progress& sound) const {
    return std::min(sound.frames - sound.seek, settings_.window_frames);
  }

  void begin_window(Progress& sound, const Tensor& encoded) const {
    if (sound.prompt.empty()) {
      WhisperPrompt prompt = whisper_prompt(model_, encoded, settings_);
      sound.prompt = std::move(prompt.tokens);
      sound.result.language_id = prompt.language_id;
    }
    sound.pending = true;
    sound.skipped = false;
    sound.attempt = {};
    sound.attempt.prompt = sound.continues && !sound.segments.empty() ? said_before(sound) : std::vector<int64_t>();
    sound.attempt.prompt.insert(sound.attempt.prompt.end(), sound.prompt.begin(), sound.prompt.end());
    limit_length(sound);
  }

  // The last tokens of all segments, each without the second of two timestamps at its end.
  std::vector<int64_t> said_before(const Progress& sound) const {
    std::vector<int64_t> all;
    for (const auto& segment : sound.segments) {
      const bool twice = segment.size() > 2 && segment[segment.size() - 2] >= begin_;
      all.insert(all.end(), segment.begin(), segment.end() - (twice ? 1 : 0));
    }
    const auto kept = std::min<int64_t>(std::ssize(all), settings_.max_target_positions / 2 - 1);
    std::vector<int64_t> before;
    const auto& suppressed = settings_.generation.suppress_tokens;
    if (settings_.prev_sot_token_id) {
      before.push_back(*settings_.prev_sot_token_id);
    } else if (suppressed.size() >= 2) {
      before.push_back(suppressed[suppressed.size() - 2]);
    }
    before.insert(before.end(), all.end() - kept, all.end());
    return before;
  }

  // As in the reference, max_length grows with each window by the prompt in front of it.
  void limit_length(Progress& sound) const {
    GenerationConfig& config = sound.attempt.config;
    config = settings_.generation;
    const auto given = static_cast<int64_t>(sound.attempt.prompt.size());
    if (config.max_new_tokens.value_or(0) + given > settings_.max_target_positions) {
      throw Error(ErrorKind::kLimitExceeded, "transcribe",
                  fmt::format("{} tokens and max_new_tokens of {} are more than the model's {} positions", given,
                              config.max_new_tokens.value_or(0), settings_.max_target_positions),
                  "lower max_new_tokens");
    }
    if (config.max_new_tokens) {
      config.max_length = given + *config.max_new_tokens;
      return;
    }
    const int64_t initial = std::min(settings_.max_target_positions / 2 - 1, given);
    sound.max_length = std::min(sound.max_length.value_or(20) + initial, settings_.max_target_positions);
    config.max_length = sound.max_length;
  }

  // Those that are still pending, together where their prompts are of one length.
  void generate(const std::vector<Progress*>& sounds, const Tensor& encoded, double temperature) const {
    std::map<std::pair<size_t, int64_t>, std::vector<int64_t>> groups;
    for (size_t i = 0; i < sounds.size(); ++i) {
      const WhisperAttempt& attempt = sounds[i]->attempt;
      if (sounds[i]->pending)
        groups[{attempt.prompt.size(), *attempt.config.max_length}].push_back(static_cast<int64_t>(i));
    }
    for (const auto& [key, rows] : groups) {
      std::vector<std::vector<int64_t>> prompts;
      for (const int64_t row : rows) prompts.push_back(sounds[static_cast<size_t>(row)]->attempt.prompt);
      GenerationConfig config = sounds[static_cast<size_t>(rows[0])]->attempt.config;
      config.do_sample = temperature > 0;
      config.temperature = config.do_sample ? temperature : 1;
      if (config.do_sample) config.num_beams = 1;
      SpeechSession session(model_, index_select(encoded, 0, Tensor::from(rows)), config.cache_dtype);
      session.set_use_cache(config.use_cache);
      const GenerationOutput output = config.num_beams > 1 ? beam_search(session, prompts, config, hooks_)
                                                           : sample(session, prompts, config, hooks_);
      for (size_t i = 0; i < rows.size(); ++i) {
        WhisperAttempt& attempt = sounds[static_cast<size_t>(rows[i])]->attempt;
        const auto& sequence = output.sequences.at(i);
        attempt.tokens.assign(sequence.begin() + static_cast<ptrdiff_t>(key.first), sequence.end());
        attempt.config = config;
      }
    }
  }

  // Whether the text will do, or is to be tried again.
  void judge(Progress& sound, const Tensor& encoded, double temperature) const {
    const WhisperAttempt& attempt = sound.attempt;
    sound.pending = false;
    sound.continues = settings_.condition_on_prev_tokens && temperature < 0.5;
    if (settings_.logprob_threshold || settings_.return_token_timestamps) {
      const auto start = static_cast<int64_t>(attempt.prompt.size() - sound.prompt.size());
      sound.review = review(model_, encoded, attempt, settings_, hooks_, start, sound.sound->heard_frames - sound.seek);
    }
    if (settings_.compression_ratio_threshold)
      sound.pending = compression_ratio(attempt.tokens, settings_.vocab_size) > *settings_.compression_ratio_threshold;
    if (!settings_.logprob_threshold) return;
    const bool unlikely = sound.review.average_log_probability < *settings_.logprob_threshold;
    sound.pending = sound.pending || unlikely;
    sound.skipped = unlikely && settings_.no_speech_threshold &&
                    sound.review.no_speech_probability > *settings_.no_speech_threshold;
    if (sound.skipped) sound.pending = false;
  }

  void end_window(Progress& sound) const {
    const int64_t frames = window_size(sound);
    const auto offset = static_cast<float>(static_cast<double>(sound.seek) * kSecondsPerFrame);
    if (sound.skipped) {
      sound.seek += frames;
      return;
    }
    std::vector<int64_t> tokens = sound.attempt.tokens;
    const auto& ends = settings_.generation.eos_token_id;
    if (!tokens.empty() && std::find(ends.begin(), ends.end(), tokens.back()) != ends.end()) tokens.pop_back();
    const Cut cut = cut_segments(tokens, begin_, frames);
    size_t from = 0;
    for (const size_t to : cut.ends) {
      sound.segments.emplace_back(tokens.begin() + static_cast<ptrdiff_t>(from),
                                  tokens.begin() + static_cast<ptrdiff_t>(to));
      from = to;
    }
    sound.result.tokens.insert(sound.result.tokens.end(), tokens.begin(),
                               tokens.begin() + static_cast<ptrdiff_t>(from));
    if (settings_.return_token_timestamps) {
      for (size_t i = 0; i < from; ++i) sound.result.token_times.push_back(sound.review.end_times.at(i) + offset);
    }
    sound.seek += cut.frames > 0 ? cut.frames : frames;  // a timestamp of nought would be heard for ever
  }

  const SpeechSeq2SeqLM& model_;
  const WhisperSettings& settings_;
  const int64_t begin_;
  GenerationHooks hooks_;
};

void hear_to_the_end(const SpeechSeq2SeqLM& model, const WhisperSettings& settings, std::vector<Progress>& sounds) {
  Transcriber transcriber(model, settings);
  while (true) {
    std::vector<Progress*> active;
    for (Progress& sound : sounds) {
      if (sound.seek < sound.frames) active.push_back(&sound);
    }
    if (active.empty()) return;
    transcriber.advance(active);
  }
}

}  // namespace

std::vector<Transcription> transcribe(const SpeechSeq2SeqLM& model, std::span<const WhisperSound> sounds,
                                      const WhisperSettings& asked) {
  const NoGrad no_grad;
  // What a long sound needs, a short one beside it need not have.
  const auto is_long = [&](const WhisperSound& sound) { return sound.input_features.size(2) > asked.window_frames; };
  std::vector<Transcription> results(sounds.size());
  for (const bool long_ones : {false, true}) {
    WhisperSettings settings = asked;
    settings.return_timestamps = asked.return_timestamps.value_or(long_ones);
    std::vector<Progress> all;
    std::vector<size_t> places;
    for (size_t i = 0; i < sounds.size(); ++i) {
      if (is_long(sounds[i]) != long_ones) continue;
      places.push_back(i);
      Progress& sound = all.emplace_back();
      sound.sound = &sounds[i];
      sound.frames = sounds[i].input_features.size(2);
      sound.max_length = settings.generation.max_length;
    }
    if (all.empty()) continue;
    if (long_ones && !*settings.return_timestamps) {
      throw Error(ErrorKind::kInvalidArgument, "transcribe", "the sound is longer than a window, and has no timestamps",
                  "set return_timestamps to true");
    }
    settings.validate();
    hear_to_the_end(model, settings, all);
    for (size_t i = 0; i < all.size(); ++i) results[places[i]] = std::move(all[i].result);
  }
  return results;
}

}  // namespace imago
