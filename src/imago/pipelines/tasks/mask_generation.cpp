// mask-generation: masks of everything in a picture, asked for with a grid of points.
#include <cmath>

#include "imago/base/error.h"
#include "imago/nn/mask_generation_model.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/interpolate/interpolate.h"
#include "imago/ops/slice/slice.h"
#include "imago/pipelines/image_batch.h"
#include "imago/pipelines/mask_json.h"
#include "imago/pipelines/option_reader.h"
#include "imago/processors/image/crop_points.h"

namespace imago {
namespace {

constexpr const char* kTask = "mask-generation";
constexpr float kNearEdge = 20;  // pixels

struct Options {
  CropOptions crops;
  int64_t points_per_batch = 64;
  double pred_iou_thresh = 0.88, stability_score_thresh = 0.95, mask_threshold = 0, stability_score_offset = 1;
  double crops_nms_thresh = 0.7;
  bool rle = false, boxes = false;
};

struct Found {
  std::vector<BinaryMask> masks;  // of the whole picture
  std::vector<float> scores;
  std::vector<std::array<int64_t, 4>> boxes;
};

// How much of the mask stays when the threshold rises, to what there is when it falls.
float stability(const std::vector<float>& logits, double threshold, double offset) {
  const auto above = [&](double limit) {
    return static_cast<float>(
        std::count_if(logits.begin(), logits.end(), [&](float value) { return value > static_cast<float>(limit); }));
  };
  return above(threshold + offset) / above(threshold - offset);
}

// A mask that a crop cuts off is seen whole in another crop; one that the picture's edge cuts off is not.
bool is_cut_off(const std::array<int64_t, 4>& box, const PictureCrop& crop, const Image& image) {
  const auto near = [](int64_t a, int64_t b) { return std::abs(static_cast<float>(a - b)) <= kNearEdge; };
  const int64_t moved[] = {box[0] + crop.left, box[1] + crop.top, box[2] + crop.left, box[3] + crop.top};
  const int64_t edges[] = {crop.left, crop.top, crop.right, crop.bottom}, outer[] = {0, 0, image.width, image.height};
  for (int side = 0; side < 4; ++side) {
    if (near(moved[side], edges[side]) && !near(moved[side], outer[side])) return true;
  }
  return false;
}

// Where it stands in the picture.
BinaryMask in_picture(const BinaryMask& part, const PictureCrop& crop, const Image& image) {
  if (part.height == image.height && part.width == image.width) return part;
  BinaryMask whole{image.height, image.width, std::vector<uint8_t>(static_cast<size_t>(image.height * image.width))};
  for (int64_t y = 0; y < part.height; ++y)
    std::copy_n(part.inside.begin() + y * part.width, part.width,
                whole.inside.begin() + (y + crop.top) * image.width + crop.left);
  return whole;
}

class MaskGenerationPipeline final : public PipelineTask {
 public:
  explicit MaskGenerationPipeline(PipelineModel model)
      : model_(std::move(model)), generator_(dynamic_cast<const MaskGeneration*>(model_.model.get())) {
    if (generator_ == nullptr) throw Error(ErrorKind::kUnsupported, kTask, "the model generates no masks");
    const ImageProcessorConfig& c = model_.image_processor->config();
    if (!c.size.longest_edge || !c.pad_size.height || !c.pad_size.width)
      throw Error(ErrorKind::kUnsupported, kTask, "the image processor does not resize the longest edge and pad");
  }

  std::vector<Json> run(const PipelineCall& call) const override {
    const Options options = read(call.options);
    std::vector<Json> answers;
    for (const PipelineInput& input : call.inputs) answers.push_back(answer(read_image(input), options));
    return answers;
  }

 private:
  Options read(const Json& json) const {
    OptionReader reader(kTask, json);
    Options o;
    o.crops.layers = reader.integer_from("crops_n_layers", 0, 0);
    o.crops.overlap_ratio = reader.number("crop_overlap_ratio").value_or(o.crops.overlap_ratio);
    o.crops.points_per_side = reader.integer_from("points_per_crop", 1, 32);
    o.crops.points_downscale = reader.number("crop_n_points_downscale_factor").value_or(1);
    o.crops.longest_edge = *model_.image_processor->config().size.longest_edge;
    o.points_per_batch = reader.integer_from("points_per_batch", 1, 64);
    o.pred_iou_thresh = reader.number("pred_iou_thresh").value_or(o.pred_iou_thresh);
    o.stability_score_thresh = reader.number("stability_score_thresh").value_or(o.stability_score_thresh);
    o.stability_score_offset = reader.number("stability_score_offset").value_or(o.stability_score_offset);
    o.mask_threshold = reader.number("mask_threshold").value_or(o.mask_threshold);
    o.crops_nms_thresh = reader.number("crops_nms_thresh").value_or(o.crops_nms_thresh);
    o.rle = reader.boolean("output_rle_mask").value_or(false);
    o.boxes = reader.boolean("output_bboxes_mask").value_or(false);
    reader.integer_from("batch_size", 1, 1);  // pictures are asked one by one, in any case
    reader.finish();
    return o;
  }

