// image-segmentation: which pixels belong to which label.
#include <fmt/core.h>

#include <map>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/ops/interpolate/interpolate.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/ops/slice/slice.h"
#include "imago/pipelines/image_batch.h"
#include "imago/pipelines/option_reader.h"

namespace imago {
namespace {

constexpr const char* kTask = "image-segmentation";

// A mask as the lengths of its runs, row by row: pixels outside, pixels inside, pixels outside, ...
Json run_lengths(const std::vector<int64_t>& labels, int64_t label, int64_t height, int64_t width) {
  Json counts = Json::array();
  int64_t run = 0;
  bool inside = false;
  for (const int64_t here : labels) {
    if ((here == label) != inside) {
      counts.push_back(run);
      run = 0;
      inside = !inside;
    }
    ++run;
  }
  counts.push_back(run);
  return {{"size", {height, width}}, {"counts", counts}};
}

class ImageSegmentationPipeline final : public PipelineTask {
 public:
  explicit ImageSegmentationPipeline(PipelineModel model)
      : model_(std::move(model)),
        segmenter_(dynamic_cast<const SemanticSegmentation*>(model_.model.get())),
        labels_(model_.model->config().labels()) {
    if (segmenter_ == nullptr) throw Error(ErrorKind::kUnsupported, kTask, "the model gives no labels of pixels");
  }

  std::vector<Json> run(const PipelineCall& call) const override {
    OptionReader reader(kTask, call.options);
    const std::string subtask = reader.text("subtask").value_or("semantic");
    const int64_t batch_size = reader.integer_from("batch_size", 1, 1);
    reader.finish();
    if (subtask != "semantic") {
      throw Error(ErrorKind::kUnsupported, kTask, fmt::format("the model does no {} segmentation", subtask),
                  "it does semantic segmentation");
    }
    std::vector<Json> answers(call.inputs.size());
    for_each_image_batch(model_, call.inputs, batch_size,
                         [&](size_t first, std::span<const Image> images, const ImageFeatures& features) {
                           const Tensor logits = segmenter_->forward(inputs_of(features)).logits;
                           for (size_t i = 0; i < images.size(); ++i)
                             answers[first + i] = answer(narrow(logits, 0, static_cast<int64_t>(i), 1), images[i]);
                         });
    return answers;
  }

 private:
  Json answer(const Tensor& logits, const Image& image) const {
    const Tensor resized = interpolate(logits, {.size = {image.height, image.width}, .mode = "bilinear"});
    const std::vector<int64_t> labels = argmax(resized, 1).to_vector<int64_t>();
    std::map<int64_t, int64_t> counts;  // those that occur, in order
    for (const int64_t label : labels) ++counts[label];
    Json list = Json::array();
    for (const auto& [label, count] : counts) {
      list.push_back({{"score", nullptr},
                      {"label", labels_.at(label)},
                      {"mask", run_lengths(labels, label, image.height, image.width)}});
    }
    return list;
  }

  PipelineModel model_;
  const SemanticSegmentation* segmenter_;
  std::vector<std::string> labels_;
};

}  // namespace

void register_image_segmentation(PipelineTable& table) {
  table.add<ImageSegmentationPipeline>(kTask, "AutoModelForSemanticSegmentation", PipelineReads::kImages);
}

}  // namespace imago
