#include "imago/generation/whisper_generation.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/generation/beam_search.h"
#include "imago/generation/sampling.h"
#include "imago/generation/whisper_languages.h"
#include "imago/ops/index_select/index_select.h"
#include "imago/ops/pad/pad.h"
#include "imago/ops/slice/slice.h"
#include "imago/tensor/grad_meta.h"

namespace imago {
namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();
constexpr int64_t kFramesPerTimestamp = 2;

class SpeechSession final : public DecoderSession {
 public:
  SpeechSession(const SpeechSeq2SeqLM& model, Tensor encoded, const std::string& cache_dtype = {})
      : DecoderSession(cache_dtype), model_(model), encoded_(std::move(encoded)) {}

 private:
  Tensor forward(const Tensor& new_ids) override {
    SpeechInputs inputs;
    inputs.encoder_last_hidden_state = encoded_;
    inputs.decoder_input_ids = new_ids;
    inputs.past_key_values = &cache_;
    inputs.logits_to_keep = 1;
    const Tensor logits = model_.forward(inputs).logits;
    return slice(logits, 1, logits.size(1) - 1);
  }
  void select_inputs(const Tensor& indices) override { encoded_ = index_select(encoded_, 0, indices); }

  const SpeechSeq2SeqLM& model_;
  Tensor encoded_;
};

// Timestamps come in pairs, never go back, and come where together they are likelier than any word.
struct TimestampRules {
  int64_t begin = 0, end_of_text = 0;
  std::optional<int64_t> max_initial;

  void operator()(const SequenceState& state, std::span<float> scores) const {
    const auto first = scores.begin() + std::min<int64_t>(begin, std::ssize(scores));
    const auto forbid = [&](auto from, auto to) { std::fill(from, std::max(from, to), kNever); };
    *(first - 1) = kNever;  // the token that says that there are none
    const auto said = state.ids.subspan(static_cast<size_t>(state.prompt_length));
    const auto is_time = [&](size_t back) { return said[said.size() - back] >= begin; };
    const bool last = !said.empty() && is_time(1), before = said.size() < 2 || is_time(2);
    if (last && before) forbid(first, scores.end());
    if (last && !before) forbid(scores.begin(), scores.begin() + end_of_text);
    const auto latest = std::find_if(said.rbegin(), said.rend(), [&](int64_t token) { return token >= begin; });
    if (latest != said.rend()) {
      const int64_t allowed = last && !before ? *latest : *latest + 1;
      forbid(first, scores.begin() + std::min<int64_t>(allowed, std::ssize(scores)));
    }
    if (said.empty()) {
      forbid(scores.begin(), first);
      if (max_initial && begin + *max_initial + 1 < std::ssize(scores)) forbid(first + *max_initial + 1, scores.end());
    }
    if (times_win(scores, static_cast<size_t>(first - scores.begin()))) forbid(scores.begin(), first);
  }

