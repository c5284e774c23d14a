// Qwen2VLProcessor: a token for each square of patches that are merged, and which tokens are of pictures.
#include "imago/ops/cast/cast.h"
#include "imago/ops/compare/compare.h"
#include "imago/ops/operators.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/ops/slice/slice.h"
#include "imago/processors/multimodal/processor.h"

namespace imago {
namespace {

struct NoFields {
  FIELDS()
};

class Qwen2VLProcessor final : public Processor {
 public:
  explicit Qwen2VLProcessor(ProcessorParts parts) : Processor(std::move(parts), "<|image_pad|>") {
    processor_fields<NoFields>(this->config());
    const Json own = this->config().value("video_token", Json());
    if (own.is_string()) video_token_ = own.get<std::string>();
  }

 private:
  // One for each vector of merged patches.
  static int64_t tokens(const Tensor& grids, size_t index, int64_t merge) {
    const Tensor grid = select(grids, 0, static_cast<int64_t>(index));
    return prod(grid).item<int64_t>() / (merge * merge);
  }

  std::string image_text(const ImageFeatures& features, size_t picture) const override {
    require_features(static_cast<bool>(features.image_grid_thw), "grids of patches");
    return image_tokens(tokens(features.image_grid_thw, picture, image_processor().config().merge_size));
  }

  std::string video_token() const override { return video_token_; }
  std::string video_text(const VideoFeatures& features, size_t video) const override {
    // A vector of a video is of as many patches as one of a picture: the model has one number for both.
    return repeated(video_token_, tokens(features.video_grid_thw, video, image_processor().config().merge_size));
  }

  void add_pictures(TensorMap& inputs, ImageFeatures features, std::span<const size_t> counts) const override {
    inputs["image_grid_thw"] = features.image_grid_thw;
    add_kinds(inputs);
    Processor::add_pictures(inputs, std::move(features), counts);
  }

  void add_videos(TensorMap& inputs, VideoFeatures features) const override {
    add_kinds(inputs);
    Processor::add_videos(inputs, std::move(features));
  }

  void add_kinds(TensorMap& inputs) const {
    const auto is = [&](int64_t token) {
      return cast(eq(inputs.at("input_ids"), static_cast<double>(token)), DType::i64);
    };
    const auto video = tokenizer().tokenizer().token_to_id(video_token_);  // which tokenizers for pictures may not have
    inputs["mm_token_type_ids"] = video ? is(image_token_id()) + is(*video) * 2.0 : is(image_token_id());
  }

  std::string video_token_ = "<|video_pad|>";
};

}  // namespace

void register_qwen2_vl_processor(ProcessorTable& table) { table.add<Qwen2VLProcessor>("Qwen2VLProcessor", "qwen2_vl"); }

}  // namespace imago
