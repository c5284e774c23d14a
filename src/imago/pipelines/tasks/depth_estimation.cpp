// depth-estimation: how far away each pixel is.
#include <algorithm>
#include <cmath>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/ops/interpolate/interpolate.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/slice/slice.h"
#include "imago/pipelines/image_batch.h"
#include "imago/pipelines/option_reader.h"

namespace imago {
namespace {

constexpr const char* kTask = "depth-estimation";

template <class T>
Json as_rows(const std::vector<T>& values, int64_t height, int64_t width) {
  Json rows = Json::array();
  for (int64_t y = 0; y < height; ++y)
    rows.push_back(std::vector<T>(values.begin() + y * width, values.begin() + (y + 1) * width));
  return rows;
}

class DepthEstimationPipeline final : public PipelineTask {
 public:
  explicit DepthEstimationPipeline(PipelineModel model)
      : model_(std::move(model)), estimator_(dynamic_cast<const DepthEstimation*>(model_.model.get())) {
    if (estimator_ == nullptr) throw Error(ErrorKind::kUnsupported, kTask, "the model estimates no depth");
  }

  std::vector<Json> run(const PipelineCall& call) const override {
    OptionReader reader(kTask, call.options);
    const int64_t batch_size = reader.integer_from("batch_size", 1, 1);
    reader.finish();
    std::vector<Json> answers(call.inputs.size());
    for_each_image_batch(model_, call.inputs, batch_size,
                         [&](size_t first, std::span<const Image> images, const ImageFeatures& features) {
                           const Tensor depth = estimator_->forward(inputs_of(features)).predicted_depth;
                           for (size_t i = 0; i < images.size(); ++i)
                             answers[first + i] = answer(narrow(depth, 0, static_cast<int64_t>(i), 1), images[i]);
                         });
    return answers;
  }

 private:
  // Rows of numbers, at the picture's size; and of bytes, from the nearest to the farthest.
  static Json answer(const Tensor& depth_1HW, const Image& image) {
    const Tensor resized =
        interpolate(unsqueeze(depth_1HW, 1), {.size = {image.height, image.width}, .mode = "bicubic"});
    const std::vector<float> depth = resized.to_vector<float>();
    const auto [least, most] = std::minmax_element(depth.begin(), depth.end());
    std::vector<int64_t> bytes;
    for (const float value : depth) {
      const float part = (value - *least) / (*most - *least);
      bytes.push_back(std::isfinite(part) ? static_cast<int64_t>(part * 255) : 0);
    }
    return {{"predicted_depth", as_rows(depth, image.height, image.width)},
            {"depth", as_rows(bytes, image.height, image.width)}};
  }

  PipelineModel model_;
  const DepthEstimation* estimator_;
};

}  // namespace

void register_depth_estimation(PipelineTable& table) {
  table.add<DepthEstimationPipeline>(kTask, "AutoModelForDepthEstimation", PipelineReads::kImages);
}

}  // namespace imago
