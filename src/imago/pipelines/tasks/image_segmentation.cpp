// image-segmentation: which pixels belong to which label, or to which object.
#include <fmt/core.h>

#include <set>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/ops/interpolate/interpolate.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/ops/slice/slice.h"
#include "imago/pipelines/image_batch.h"
#include "imago/pipelines/mask_json.h"
#include "imago/pipelines/option_reader.h"
#include "imago/pipelines/segments.h"

namespace imago {
namespace {

constexpr const char* kTask = "image-segmentation";

class ImageSegmentationPipeline final : public PipelineTask {
 public:
  explicit ImageSegmentationPipeline(PipelineModel model)
      : model_(std::move(model)),
        semantic_(dynamic_cast<const SemanticSegmentation*>(model_.model.get())),
        universal_(dynamic_cast<const UniversalSegmentation*>(model_.model.get())),
        labels_(model_.model->config().labels()) {
    if (semantic_ == nullptr && universal_ == nullptr)
      throw Error(ErrorKind::kUnsupported, kTask, "the model gives no labels of pixels");
  }

  std::vector<Json> run(const PipelineCall& call) const override {
    OptionReader reader(kTask, call.options);
    const std::string subtask = reader.text("subtask").value_or(universal_ != nullptr ? "panoptic" : "semantic");
    SegmentOptions options;
    options.threshold = reader.number("threshold").value_or(options.threshold);
    options.mask_threshold = reader.number("mask_threshold").value_or(options.mask_threshold);
    options.overlap_mask_area_threshold =
        reader.number("overlap_mask_area_threshold").value_or(options.overlap_mask_area_threshold);
    const int64_t batch_size = reader.integer_from("batch_size", 1, 1);
    reader.finish();
    const bool segments = universal_ != nullptr && (subtask == "panoptic" || subtask == "instance");
    if (!segments && subtask != "semantic") {
      throw Error(ErrorKind::kUnsupported, kTask, fmt::format("the model does no {} segmentation", subtask),
                  universal_ != nullptr ? "it does panoptic, instance and semantic segmentation"
                                        : "it does semantic segmentation");
    }
    std::vector<Json> answers(call.inputs.size());
    for_each_image_batch(
        model_, call.inputs, batch_size,
        [&](size_t first, std::span<const Image> images, const ImageFeatures& features) {
          if (universal_ != nullptr) {
            const QueriedMasks all = universal_->queried_masks({features.pixel_values, features.pixel_mask});
            for (size_t i = 0; i < images.size(); ++i)
              answers[first + i] = answer(of_picture(all, i), images[i], subtask, options);
            return;
          }
          const Tensor logits = semantic_->forward(inputs_of(features)).logits;
          for (size_t i = 0; i < images.size(); ++i) {
            const Tensor own = narrow(logits, 0, static_cast<int64_t>(i), 1);
            const Tensor resized = interpolate(own, {.size = {images[i].height, images[i].width}, .mode = "bilinear"});
            answers[first + i] = label_masks(argmax(resized, 1).to_vector<int64_t>(), images[i]);
          }
        });
    return answers;
  }

 private:
  static QueriedMasks of_picture(const QueriedMasks& all, size_t picture) {
    const auto i = static_cast<int64_t>(picture);
    return {narrow(all.class_logits, 0, i, 1), narrow(all.mask_logits, 0, i, 1), all.judged_side};
  }

  Json answer(const QueriedMasks& masks, const Image& image, const std::string& subtask,
              const SegmentOptions& options) const {
    if (subtask == "semantic") return label_masks(semantic_labels(masks, image.height, image.width), image);
    Json list = Json::array();
    const auto segments = subtask == "panoptic" ? panoptic_segments(masks, image.height, image.width, options)
                                                : instance_segments(masks, image.height, image.width, options);
    for (const Segment& segment : segments) {
      list.push_back(
          {{"score", segment.score}, {"label", labels_.at(segment.label)}, {"mask", mask_json(segment.mask)}});
    }
    return list;
  }

  // A mask for each label that occurs, in their order.
  Json label_masks(const std::vector<int64_t>& labels, const Image& image) const {
    Json list = Json::array();
    for (const int64_t label : std::set<int64_t>(labels.begin(), labels.end())) {
      BinaryMask mask{image.height, image.width, {}};
      for (const int64_t here : labels) mask.inside.push_back(here == label);
      list.push_back({{"score", nullptr}, {"label", labels_.at(label)}, {"mask", mask_json(mask)}});
    }
    return list;
  }

  PipelineModel model_;
  const SemanticSegmentation* semantic_;
  const UniversalSegmentation* universal_;
  std::vector<std::string> labels_;
};

}  // namespace

void register_image_segmentation(PipelineTable& table) {
  // Of whichever class the checkpoint is: several kinds give segments.
  table.add<ImageSegmentationPipeline>(kTask, "", PipelineReads::kImages);
}

}  // namespace imago
