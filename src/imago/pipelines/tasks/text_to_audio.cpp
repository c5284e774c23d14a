// text-to-audio: a text spoken in a given voice, with a model that writes spectra and a vocoder that makes them sound.
#include <algorithm>
#include <mutex>

#include "imago/auto/auto_model.h"
#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/io/safetensors.h"
#include "imago/nn/speaking_model.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/pipelines/option_reader.h"
#include "imago/pipelines/pipeline_task.h"
#include "imago/pipelines/text_batch.h"
#include "imago/processors/audio/audio.h"

namespace imago {
namespace {

constexpr const char* kTask = "text-to-audio";

struct SpeakingCall {
  SpeakingOptions options;
  Tensor voice;  // [1, size]
  std::string vocoder, output;
};

class TextToAudioPipeline final : public PipelineTask {
 public:
  explicit TextToAudioPipeline(PipelineModel model)
      : model_(std::move(model)), speaker_(dynamic_cast<const TextToSpectrogram*>(model_.model.get())) {
    if (speaker_ == nullptr) throw Error(ErrorKind::kUnsupported, kTask, "the model writes no spectra of speech");
  }

  std::vector<Json> run(const PipelineCall& call) const override {
    const SpeakingCall asked = read(call.options);
    if (!asked.output.empty() && call.inputs.size() > 1)
      throw Error(ErrorKind::kInvalidArgument, kTask, "one output file is asked for, of several texts");
    const std::shared_ptr<const Vocoder> vocoder = vocoder_of(asked.vocoder);
    std::vector<Json> answers;
    for (const PipelineInput& input : call.inputs) {
      const Audio sound = speak(input.text, asked, *vocoder, call.statistics);
      Json answer = Json::object();
      answer["sampling_rate"] = sound.sampling_rate;
      if (asked.output.empty()) {
        answer["audio"] = Json::array();
        for (const float sample : sound.samples) answer["audio"].push_back(sample);
      } else {
        save_wav(asked.output, sound);
        answer["output"] = asked.output;
        answer["seconds"] = static_cast<double>(sound.samples.size()) / static_cast<double>(sound.sampling_rate);
      }
      answers.push_back(std::move(answer));
    }
    return answers;
  }

 private:
  SpeakingCall read(const Json& json) const {
    OptionReader reader(kTask, json);
    SpeakingCall call;
    if (const auto value = reader.number("threshold")) call.options.threshold = *value;
    if (const auto value = reader.number("minlenratio")) call.options.minlenratio = *value;
    if (const auto value = reader.number("maxlenratio")) call.options.maxlenratio = *value;
    call.options.seed = static_cast<uint64_t>(reader.integer_from("seed", 0, 0));
    call.vocoder = reader.text("vocoder").value_or(model_.folder + "/vocoder");
    call.output = reader.text("output").value_or("");
    call.voice = voice_of(json, reader);
    reader.integer("batch_size");
    reader.finish();
    const double most = call.options.maxlenratio;
    if (!(call.options.minlenratio >= 0) || !(most > 0) || !(most <= 1000))
      throw Error(ErrorKind::kInvalidArgument, kTask, "minlenratio is below 0, or maxlenratio is not within (0, 1000]");
    return call;
  }

  // Numbers, or a safetensors file that has them.
  static Tensor voice_of(const Json& json, OptionReader& reader) {
    constexpr const char* kName = "speaker_embeddings";
    const auto found = json.find(kName);
    if (found == json.end() || found->is_null())
      throw Error(ErrorKind::kInvalidArgument, kTask, "speaker_embeddings are missing",
                  "give the numbers of a voice, or a safetensors file with them");
    if (!found->is_string()) {
      const std::vector<double> numbers = *reader.numbers(kName);
      return Tensor::from(std::vector<float>(numbers.begin(), numbers.end()),
                          {1, static_cast<int64_t>(numbers.size())});
    }
    const SafetensorsFile file = SafetensorsFile::open(*reader.text(kName));
    const auto& names = file.names();
    if (names.size() != 1 && std::find(names.begin(), names.end(), kName) == names.end())
      throw Error(ErrorKind::kInvalidFile, kTask,
                  "the file of the voice has several tensors and no speaker_embeddings");
    return reshape(cast(file.tensor(names.size() == 1 ? names[0] : kName), DType::f32), {1, -1});
  }

  // Loaded when it is first asked for, and kept.
  std::shared_ptr<const Vocoder> vocoder_of(const std::string& path) const {
    const std::lock_guard lock(mutex_);
    if (vocoder_ == nullptr || vocoder_path_ != path) {
      std::shared_ptr<const Model> model = model_from_pretrained(path);
      auto vocoder = std::dynamic_pointer_cast<const Vocoder>(model);
      if (vocoder == nullptr) throw Error(ErrorKind::kUnsupported, kTask, path + " is no vocoder");
      vocoder_ = std::move(vocoder);
      vocoder_path_ = path;
    }
    return vocoder_;
  }

  Audio speak(const std::string& text, const SpeakingCall& call, const Vocoder& vocoder,
              PipelineStatistics& statistics) const {
    const TokenBatch batch = model_.tokenizer->encode_batch(std::vector<std::string>{text});
    statistics.input_tokens += batch.tokens;
    SpeakingInputs inputs;
    inputs.input_ids = Tensor::from(batch.input_ids, {1, batch.tokens});
    inputs.attention_mask = Tensor::from(batch.attention_mask, {1, batch.tokens});
    inputs.speaker_embeddings = call.voice;
    const Json size = model_.config_value("speaker_embedding_dim");
    if (size.is_number_integer() && size.get<int64_t>() != call.voice.size(1))
      throw Error(ErrorKind::kInvalidArgument, kTask,
                  "speaker_embeddings has " + std::to_string(call.voice.size(1)) + " numbers, and the model's have " +
                      std::to_string(size.get<int64_t>()));
    VocoderInputs spectra;
    spectra.spectrogram = unsqueeze(speaker_->generate_speech(inputs, call.options).at(0), 0);
    const std::vector<float> samples = vocoder.forward(spectra).waveform.to_vector<float>();
    expect_finite(samples);
    return {samples, vocoder.sampling_rate()};
  }

  PipelineModel model_;
  const TextToSpectrogram* speaker_;
  mutable std::mutex mutex_;
  mutable std::string vocoder_path_;
  mutable std::shared_ptr<const Vocoder> vocoder_;
};

}  // namespace

void register_text_to_audio(PipelineTable& table) {
  table.add<TextToAudioPipeline>(kTask, TextToSpectrogram::kAutoClass);
}

}  // namespace imago
