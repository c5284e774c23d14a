// automatic-speech-recognition with Whisper.
#include <filesystem>

#include "imago/base/error.h"
#include "imago/generation/whisper_generation.h"
#include "imago/pipelines/option_reader.h"
#include "imago/pipelines/speech_chunks.h"
#include "imago/pipelines/speech_recogniser.h"
#include "imago/pipelines/whisper_text.h"
#include "imago/processors/audio/feature_extractor.h"

namespace imago {
namespace {

// What a call asks for.
struct WhisperCall {
  WhisperSettings settings;
  std::optional<ChunkOptions> chunks;
  bool timestamps = false, words = false, return_language = false;
  int64_t batch_size = 1;
};

class WhisperRecogniser final : public SpeechRecogniser {
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
    const std::string about = model.folder + "/tokenizer_config.json";
    const Json language = std::filesystem::exists(about) ? read_json(about).value("language", Json()) : Json();
    if (language.is_string()) language_ = language.get<std::string>();
  }

  std::vector<Json> answers(std::span<const Audio> sounds, const Json& options) const override {
    const WhisperCall call = read(options);
    std::vector<WhisperSound> parts;
    std::vector<std::vector<WhisperTokens>> windows(sounds.size());
    for (size_t i = 0; i < sounds.size(); ++i) {
      if (!call.chunks) {
        parts.push_back(features_of(sounds[i]));
        windows[i].emplace_back();
        continue;
      }
      for (const SoundChunk& chunk : chunks_of(sounds[i], *call.chunks)) {
        parts.push_back(features_of(chunk.sound));
        const auto seconds = [&](int64_t samples) {
          return static_cast<double>(samples) / static_cast<double>(chunk.sound.sampling_rate);
        };
        windows[i].emplace_back().stride = {seconds(std::ssize(chunk.sound.samples)), seconds(chunk.left),
                                            seconds(chunk.right)};
      }
    }
    std::vector<Transcription> said;
    for (size_t begin = 0; begin < parts.size(); begin += static_cast<size_t>(call.batch_size)) {
      const size_t count = std::min(parts.size() - begin, static_cast<size_t>(call.batch_size));
      for (Transcription& one : transcribe(speech_, std::span(parts).subspan(begin, count), call.settings))
        said.push_back(std::move(one));
    }
    std::vector<Json> answers;
    size_t next = 0;
    for (auto& of_sound : windows) {
      for (WhisperTokens& window : of_sound) {
        Transcription& one = said[next++];
        if (call.return_language && one.language_id) {
          window.tokens.push_back(*one.language_id);
          if (call.words) window.token_times.push_back(0);
        }
        window.tokens.insert(window.tokens.end(), one.tokens.begin(), one.tokens.end());
        window.token_times.insert(window.token_times.end(), one.token_times.begin(), one.token_times.end());
      }
      answers.push_back(answer(of_sound, call));
    }
    return answers;
  }

 private:
  WhisperSound features_of(const Audio& sound) const {
    const TensorMap features = extractor_->extract({sound}, {.whole_length = true});
    int64_t heard = 0;
    for (const int64_t real : features.at("attention_mask").to_vector<int64_t>()) heard += real;
    return {features.at("input_features"), heard};
  }

