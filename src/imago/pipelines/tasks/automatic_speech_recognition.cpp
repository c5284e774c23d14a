// automatic-speech-recognition: what is said in a sound, with models of letters per frame (CTC) and with decoders.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/pipelines/ctc_vocabulary.h"
#include "imago/pipelines/option_reader.h"
#include "imago/pipelines/pipeline_task.h"
#include "imago/pipelines/sound_input.h"
#include "imago/pipelines/speech_chunks.h"
#include "imago/pipelines/speech_recogniser.h"

namespace imago {
namespace {

constexpr const char* kTask = kSpeechRecognition;

// By how much an adapter thins out the frames.
int64_t adapter_stride(const PipelineModel& model) {
  if (model.config_value("add_adapter") != Json(true)) return 1;
  const Json stride = model.config_value("adapter_stride"), layers = model.config_value("num_adapter_layers");
  int64_t all = 1;
  for (int64_t i = 0; i < (layers.is_null() ? 1 : layers.get<int64_t>()); ++i)
    all *= stride.is_null() ? 2 : stride.get<int64_t>();
  return all;
}

class CtcRecogniser final : public SpeechRecogniser {
 public:
  CtcRecogniser(const PipelineModel& model, const CTC& ctc)
      : ctc_(ctc),
        extractor_(AudioFeatureExtractor::from_folder(model.folder)),
        vocabulary_(CtcVocabulary::from_folder(model.folder)) {
    for (const Json& stride : model.config_value("conv_stride")) samples_per_frame_ *= stride.get<int64_t>();
    // Of models that read spectra; the reference counts so, whatever the extractor's frames are.
    if (const Json bands = model.config_value("feature_projection_input_dim"); bands.is_number_integer())
      samples_per_frame_ = 2 * bands.get<int64_t>() * adapter_stride(model);
  }

  std::vector<Json> answers(std::span<const Audio> sounds, const Json& options) const override {
    std::vector<Json> all;
    for (const Audio& sound : sounds) all.push_back(answer(sound, options));
    return all;
  }

 private:
  Json answer(const Audio& sound, const Json& json) const {
    OptionReader reader(kTask, json);
    const auto timestamps = reader.text("return_timestamps");
    if (timestamps && timestamps != "char" && timestamps != "word")
      throw Error(ErrorKind::kInvalidArgument, kTask, "return_timestamps is neither \"char\" nor \"word\"");
    const auto chunks = ChunkOptions::read(reader);
    reader.integer("batch_size");
    reader.finish();
    const std::vector<int64_t> frames = chunks ? chunked_frames(sound, *chunks) : best_frames(sound);
    Json answer = Json::object();
    answer["text"] = vocabulary_.text(frames);
    if (!timestamps) return answer;
    answer["chunks"] = Json::array();
    const double step = static_cast<double>(samples_per_frame_);
    for (const SpokenPiece& piece : *timestamps == "char" ? vocabulary_.letters(frames) : vocabulary_.words(frames)) {
      const auto rate = static_cast<double>(extractor_->sampling_rate());
      answer["chunks"].push_back(speech_chunk_json(piece.text, static_cast<double>(piece.begin) * step / rate,
                                                   static_cast<double>(piece.end) * step / rate));
    }
    return answer;
  }

  std::vector<int64_t> best_frames(const Audio& sound) const {
    return argmax(ctc_.forward(speech_inputs(extractor_->extract({sound}))).logits, -1).to_vector<int64_t>();
  }

  // Of each window only the frames between the overlaps count.
  std::vector<int64_t> chunked_frames(const Audio& sound, const ChunkOptions& options) const {
    std::vector<int64_t> all;
    for (const SoundChunk& chunk : chunks_of(sound, options, samples_per_frame_)) {
      const std::vector<int64_t> frames = best_frames(chunk.sound);
      const auto samples = static_cast<double>(chunk.sound.samples.size());
      const double total = std::nearbyint(samples / static_cast<double>(samples_per_frame_));
      const auto share = [&](int64_t part) {
        return static_cast<int64_t>(std::nearbyint(static_cast<double>(part) / samples * total));
      };
      const int64_t first = std::min(share(chunk.left), std::ssize(frames));
      const int64_t behind = std::clamp(static_cast<int64_t>(total) - share(chunk.right), first, std::ssize(frames));
      all.insert(all.end(), frames.begin() + first, frames.begin() + behind);
    }
    return all;
  }

  const CTC& ctc_;
  std::unique_ptr<AudioFeatureExtractor> extractor_;
  CtcVocabulary vocabulary_;
  int64_t samples_per_frame_ = 1;
};

class SpeechRecognitionPipeline final : public PipelineTask {
 public:
  explicit SpeechRecognitionPipeline(PipelineModel model) : model_(std::move(model)) {
    if (const auto* ctc = dynamic_cast<const CTC*>(model_.model.get())) {
      recogniser_ = std::make_unique<CtcRecogniser>(model_, *ctc);
    } else if (const auto* speech = dynamic_cast<const SpeechSeq2SeqLM*>(model_.model.get()); speech != nullptr) {
      if (model_.model->config().model_type == "whisper") {
        recogniser_ = make_whisper_recogniser(model_, *speech);
      } else {
        model_.tokenizer = PretrainedTokenizer::from_folder(model_.folder);
        recogniser_ = make_seq2seq_recogniser(model_, *speech);
      }
    } else {
      throw Error(ErrorKind::kUnsupported, kTask, "the model writes no text of sounds",
                  "choose one with letters per frame (CTC), or with a decoder");
    }
    extractor_ = AudioFeatureExtractor::from_folder(model_.folder);
  }

  std::vector<Json> run(const PipelineCall& call) const override {
    std::vector<Audio> sounds;
    for (const PipelineInput& input : call.inputs) sounds.push_back(sound_of(input, extractor_->sampling_rate()));
    return recogniser_->answers(sounds, call.options);
  }

 private:
  PipelineModel model_;
  std::unique_ptr<SpeechRecogniser> recogniser_;
  std::unique_ptr<AudioFeatureExtractor> extractor_;
};

}  // namespace

void register_automatic_speech_recognition(PipelineTable& table) {
  table.add<SpeechRecognitionPipeline>(kTask, "", PipelineReads::kSounds);
}

}  // namespace imago
