// automatic-speech-recognition: what is said in a sound, with models of letters per frame (CTC) and with Whisper.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/generation/whisper_generation.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/pipelines/ctc_vocabulary.h"
#include "imago/pipelines/option_reader.h"
#include "imago/pipelines/pipeline_task.h"
#include "imago/pipelines/sound_input.h"
#include "imago/pipelines/whisper_text.h"

namespace imago {
namespace {

constexpr const char* kTask = "automatic-speech-recognition";

// What kind of model hears: each reads its own options and answers one sound.
class Recogniser {
 public:
  virtual ~Recogniser() = default;
  virtual Json answer(const Audio& sound, const Json& options) const = 0;
};

Json seconds(const std::optional<double>& time) { return time ? Json(*time) : Json(); }

Json chunk_json(const std::string& text, const std::optional<double>& begin, const std::optional<double>& end) {
  Json times = Json::array(), chunk = Json::object();
  times.push_back(seconds(begin));
  times.push_back(seconds(end));
  chunk["text"] = text;
  chunk["timestamp"] = times;
  return chunk;
}

class CtcRecogniser final : public Recogniser {
 public:
  CtcRecogniser(const PipelineModel& model, const CTC& ctc)
      : ctc_(ctc),
        extractor_(AudioFeatureExtractor::from_folder(model.folder)),
        vocabulary_(CtcVocabulary::from_folder(model.folder)) {
    for (const Json& stride : model.config_value("conv_stride")) samples_per_frame_ *= stride.get<int64_t>();
  }

  Json answer(const Audio& sound, const Json& json) const override {
    OptionReader reader(kTask, json);
    const auto timestamps = reader.text("return_timestamps");
    if (timestamps && timestamps != "char" && timestamps != "word")
      throw Error(ErrorKind::kInvalidArgument, kTask, "return_timestamps is neither \"char\" nor \"word\"");
    const double chunk = reader.number("chunk_length_s").value_or(0);
    const double stride = reader.number("stride_length_s").value_or(chunk / 6);
    reader.integer("batch_size");
    reader.finish();
    const std::vector<int64_t> frames = chunk > 0 ? chunked_frames(sound, chunk, stride) : best_frames(sound);
    Json answer = Json::object();
    answer["text"] = vocabulary_.text(frames);
    if (!timestamps) return answer;
    answer["chunks"] = Json::array();
    const double step = static_cast<double>(samples_per_frame_);
    for (const SpokenPiece& piece : *timestamps == "char" ? vocabulary_.letters(frames) : vocabulary_.words(frames)) {
      const auto rate = static_cast<double>(extractor_->sampling_rate());
      answer["chunks"].push_back(chunk_json(piece.text, static_cast<double>(piece.begin) * step / rate,
                                            static_cast<double>(piece.end) * step / rate));
    }
    return answer;
  }

 private:
  std::vector<int64_t> best_frames(const Audio& sound) const {
    const TensorMap features = extractor_->extract({sound});
    SpeechInputs inputs;
    inputs.input_values = features.at("input_values");
    if (const auto mask = features.find("attention_mask"); mask != features.end()) inputs.attention_mask = mask->second;
    return argmax(ctc_.forward(inputs).logits, -1).to_vector<int64_t>();
  }

  // Seconds as samples of whole frames.
  int64_t aligned(double length) const {
    const double frames =
        length * static_cast<double>(extractor_->sampling_rate()) / static_cast<double>(samples_per_frame_);
    return static_cast<int64_t>(std::nearbyint(frames)) * samples_per_frame_;
  }

  // Windows that overlap by `stride` seconds to both sides; of each only the frames between the overlaps count.
  std::vector<int64_t> chunked_frames(const Audio& sound, double chunk, double stride) const {
    const int64_t length = aligned(chunk), side = aligned(stride), step = length - 2 * side;
    if (step < 1) {
      throw Error(ErrorKind::kInvalidArgument, kTask,
                  "chunk_length_s leaves nothing between strides of stride_length_s",
                  "make it longer than twice stride_length_s");
    }
    const auto count = static_cast<int64_t>(sound.samples.size());
    std::vector<int64_t> all;
    for (int64_t begin = 0; begin < count; begin += step) {
      const int64_t end = std::min(begin + length, count);
      const int64_t left = begin == 0 ? 0 : side;
      const bool last = begin + length >= count;
      const int64_t right = last ? 0 : side;
      if (end - begin <= left) break;
      const std::vector<int64_t> frames =
          best_frames({{sound.samples.begin() + begin, sound.samples.begin() + end}, sound.sampling_rate});
      const double samples = static_cast<double>(end - begin);
      const double total = std::nearbyint(samples / static_cast<double>(samples_per_frame_));
      const auto share = [&](int64_t part) {
        return static_cast<int64_t>(std::nearbyint(static_cast<double>(part) / samples * total));
      };
      const int64_t first = std::min(share(left), std::ssize(frames));
      const int64_t behind = std::clamp(static_cast<int64_t>(total) - share(right), first, std::ssize(frames));
      all.insert(all.end(), frames.begin() + first, frames.begin() + behind);
      if (last) break;
    }
    return all;
  }

