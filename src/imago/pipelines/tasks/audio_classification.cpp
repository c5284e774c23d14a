// audio-classification: labels of a sound.
#include <algorithm>
#include <cmath>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/nn/speech_model.h"
#include "imago/pipelines/option_reader.h"
#include "imago/pipelines/pipeline_task.h"
#include "imago/pipelines/sound_input.h"
#include "imago/pipelines/text_batch.h"

namespace imago {
namespace {

constexpr const char* kTask = "audio-classification";

class AudioClassificationPipeline final : public PipelineTask {
 public:
  explicit AudioClassificationPipeline(PipelineModel model)
      : model_(std::move(model)),
        classifier_(dynamic_cast<const AudioClassification*>(model_.model.get())),
        extractor_(AudioFeatureExtractor::from_folder(model_.folder)),
        labels_(model_.model->config().labels()) {
    if (classifier_ == nullptr) throw Error(ErrorKind::kUnsupported, kTask, "the model gives no scores of labels");
  }

  std::vector<Json> run(const PipelineCall& call) const override {
    OptionReader reader(kTask, call.options);
    const auto count = static_cast<size_t>(reader.integer_from("top_k", 1, std::ssize(labels_)));
    const std::string function = reader.text("function_to_apply").value_or(default_function());
    if (function != "softmax" && function != "sigmoid" && function != "none")
      throw Error(ErrorKind::kInvalidArgument, kTask, "function_to_apply is none of softmax, sigmoid and none");
    reader.integer("batch_size");
    reader.finish();
    std::vector<Json> answers;
    for (const PipelineInput& input : call.inputs) {
      const std::vector<float> scores = apply(function, logits_of(input));
      Json answer = Json::array();
      for (const size_t index : largest(scores, count)) {
        Json item = Json::object();
        item["score"] = scores[index];
        item["label"] = labels_.at(index);
        answer.push_back(item);
      }
      answers.push_back(answer);
    }
    return answers;
  }

 private:
  std::string default_function() const {
    const auto& problem_type = model_.model->config().problem_type;
    if (problem_type == "regression") return "none";
    return problem_type == "multi_label_classification" || labels_.size() == 1 ? "sigmoid" : "softmax";
  }

  std::vector<float> logits_of(const PipelineInput& input) const {
    const TensorMap features = extractor_->extract({sound_of(input, extractor_->sampling_rate())});
    std::vector<float> logits = classifier_->forward(speech_inputs(features)).logits.to_vector<float>();
    expect_finite(logits);
    return logits;
  }

  static std::vector<float> apply(const std::string& function, std::vector<float> logits) {
    if (function == "softmax") return softmax_scores(logits);
    if (function == "sigmoid") {
      for (float& logit : logits) logit = static_cast<float>(1 / (1 + std::exp(-static_cast<double>(logit))));
    }
    return logits;
  }

  PipelineModel model_;
  const AudioClassification* classifier_;
  std::unique_ptr<AudioFeatureExtractor> extractor_;
  std::vector<std::string> labels_;
};

}  // namespace

void register_audio_classification(PipelineTable& table) {
  table.add<AudioClassificationPipeline>(kTask, "AutoModelForAudioClassification", PipelineReads::kSounds);
}

}  // namespace imago