 private:
  static bool times_win(std::span<const float> scores, size_t begin) {
    const auto words = scores.first(begin), times = scores.subspan(begin);
    if (times.empty()) return false;
    const float best_word = *std::max_element(words.begin(), words.end());
    const float best_time = *std::max_element(times.begin(), times.end());
    if (best_time == kNever) return false;
    double sum = 0;
    for (const float score : times) sum += std::exp(static_cast<double>(score) - best_time);
    return best_time + std::log(sum) > best_word;
  }
};

int64_t language_id(const WhisperSettings& settings, std::string name) {
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
  const auto code = whisper_language_code(name);
  const auto found =
      settings.lang_to_id.find(settings.lang_to_id.contains(name) ? name : fmt::format("<|{}|>", code.value_or("")));
  if (found != settings.lang_to_id.end()) return found->second;
  std::vector<std::string> known;
  for (const auto& [token, id] : settings.lang_to_id) known.push_back(token);
  throw Error(ErrorKind::kInvalidArgument, "transcribe", fmt::format("the model has no language \"{}\"", name),
              fmt::format("it has {}", fmt::join(known, ", ")));
}

int64_t detect_language(const SpeechSeq2SeqLM& model, const Tensor& encoded, const WhisperSettings& settings) {
  SpeechSession session(model, encoded);
  const std::vector<float> scores =
      session.step(Tensor::full({1, 1}, static_cast<double>(*settings.generation.decoder_start_token_id), DType::i64))
          .to_vector<float>();
  int64_t best = -1;
  for (const auto& [token, id] : settings.lang_to_id) {
    if (id < 0 || id >= std::ssize(scores))
      throw Error(ErrorKind::kInvalidFile, "generation_config.json", fmt::format("{} is no token", token));
    const float score = scores[static_cast<size_t>(id)];
    const float highest = best < 0 ? kNever : scores[static_cast<size_t>(best)];
    if (best < 0 || score > highest || (score == highest && id < best)) best = id;
  }
  return best;
}

// The tokens in front: start, language, task, and whether there are timestamps.
std::vector<int64_t> initial_tokens(const SpeechSeq2SeqLM& model, const Tensor& encoded,
                                    const WhisperSettings& settings, std::optional<int64_t>& language) {
  std::vector<std::optional<int64_t>> tokens = {*settings.generation.decoder_start_token_id};
  if (!settings.task && !settings.language)
    tokens.insert(tokens.end(), settings.forced_prompt.begin(), settings.forced_prompt.end());
  const bool undefined = tokens.size() <= 1 || !tokens[1];
  if (settings.language) {
    language = language_id(settings, *settings.language);
  } else if (!settings.lang_to_id.empty() && undefined) {
    language = detect_language(model, encoded, settings);
  }
  if (language) {
    tokens.resize(std::max<size_t>(2, tokens.size()));
    tokens[1] = language;
  }
  if (settings.task || (settings.language && !settings.task_to_id.empty())) {
    const std::string task = settings.task.value_or("transcribe");
    const auto found = settings.task_to_id.find(task);
    if (found == settings.task_to_id.end())
      throw Error(ErrorKind::kInvalidArgument, "transcribe", fmt::format("the model has no task \"{}\"", task),
                  "there may be transcribe and translate");
    tokens.emplace_back(found->second);
  }
  std::vector<int64_t> prompt;
  for (const auto& token : tokens) {
    if (token) prompt.push_back(*token);
  }
  const auto none = settings.no_timestamps_token_id;
  if (!*settings.return_timestamps && none && prompt.back() != *none) prompt.push_back(*none);
  if (*settings.return_timestamps && prompt.back() == none) prompt.pop_back();
  return prompt;
}

// What one window says: the tokens of its complete segments, and how many frames they take.
struct Window {
  std::vector<int64_t> tokens;
  int64_t frames = 0;
};

// Segments end where two timestamps meet. What stands behind the last of them is heard again with the next window,
// unless a single timestamp says that nothing is spoken behind it.
Window cut_segments(std::vector<int64_t> tokens, int64_t timestamp_begin, int64_t frames) {
  const auto is_time = [&](size_t i) { return tokens[i] >= timestamp_begin; };
  const size_t count = tokens.size();
  const bool single_ending = count > 0 && is_time(count - 1) && (count < 2 ? false : !is_time(count - 2));
  size_t last = 0;
  for (size_t i = 0; i + 1 < count; ++i) {
    if (is_time(i) && is_time(i + 1)) last = i + 1;
  }
  if (last == 0 || single_ending) return {std::move(tokens), frames};
  const int64_t heard = (tokens[last - 1] - timestamp_begin) * kFramesPerTimestamp;
  tokens.resize(last + 1);
  return {std::move(tokens), heard};
}

std::vector<int64_t> generate_window(const SpeechSeq2SeqLM& model, const Tensor& encoded,
                                     const std::vector<int64_t>& prompt, const WhisperSettings& settings,
                                     const GenerationHooks& hooks, std::optional<int64_t>& max_length) {
  GenerationConfig config = settings.generation;
  const auto given = static_cast<int64_t>(prompt.size());
  if (config.max_new_tokens.value_or(0) + given > settings.max_target_positions) {
    throw Error(ErrorKind::kLimitExceeded, "transcribe",
                fmt::format("{} tokens and max_new_tokens of {} are more than the model's {} positions", given,
                            *config.max_new_tokens, settings.max_target_positions),
                "lower max_new_tokens");
  }
  if (config.max_new_tokens) {
    config.max_length = given + *config.max_new_tokens;
  } else {
    const int64_t initial = std::min(settings.max_target_positions / 2 - 1, given);
    max_length = std::min(max_length.value_or(20) + initial, settings.max_target_positions);
    config.max_length = max_length;
  }
  SpeechSession session(model, encoded, config.cache_dtype);
  GenerationOutput output =
      config.num_beams > 1 ? beam_search(session, {prompt}, config, hooks) : sample(session, {prompt}, config, hooks);
  std::vector<int64_t> tokens(output.sequences.at(0).begin() + given, output.sequences.at(0).end());
  const auto& ends = config.eos_token_id;
  if (!tokens.empty() && std::find(ends.begin(), ends.end(), tokens.back()) != ends.end()) tokens.pop_back();
  return tokens;
}

template <class Value>
std::map<std::string, Value> map_from(const Json& json) {
  std::map<std::string, Value> values;
  for (const auto& [key, value] : json.items()) values[key] = value.template get<Value>();
  return values;
}

// [[1, null], [2, 50359]] is what stands behind the first token.
std::vector<std::optional<int64_t>> read_forced(const Json& pairs) {
  std::vector<std::optional<int64_t>> tokens;
  for (const Json& pair : pairs) {
    if (pair.at(0).get<int64_t>() != std::ssize(tokens) + 1)
      throw Error(ErrorKind::kUnsupported, "generation_config.json", "forced_decoder_ids that are not the prompt's");
    tokens.push_back(pair.at(1).is_null() ? std::nullopt : std::optional(pair.at(1).get<int64_t>()));
  }
  return tokens;
}

}  // namespace

