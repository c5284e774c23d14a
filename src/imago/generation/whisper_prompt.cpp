#include "imago/generation/whisper_prompt.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "imago/base/error.h"
#include "imago/generation/whisper_languages.h"
#include "imago/generation/whisper_session.h"

namespace imago {
namespace {

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
    const float highest = best < 0 ? -std::numeric_limits<float>::infinity() : scores[static_cast<size_t>(best)];
    if (best < 0 || score > highest || (score == highest && id < best)) best = id;
  }
  return best;
}

std::optional<int64_t> task_id(const WhisperSettings& settings) {
  if (!settings.task && (!settings.language || settings.task_to_id.empty())) return std::nullopt;
  const std::string task = settings.task.value_or("transcribe");
  const auto found = settings.task_to_id.find(task);
  if (found == settings.task_to_id.end())
    throw Error(ErrorKind::kInvalidArgument, "transcribe", fmt::format("the model has no task \"{}\"", task),
                "there may be transcribe and translate");
  return found->second;
}

bool is_language(const WhisperSettings& settings, std::optional<int64_t> token) {
  return std::any_of(settings.lang_to_id.begin(), settings.lang_to_id.end(),
                     [&](const auto& language) { return language.second == token; });
}

}  // namespace

WhisperPrompt whisper_prompt(const SpeechSeq2SeqLM& model, const Tensor& encoded, const WhisperSettings& settings) {
  std::vector<std::optional<int64_t>> tokens = {*settings.generation.decoder_start_token_id};
  if (!settings.task && !settings.language)
    tokens.insert(tokens.end(), settings.forced_prompt.begin(), settings.forced_prompt.end());
  std::optional<int64_t> language;
  if (settings.language) {
    language = language_id(settings, *settings.language);
  } else if (!settings.lang_to_id.empty() && (tokens.size() <= 1 || !tokens[1])) {
    language = detect_language(model, encoded, settings);
  }
  if (language) {
    tokens.resize(std::max<size_t>(2, tokens.size()));
    tokens[1] = language;
  }
  if (const auto task = task_id(settings)) tokens.emplace_back(*task);
  WhisperPrompt prompt;
  for (const auto& token : tokens) {
    if (!token) continue;
    prompt.tokens.push_back(*token);
    if (!prompt.language_id && is_language(settings, token)) prompt.language_id = token;
  }
  const auto none = settings.no_timestamps_token_id;
  if (!*settings.return_timestamps && none && prompt.tokens.back() != *none) prompt.tokens.push_back(*none);
  if (*settings.return_timestamps && prompt.tokens.back() == none) prompt.tokens.pop_back();
  return prompt;
}

}  // namespace imago
