// image-feature-extraction: the vectors that a bare model makes of a picture.

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/ops/slice/slice.h"
#include "imago/pipelines/image_batch.h"
#include "imago/pipelines/option_reader.h"

namespace imago {
namespace {

constexpr const char* kTask = "image-feature-extraction";

Json nested_list(const Tensor& tensor) {
  if (tensor.dim() == 0) return tensor.item<float>();
  Json list = Json::array();
  if (tensor.dim() == 1) {
    for (const float value : tensor.to_vector<float>()) list.push_back(value);
  } else {
    for (int64_t i = 0; i < tensor.size(0); ++i) list.push_back(nested_list(select(tensor, 0, i)));
  }
  return list;
}

class ImageFeatureExtractionPipeline final : public PipelineTask {
 public:
  explicit ImageFeatureExtractionPipeline(PipelineModel model) : model_(std::move(model)) {}

  std::vector<Json> run(const PipelineCall& call) const override {
    OptionReader reader(kTask, call.options);
    const bool pool = reader.boolean("pool").value_or(false);
    const int64_t batch_size = reader.integer_from("batch_size", 1, 1);
    reader.finish();
    std::vector<Json> answers(call.inputs.size());
    for_each_image_batch(model_, call.inputs, batch_size,
                         [&](size_t first, std::span<const Image> images, const ImageFeatures& features) {
                           // By name, as models whose outputs have more beside them give these as well.
                           const TensorMap out = model_.model->run({{"pixel_values", features.pixel_values}});
                           const auto found = out.find(pool ? "pooler_output" : "last_hidden_state");
                           if (found == out.end()) {
                             throw Error(ErrorKind::kInvalidArgument, kTask, "the model has no pooler",
                                         "leave pool out, or take a model with one");
                           }
                           for (size_t i = 0; i < images.size(); ++i) {  // a batch of one, as the reference gives it
                             const Tensor row = select(found->second, 0, static_cast<int64_t>(i));
                             answers[first + i] = Json::array({nested_list(row)});
                           }
                         });
    return answers;
  }

 private:
  PipelineModel model_;
};

}  // namespace

void register_image_feature_extraction(PipelineTable& table) {
  table.add<ImageFeatureExtractionPipeline>(kTask, "AutoModel", PipelineReads::kImages);
}

}  // namespace imago