  WhisperCall read(const Json& json) const {
    WhisperCall call;
    WhisperSettings& settings = call.settings = settings_;
    OptionReader reader(kSpeechRecognition, json);
    if (const auto asked = reader.boolean_or_text("return_timestamps")) {
      const auto* text = std::get_if<std::string>(&*asked);
      if (text != nullptr && *text != "word")
        throw Error(ErrorKind::kInvalidArgument, kSpeechRecognition,
                    "return_timestamps is no truth value and not \"word\"");
      call.words = text != nullptr;
      call.timestamps = text != nullptr || std::get<bool>(*asked);
    }
    call.timestamps = call.timestamps || settings.return_timestamps.value_or(false);
    if (call.timestamps) settings.return_timestamps = true;
    settings.return_token_timestamps = call.words;
    call.chunks = ChunkOptions::read(reader);
    if (call.chunks && call.chunks->length > window_seconds_)
      throw Error(ErrorKind::kInvalidArgument, kSpeechRecognition, "chunk_length_s is longer than the model's window",
                  "leave it out: a long sound is heard window by window");
    call.return_language = reader.boolean("return_language").value_or(false);
    call.batch_size = reader.integer_from("batch_size", 1, 1);
    if (auto language = reader.text("language")) settings.language = language;
    if (auto task = reader.text("task")) settings.task = task;
    if (auto count = reader.integer("max_new_tokens")) settings.generation.max_new_tokens = count;
    const auto beams = reader.integer("num_beams");
    if (beams || !has_own_beams_) settings.generation.num_beams = beams.value_or(5);
    if (!settings.generation.max_new_tokens && !settings.generation.max_length)
      settings.generation.max_new_tokens = 256;
    read_fallback(reader, settings);
    reader.finish();
    return call;
  }

  static void read_fallback(OptionReader& reader, WhisperSettings& settings) {
    if (auto temperatures = reader.numbers("temperature")) settings.temperatures = *temperatures;
    if (auto ratio = reader.number("compression_ratio_threshold")) settings.compression_ratio_threshold = ratio;
    if (auto probability = reader.number("logprob_threshold")) settings.logprob_threshold = probability;
    if (auto probability = reader.number("no_speech_threshold")) settings.no_speech_threshold = probability;
    if (auto condition = reader.boolean("condition_on_prev_tokens")) settings.condition_on_prev_tokens = *condition;
    if (auto count = reader.integer("top_k")) settings.generation.top_k = *count;
    if (auto mass = reader.number("top_p")) settings.generation.top_p = *mass;
    if (auto seed = reader.integer("seed")) settings.generation.seed = *seed;
  }

  Json answer(const std::vector<WhisperTokens>& windows, const WhisperCall& call) const {
    const auto chunks =
        whisper_chunks(tokenizer_, windows,
                       {.seconds_per_timestamp = 2 * window_seconds_ / static_cast<double>(call.settings.window_frames),
                        .timestamps = call.timestamps,
                        .words = call.words,
                        .language = language_});
    Json answer = Json::object();
    std::string text;
    for (const SpeechChunk& chunk : chunks) text += chunk.text;
    answer["text"] = text;
    if (!call.timestamps && !call.return_language) return answer;
    answer["chunks"] = Json::array();
    const auto add = [&](const SpeechChunk& chunk, Json item) {
      if (!call.timestamps) item.erase("timestamp");
      if (call.return_language) item["language"] = chunk.language ? Json(*chunk.language) : Json();
      answer["chunks"].push_back(std::move(item));
    };
    for (const SpeechChunk& chunk : chunks) {
      if (!call.words) add(chunk, speech_chunk_json(chunk.text, chunk.begin, chunk.end));
      for (const SpokenWord& word : chunk.words) add(chunk, speech_chunk_json(word.text, word.begin, word.end));
    }
    return answer;
  }

  const SpeechSeq2SeqLM& speech_;
  std::unique_ptr<AudioFeatureExtractor> extractor_;
  PretrainedTokenizer tokenizer_;
  WhisperSettings settings_;
  double window_seconds_ = 30;
  std::string language_ = "english";
  bool has_own_beams_ = false;
};

Json seconds(const std::optional<double>& time) { return time ? Json(*time) : Json(); }

}  // namespace

Json speech_chunk_json(const std::string& text, const std::optional<double>& begin, const std::optional<double>& end) {
  Json times = Json::array(), chunk = Json::object();
  times.push_back(seconds(begin));
  times.push_back(seconds(end));
  chunk["text"] = text;
  chunk["timestamp"] = times;
  return chunk;
}

std::unique_ptr<SpeechRecogniser> make_whisper_recogniser(const PipelineModel& model, const SpeechSeq2SeqLM& speech) {
  return std::make_unique<WhisperRecogniser>(model, speech);
}

}  // namespace imago