  Json answer(const Image& image, const Options& options) const {
    Found found;
    for (const PictureCrop& part : crops_with_points(image.height, image.width, options.crops))
      ask(part, image, options, found);
    std::vector<Corners> corners;
    for (const auto& b : found.boxes)
      corners.push_back(
          {static_cast<float>(b[0]), static_cast<float>(b[1]), static_cast<float>(b[2]), static_cast<float>(b[3])});
    Json masks = Json::array(), scores = Json::array(), rle = Json::array(), boxes = Json::array();
    for (const size_t i : suppress_overlaps(corners, found.scores, options.crops_nms_thresh)) {
      masks.push_back(mask_json(found.masks[i]));
      scores.push_back(found.scores[i]);
      if (options.rle) rle.push_back(coco_mask_json(found.masks[i]));
      if (options.boxes) boxes.push_back(std::vector<int64_t>(found.boxes[i].begin(), found.boxes[i].end()));
    }
    Json json = {{"masks", masks}, {"scores", scores}};
    if (options.rle) json["rle_mask"] = rle;
    if (options.boxes) json["bounding_boxes"] = boxes;
    return json;
  }

  // What the points of a part find there.
  void ask(const PictureCrop& part, const Image& image, const Options& options, Found& found) const {
    const std::vector<Image> images = {crop(image, part.left, part.top, part.right, part.bottom)};
    const ImageFeatures features = (*model_.image_processor)(images);
    MaskPrompts prompts;
    prompts.image_embeddings =
        generator_->image_embeddings(cast(features.pixel_values, floating_dtype_of(*model_.model)));
    const auto count = static_cast<int64_t>(part.points.size());
    for (int64_t first = 0; first < count; first += options.points_per_batch) {
      const int64_t now = std::min(options.points_per_batch, count - first);
      std::vector<double> places;
      for (int64_t i = 0; i < now; ++i)
        places.insert(places.end(), part.points[first + i].begin(), part.points[first + i].end());
      prompts.input_points = Tensor::from(places, {1, now, 1, 2});
      prompts.input_labels = Tensor::ones({1, now, 1}, DType::i64);
      keep_good(generator_->forward(prompts), features.resized[0], part, image, options, found);
    }
  }

  // Masks that the model trusts and whose edges are sharp. One after the other, as a picture's masks are large.
  void keep_good(const MaskGenerationOutput& out, const std::array<int64_t, 2>& resized, const PictureCrop& part,
                 const Image& image, const Options& options, Found& found) const {
    const std::vector<float> scores = cast(out.iou_scores, DType::f32).to_vector<float>();
    const int64_t each = out.pred_masks.size(2);
    const ImageSize& padded = model_.image_processor->config().pad_size;
    for (size_t i = 0; i < scores.size(); ++i) {
      if (options.pred_iou_thresh > 0 && !(scores[i] > static_cast<float>(options.pred_iou_thresh))) continue;
      const auto index = static_cast<int64_t>(i);
      Tensor logits = narrow(narrow(select(out.pred_masks, 0, 0), 0, index / each, 1), 1, index % each, 1);
      logits = interpolate(logits, {.size = {*padded.height, *padded.width}, .mode = "bilinear"});
      logits = narrow(narrow(logits, 2, 0, resized[0]), 3, 0, resized[1]);
      BinaryMask mask{part.bottom - part.top, part.right - part.left, {}};
      logits = interpolate(logits, {.size = {mask.height, mask.width}, .mode = "bilinear"});
      const std::vector<float> values = cast(logits, DType::f32).to_vector<float>();
      if (options.stability_score_thresh > 0 &&
          !(stability(values, options.mask_threshold, options.stability_score_offset) >
            static_cast<float>(options.stability_score_thresh)))
        continue;
      for (const float value : values) mask.inside.push_back(value > static_cast<float>(options.mask_threshold));
      std::array<int64_t, 4> box = bounding_box(mask);
      if (is_cut_off(box, part, image)) continue;
      box = {box[0] + part.left, box[1] + part.top, box[2] + part.left, box[3] + part.top};
      found.masks.push_back(in_picture(mask, part, image));
      found.scores.push_back(scores[i]);
      found.boxes.push_back(box);
    }
  }

  PipelineModel model_;
  const MaskGeneration* generator_;
};

}  // namespace

void register_mask_generation(PipelineTable& table) {
  table.add<MaskGenerationPipeline>(kTask, "AutoModelForMaskGeneration", PipelineReads::kImages);
}

}  // namespace imago
