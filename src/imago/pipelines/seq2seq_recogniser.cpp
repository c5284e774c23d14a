// automatic-speech-recognition with a decoder that writes text alone, as SpeechT5's.
#include "imago/base/error.h"
#include "imago/generation/beam_search.h"
#include "imago/generation/sampling.h"
#include "imago/generation/whisper_session.h"
#include "imago/pipelines/generation_options.h"
#include "imago/pipelines/option_reader.h"
#include "imago/pipelines/sound_input.h"
#include "imago/pipelines/speech_recogniser.h"
#include "imago/processors/audio/feature_extractor.h"

namespace imago {
namespace {

class Seq2SeqRecogniser final : public SpeechRecogniser {
 public:
  Seq2SeqRecogniser(const PipelineModel& model, const SpeechSeq2SeqLM& speech)
      : model_(model), speech_(speech), extractor_(AudioFeatureExtractor::from_folder(model.folder)) {}

  std::vector<Json> answers(std::span<const Audio> sounds, const Json& options) const override {
    OptionReader reader(kSpeechRecognition, options);
    const auto timestamps = reader.boolean_or_text("return_timestamps");
    if (timestamps && *timestamps != std::variant<bool, std::string>(false))
      throw Error(ErrorKind::kUnsupported, kSpeechRecognition, "the model does not say when something is said");
    reader.integer("batch_size");
    Json defaults = Json::object();
    defaults["max_new_tokens"] = 256;
    defaults["num_beams"] = 5;
    const GenerationConfig config = prepare_generation(model_, defaults, Json::object(), reader.rest());
    std::vector<Json> all;
    for (const Audio& sound : sounds) {
      Json answer = Json::object();
      answer["text"] = model_.tokenizer->decode(words(sound, config));
      all.push_back(std::move(answer));
    }
    return all;
  }

 private:
  std::vector<int64_t> words(const Audio& sound, GenerationConfig config) const {
    if (!config.decoder_start_token_id)
      throw Error(ErrorKind::kInvalidFile, kSpeechRecognition, "decoder_start_token_id is missing");
    if (config.max_new_tokens) config.max_length = 1 + *config.max_new_tokens;
    if (!config.max_length) config.max_length = 20;  // the reference's
    const Tensor encoded = speech_.encode(speech_inputs(extractor_->extract({sound}))).last_hidden_state;
    SpeechSession session(speech_, encoded, config.cache_dtype);
    const std::vector<std::vector<int64_t>> prompts = {{*config.decoder_start_token_id}};
    const GenerationOutput output =
        config.num_beams > 1 ? beam_search(session, prompts, config, {}) : sample(session, prompts, config, {});
    return output.sequences.at(0);
  }

  const PipelineModel& model_;
  const SpeechSeq2SeqLM& speech_;
  std::unique_ptr<AudioFeatureExtractor> extractor_;
};

}  // namespace

std::unique_ptr<SpeechRecogniser> make_seq2seq_recogniser(const PipelineModel& model, const SpeechSeq2SeqLM& speech) {
  return std::make_unique<Seq2SeqRecogniser>(model, speech);
}

}  // namespace imago