  const CTC& ctc_;
  std::unique_ptr<AudioFeatureExtractor> extractor_;
  CtcVocabulary vocabulary_;
  int64_t samples_per_frame_ = 1;
};

class WhisperRecogniser final : public Recogniser {
 public:
  WhisperRecogniser(const PipelineModel& model, const SpeechSeq2SeqLM& speech)
      : speech_(speech),
        extractor_(AudioFeatureExtractor::from_folder(model.folder)),
        tokenizer_(PretrainedTokenizer::from_folder(model.folder)),
        settings_(WhisperSettings::from_pretrained(model.folder, model.model->config())) {
    const Json extractor = read_json(model.folder + "/preprocessor_config.json");
    window_seconds_ = extractor.value("chunk_length", 30.0);
    // As the reference's pipeline sets what neither the caller nor the checkpoint does.
    const std::string path = model.folder + "/generation_config.json";
    has_own_beams_ = std::filesystem::exists(path) && read_json(path).contains("num_beams");
  }

  Json answer(const Audio& sound, const Json& json) const override {
    WhisperSettings settings = settings_;
    const bool return_language = read_options(json, settings);
    const TensorMap features = extractor_->extract({sound}, {.whole_length = true});
    const Transcription said = transcribe(speech_, features.at("input_features"), settings);
    std::vector<int64_t> tokens = said.tokens;
    if (return_language && said.language_id) tokens.insert(tokens.begin(), *said.language_id);
    const auto chunks =
        whisper_chunks(tokenizer_, tokens, 2 * window_seconds_ / static_cast<double>(settings.window_frames));
    Json answer = Json::object();
    std::string text;
    for (const SpeechChunk& chunk : chunks) text += chunk.text;
    answer["text"] = text;
    const bool timed = settings.return_timestamps.value_or(false);
    if (!timed && !return_language) return answer;
    answer["chunks"] = Json::array();
    for (const SpeechChunk& chunk : chunks) {
      Json item = Json::object();
      if (return_language) item["language"] = chunk.language ? Json(*chunk.language) : Json();
      if (timed) item["timestamp"] = chunk_json("", chunk.begin, chunk.end)["timestamp"];
      item["text"] = chunk.text;
      answer["chunks"].push_back(item);
    }
    return answer;
  }

 private:
  bool read_options(const Json& json, WhisperSettings& settings) const {
    OptionReader reader(kTask, json);
    if (const auto timestamps = reader.boolean("return_timestamps")) settings.return_timestamps = timestamps;
    const bool return_language = reader.boolean("return_language").value_or(false);
    if (auto language = reader.text("language")) settings.language = language;
    if (auto task = reader.text("task")) settings.task = task;
    if (auto count = reader.integer("max_new_tokens")) settings.generation.max_new_tokens = count;
    const auto beams = reader.integer("num_beams");
    if (beams || !has_own_beams_) settings.generation.num_beams = beams.value_or(5);
    if (!settings.generation.max_new_tokens && !settings.generation.max_length)
      settings.generation.max_new_tokens = 256;
    reader.integer("batch_size");
    reader.finish();
    return return_language;
  }

  const SpeechSeq2SeqLM& speech_;
  std::unique_ptr<AudioFeatureExtractor> extractor_;
  PretrainedTokenizer tokenizer_;
  WhisperSettings settings_;
  double window_seconds_ = 30;
  bool has_own_beams_ = false;
};

class SpeechRecognitionPipeline final : public PipelineTask {
 public:
  explicit SpeechRecognitionPipeline(PipelineModel model) : model_(std::move(model)) {
    if (const auto* ctc = dynamic_cast<const CTC*>(model_.model.get())) {
      recogniser_ = std::make_unique<CtcRecogniser>(model_, *ctc);
    } else if (const auto* speech = dynamic_cast<const SpeechSeq2SeqLM*>(model_.model.get());
               speech != nullptr && model_.model->config().model_type == "whisper") {
      recogniser_ = std::make_unique<WhisperRecogniser>(model_, *speech);
    } else {
      throw Error(ErrorKind::kUnsupported, kTask, "the model writes no text of sounds",
                  "choose one with letters per frame (CTC), or Whisper");
    }
    extractor_ = AudioFeatureExtractor::from_folder(model_.folder);
  }

  std::vector<Json> run(const PipelineCall& call) const override {
    std::vector<Json> answers;
    for (const PipelineInput& input : call.inputs)
      answers.push_back(recogniser_->answer(sound_of(input, extractor_->sampling_rate()), call.options));
    return answers;
  }

 private:
  PipelineModel model_;
  std::unique_ptr<Recogniser> recogniser_;
  std::unique_ptr<AudioFeatureExtractor> extractor_;
};

}  // namespace

void register_automatic_speech_recognition(PipelineTable& table) {
  table.add<SpeechRecognitionPipeline>(kTask, "", PipelineReads::kSounds);
}

}  // namespace imago
