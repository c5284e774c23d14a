// Qwen2VLProcessor: a token for each square of patches that are merged, and which tokens are of pictures.
#include "imago/ops/cast/cast.h"
#include "imago/ops/compare/compare.h"
#include "imago/processors/multimodal/processor.h"

namespace imago {
namespace {

struct NoFields {
  FIELDS()
};

class Qwen2VLProcessor final : public Processor {
 public:
  explicit Qwen2VLProcessor(ProcessorParts parts) : Processor(std::move(parts), "<|image_pad|>") {
    processor_fields<NoFields>(config());
  }

 private:
  std::string image_text(const ImageFeatures& features, size_t picture) const override {
    require_features(static_cast<bool>(features.image_grid_thw), "grids of patches");
    const std::vector<int64_t> grids = features.image_grid_thw.to_vector<int64_t>();
    const int64_t merge = image_processor().config().merge_size;
    return image_tokens(grids[3 * picture] * grids[3 * picture + 1] * grids[3 * picture + 2] / (merge * merge));
  }

  void add_pictures(TensorMap& inputs, ImageFeatures features, std::span<const size_t> counts) const override {
    inputs["image_grid_thw"] = features.image_grid_thw;
    inputs["mm_token_type_ids"] = cast(eq(inputs.at("input_ids"), static_cast<double>(image_token_id())), DType::i64);
    Processor::add_pictures(inputs, std::move(features), counts);
  }
};

}  // namespace

void register_qwen2_vl_processor(ProcessorTable& table) { table.add<Qwen2VLProcessor>("Qwen2VLProcessor", "qwen2_vl"); }

}  // namespace imago
