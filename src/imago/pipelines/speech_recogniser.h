// What the kinds of models that write down speech have in common for a pipeline.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "imago/base/json.h"
#include "imago/nn/speech_model.h"
#include "imago/pipelines/pipeline_task.h"
#include "imago/processors/audio/audio.h"

namespace imago {

inline constexpr const char* kSpeechRecognition = "automatic-speech-recognition";

// Each reads its own options.
class SpeechRecogniser {
 public:
  virtual ~SpeechRecogniser() = default;
  virtual std::vector<Json> answers(std::span<const Audio> sounds, const Json& options) const = 0;
};

// A piece of a text with its times in seconds, null where they are not known.
Json speech_chunk_json(const std::string& text, const std::optional<double>& begin, const std::optional<double>& end);

// The model, which must have its tokenizer here, must outlive what is made of it.
std::unique_ptr<SpeechRecogniser> make_seq2seq_recogniser(const PipelineModel& model, const SpeechSeq2SeqLM& speech);
std::unique_ptr<SpeechRecogniser> make_whisper_recogniser(const PipelineModel& model, const SpeechSeq2SeqLM& speech);

}  // namespace imago