WhisperSettings WhisperSettings::from_pretrained(const std::string& folder, const Config& model_config) {
  WhisperSettings settings;
  const Json config = parse_json(model_config.source.text, "config.json");
  const std::string path = folder + "/generation_config.json";
  Json rest = Json::object();
  try {
    settings.window_frames = 2 * config.at("max_source_positions").get<int64_t>();
    settings.max_target_positions = config.at("max_target_positions").get<int64_t>();
    const Json json = std::filesystem::exists(path) ? read_json(path) : config;
    const Json forced = json.value("forced_decoder_ids", config.value("forced_decoder_ids", Json()));
    if (!forced.is_null()) settings.forced_prompt = read_forced(forced);
    for (const auto& [key, value] : json.items()) {
      if (value.is_null()) continue;
      if (key == "no_timestamps_token_id") {
        settings.no_timestamps_token_id = value.get<int64_t>();
      } else if (key == "max_initial_timestamp_index") {
        settings.max_initial_timestamp_index = value.get<int64_t>();
      } else if (key == "lang_to_id") {
        settings.lang_to_id = map_from<int64_t>(value);
      } else if (key == "task_to_id") {
        settings.task_to_id = map_from<int64_t>(value);
      } else if (key == "is_multilingual") {
        settings.is_multilingual = value.get<bool>();
      } else if (key == "return_timestamps") {
        settings.return_timestamps = value.get<bool>();
      } else if (key == "language") {
        settings.language = value.get<std::string>();
      } else if (key == "task") {
        settings.task = value.get<std::string>();
      } else if (key != "forced_decoder_ids" && key != "alignment_heads" && key != "prev_sot_token_id") {
        rest[key] = value;
      }
    }
    settings.generation = std::filesystem::exists(path) ? GenerationConfig::from_json(rest)
                                                        : GenerationConfig::from_pretrained(folder, model_config);
  } catch (const JsonError& error) {
    throw Error(ErrorKind::kInvalidFile, path, error.what());
  }
  if (!settings.generation.decoder_start_token_id || settings.generation.eos_token_id.empty())
    throw Error(ErrorKind::kInvalidFile, path, "decoder_start_token_id or eos_token_id is missing");
  return settings;
}

Transcription transcribe(const SpeechSeq2SeqLM& model, const Tensor& input_features, const WhisperSettings& asked) {
  const NoGrad no_grad;
  WhisperSettings settings = asked;
  settings.generation.validate();
  const int64_t frames = input_features.size(2);
  if (frames > settings.window_frames && settings.return_timestamps == false) {
    throw Error(ErrorKind::kInvalidArgument, "transcribe", "the sound is longer than a window, and has no timestamps",
                "set return_timestamps to true");
  }
  const bool timestamps = settings.return_timestamps.value_or(frames > settings.window_frames);
  settings.return_timestamps = timestamps;
  if (timestamps && !settings.no_timestamps_token_id)
    throw Error(ErrorKind::kUnsupported, "transcribe", "the model has no timestamps",
                "generation_config.json has no no_timestamps_token_id");
  if (!settings.is_multilingual && (settings.language || settings.task))
    throw Error(ErrorKind::kInvalidArgument, "transcribe", "the model knows English only",
                "leave language and task out");
  const int64_t timestamp_begin =
      settings.no_timestamps_token_id ? *settings.no_timestamps_token_id + 1 : std::numeric_limits<int64_t>::max();
  GenerationHooks hooks;
  if (timestamps) {
    hooks.process_scores =
        TimestampRules{timestamp_begin, settings.generation.eos_token_id[0], settings.max_initial_timestamp_index};
  }
  Transcription result;
  std::vector<int64_t> prompt;
  std::optional<int64_t> max_length = settings.generation.max_length;
  for (int64_t seek = 0; seek < frames;) {
    const int64_t count = std::min(frames - seek, settings.window_frames);
    SpeechInputs window;
    window.input_features = pad(narrow(input_features, 2, seek, count), {0, settings.window_frames - count});
    const Tensor encoded = model.encode(window).last_hidden_state;
    if (prompt.empty()) prompt = initial_tokens(model, encoded, settings, result.language_id);
    const Window said =
        cut_segments(generate_window(model, encoded, prompt, settings, hooks, max_length), timestamp_begin, count);
    result.tokens.insert(result.tokens.end(), said.tokens.begin(), said.tokens.end());
    seek += said.frames > 0 ? said.frames : count;  // a timestamp of nought would be heard for ever
  }
  return result;
}

}  // namespace imago
