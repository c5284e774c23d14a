// Blip2Processor: the tokens of a row's one picture stand in front of its text, before padding and the first token.
#include <fmt/core.h>

#include "imago/base/error.h"
#include "imago/ops/concat/concat.h"
#include "imago/processors/multimodal/processor.h"

namespace imago {
namespace {

struct Fields {
  std::optional<int64_t> num_query_tokens;
  FIELDS(num_query_tokens)
};

class Blip2Processor final : public Processor {
 public:
  explicit Blip2Processor(ProcessorParts parts)
      : Processor(std::move(parts), "<image>"), queries_(processor_fields<Fields>(config()).num_query_tokens) {
    const int64_t count = queries_.value_or(1);
    if (count >= 1 && count <= kMaxImageTokens) return;
    throw Error(ErrorKind::kInvalidFile, "processor_config.json",
                fmt::format("num_query_tokens is {}, not from 1 to {}", count, kMaxImageTokens));
  }

 private:
  void check(std::span<const ProcessorText> texts) const override {
    const size_t first = texts[0].pictures.size();
    for (const ProcessorText& text : texts) {
      if (text.pictures.size() == first && first <= 1) continue;
      throw Error(ErrorKind::kInvalidArgument, "processor",
                  fmt::format("a text has {} pictures, and the first one {}", text.pictures.size(), first),
                  "give one picture to each text, or none to any");
    }
  }

  std::string image_text(const ImageFeatures& /*features*/, size_t /*picture*/) const override { return {}; }

  std::vector<int64_t> row(const ProcessorText& text, const Features& /*features*/,
                           const Before& /*before*/) const override {
    return encode(text.text, text.literal, text.add_special_tokens);
  }

  void add_pictures(TensorMap& inputs, ImageFeatures features, std::span<const size_t> counts) const override {
    require_features(!features.image_grid_thw, "whole pictures");
    inputs["pixel_values"] = std::move(features.pixel_values);
    if (!queries_) return;
    const auto put_in_front = [&](const char* name, int64_t value) {
      const Shape shape{std::ssize(counts), *queries_};
      inputs[name] = concat({Tensor::full(shape, static_cast<double>(value), DType::i64), inputs[name]}, 1);
    };
    put_in_front("input_ids", image_token_id());
    put_in_front("attention_mask", 1);
  }

  std::optional<int64_t> queries_;
};

}  // namespace

void register_blip_2_processor(ProcessorTable& table) { table.add<Blip2Processor>("Blip2Processor", "blip-2"); }

}  // namespace imago
