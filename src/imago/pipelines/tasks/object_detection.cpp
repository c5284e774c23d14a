// object-detection: the boxes of a picture's objects.

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/nn/detection_model.h"
#include "imago/nn/vision/detection_loss.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/operators.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/ops/slice/slice.h"
#include "imago/ops/softmax/softmax.h"
#include "imago/pipelines/image_batch.h"
#include "imago/pipelines/option_reader.h"

namespace imago {
namespace {

constexpr const char* kTask = "object-detection";

class ObjectDetectionPipeline final : public PipelineTask {
 public:
  explicit ObjectDetectionPipeline(PipelineModel model)
      : model_(std::move(model)),
        detector_(dynamic_cast<const ObjectDetection*>(model_.model.get())),
        labels_(model_.model->config().labels()) {
    if (detector_ == nullptr) throw Error(ErrorKind::kUnsupported, kTask, "the model finds no objects");
  }

  std::vector<Json> run(const PipelineCall& call) const override {
    OptionReader reader(kTask, call.options);
    const double threshold = reader.number("threshold").value_or(0.5);
    const int64_t batch_size = reader.integer_from("batch_size", 1, 1);
    reader.finish();
    std::vector<Json> answers(call.inputs.size());
    for_each_image_batch(model_, call.inputs, batch_size,
                         [&](size_t first, std::span<const Image> images, const ImageFeatures& features) {
                           DetectionInputs inputs;
                           inputs.pixel_values = features.pixel_values;
                           inputs.pixel_mask = features.pixel_mask;
                           const DetectionOutput out = detector_->forward(inputs);
                           for (size_t i = 0; i < images.size(); ++i) {
                             const auto picture = static_cast<int64_t>(i);
                             answers[first + i] = answer(select(out.logits, 0, picture),
                                                         select(out.pred_boxes, 0, picture), images[i], threshold);
                           }
                         });
    return answers;
  }

 private:
  // Objects in the order of the queries that found them, as the reference has them.
  Json answer(const Tensor& logits, const Tensor& boxes, const Image& image, double threshold) const {
    const Tensor scores = softmax(cast(logits, DType::f32), -1);
    const Extreme best = max(narrow(scores, -1, 0, scores.size(-1) - 1), -1);  // the last is "no object"
    const std::vector<float> score = best.values.to_vector<float>();
    const std::vector<int64_t> label = best.indices.to_vector<int64_t>();
    const std::vector<float> corners = cast(nn::corners(boxes), DType::f32).to_vector<float>();
    const float sizes[] = {static_cast<float>(image.width), static_cast<float>(image.height)};
    Json list = Json::array();
    for (size_t i = 0; i < score.size(); ++i) {
      if (!(score[i] > static_cast<float>(threshold))) continue;
      // Cut off, not rounded.
      const auto side = [&](size_t s) { return static_cast<int64_t>(corners[i * 4 + s] * sizes[s % 2]); };
      const Json box = {{"xmin", side(0)}, {"ymin", side(1)}, {"xmax", side(2)}, {"ymax", side(3)}};
      list.push_back({{"score", score[i]}, {"label", labels_.at(label[i])}, {"box", box}});
    }
    return list;
  }

  PipelineModel model_;
  const ObjectDetection* detector_;
  std::vector<std::string> labels_;
};

}  // namespace

void register_object_detection(PipelineTable& table) {
  table.add<ObjectDetectionPipeline>(kTask, "AutoModelForObjectDetection", PipelineReads::kImages);
}

}  // namespace imago
