// image-classification: labels of a picture.

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/ops/slice/slice.h"
#include "imago/pipelines/image_batch.h"
#include "imago/pipelines/option_reader.h"
#include "imago/pipelines/score_function.h"
#include "imago/pipelines/text_batch.h"

namespace imago {
namespace {

constexpr const char* kTask = "image-classification";

class ImageClassificationPipeline final : public PipelineTask {
 public:
  explicit ImageClassificationPipeline(PipelineModel model)
      : model_(std::move(model)),
        classifier_(dynamic_cast<const LabelsOfImages*>(model_.model.get())),
        labels_(model_.model->config().labels()) {
    if (classifier_ == nullptr) throw Error(ErrorKind::kUnsupported, kTask, "the model gives no scores of labels");
  }

  std::vector<Json> run(const PipelineCall& call) const override {
    OptionReader reader(kTask, call.options);
    const auto name = reader.text("function_to_apply");
    const ScoreFunction function =
        name ? parse_score_function(kTask, *name) : default_score_function(model_.model->config());
    const auto top_k = static_cast<size_t>(reader.integer_from("top_k", 1, 5));
    const int64_t batch_size = reader.integer_from("batch_size", 1, 1);
    reader.finish();

    std::vector<Json> answers(call.inputs.size());
    for_each_image_batch(model_, call.inputs, batch_size,
                         [&](size_t first, std::span<const Image> images, const ImageFeatures& features) {
                           const Tensor logits = classifier_->label_logits(inputs_of(features));
                           for (size_t i = 0; i < images.size(); ++i) {
                             const Tensor row = select(logits, 0, static_cast<int64_t>(i));
                             answers[first + i] = answer(apply_score_function(function, row.to_vector<float>()), top_k);
                           }
                         });
    return answers;
  }

 private:
  Json answer(const std::vector<float>& scores, size_t top_k) const {
    Json list = Json::array();
    for (const size_t index : largest(scores, std::min(top_k, scores.size())))
      list.push_back({{"label", labels_.at(index)}, {"score", scores[index]}});
    return list;
  }

  PipelineModel model_;
  const LabelsOfImages* classifier_;
  std::vector<std::string> labels_;
};

}  // namespace

void register_image_classification(PipelineTable& table) {
  table.add<ImageClassificationPipeline>(kTask, "AutoModelForImageClassification", PipelineReads::kImages);
}

}  // namespace imago
