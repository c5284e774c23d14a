// LlavaProcessor: a token for each patch that the vision model gives a vector of.
#include <fmt/core.h>

#include "imago/base/error.h"
#include "imago/processors/multimodal/processor.h"

namespace imago {
namespace {

struct Fields {
  std::optional<int64_t> patch_size;
  int64_t num_additional_image_tokens = 0;  // such as that of a class
  std::optional<std::string> vision_feature_select_strategy;
  FIELDS(patch_size, num_additional_image_tokens, vision_feature_select_strategy)
};

class LlavaProcessor final : public Processor {
 public:
  explicit LlavaProcessor(ProcessorParts parts)
      : Processor(std::move(parts), "<image>"), fields_(processor_fields<Fields>(config())) {
    const int64_t more = fields_.num_additional_image_tokens;
    if (more < 0 || more > kMaxImageTokens)
      throw Error(ErrorKind::kInvalidFile, "processor_config.json",
                  fmt::format("num_additional_image_tokens is {}, not from 0 to {}", more, kMaxImageTokens));
    if (fields_.patch_size.value_or(0) >= 1) return;
    throw Error(ErrorKind::kInvalidFile, "processor_config.json", "patch_size is missing or below 1",
                "set patch_size and vision_feature_select_strategy as in config.json");
  }

 private:
  std::string image_text(const ImageFeatures& features, size_t /*picture*/) const override {
    require_features(!features.image_grid_thw, "whole pictures");
    const int64_t patch = *fields_.patch_size;
    int64_t count = (features.pixel_values.size(2) / patch) * (features.pixel_values.size(3) / patch) +
                    fields_.num_additional_image_tokens;
    if (fields_.vision_feature_select_strategy == "default") --count;  // without the class token
    return image_tokens(count);
  }

  Fields fields_;
};

}  // namespace

void register_llava_processor(ProcessorTable& table) { table.add<LlavaProcessor>("LlavaProcessor", "llava"); }

}  // namespace imago
