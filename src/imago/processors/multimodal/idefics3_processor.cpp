// Idefics3Processor and SmolVLMProcessor: a run of tokens for each tile with its place, and for the whole picture.
#include <fmt/core.h>

#include <algorithm>

#include "imago/base/error.h"
#include "imago/ops/concat/concat.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/slice/slice.h"
#include "imago/processors/multimodal/processor.h"

namespace imago {
namespace {

struct Fields {
  int64_t image_seq_len = 169;
  FIELDS(image_seq_len)
};

class Idefics3Processor final : public Processor {
 public:
  explicit Idefics3Processor(ProcessorParts parts)
      : Processor(std::move(parts), "<image>"), image_seq_len_(processor_fields<Fields>(config()).image_seq_len) {
    if (image_seq_len_ < 1) throw Error(ErrorKind::kInvalidFile, "processor_config.json", "image_seq_len is below 1");
  }

 private:
  std::string image_text(const ImageFeatures& features, size_t picture) const override {
    constexpr std::string_view kAround = "<fake_token_around_image>";
    require_features(picture < features.tiles.size(), "tiles");
    const TileGrid& grid = features.tiles[picture];
    const std::string run = image_tokens(image_seq_len_);
    std::string text;
    for (int64_t row = 1; row <= grid.rows; ++row) {
      for (int64_t column = 1; column <= grid.columns; ++column)
        text += fmt::format("{}<row_{}_col_{}>{}", kAround, row, column, run);
      text += "\n";
    }
    if (grid.rows > 0) text += "\n";
    return text + fmt::format("{}<global-img>{}{}", kAround, run, kAround);
  }

  // [rows, pictures of a row, 3, height, width], with black ones behind the fewer of a row.
  void add_pictures(TensorMap& inputs, ImageFeatures features, std::span<const size_t> counts) const override {
    std::vector<int64_t> pictures;
    size_t next = 0;
    for (const size_t count : counts) {
      pictures.push_back(0);
      for (size_t i = 0; i < count; ++i) pictures.back() += features.tiles[next++].pictures();
    }
    inputs["pixel_values"] = in_rows(features.pixel_values, pictures);
    if (features.pixel_mask) inputs["pixel_attention_mask"] = in_rows(features.pixel_mask, pictures);
  }

  static Tensor in_rows(const Tensor& all, const std::vector<int64_t>& pictures) {
    const int64_t most = *std::max_element(pictures.begin(), pictures.end());
    Tensors rows;
    int64_t first = 0;
    for (const int64_t count : pictures) {
      Shape missing = all.shape();
      missing[0] = most - count;
      rows.push_back(concat({narrow(all, 0, first, count), Tensor::zeros(missing, all.dtype())}, 0));
      first += count;
    }
    return stack(rows);
  }

  int64_t image_seq_len_;
};

}  // namespace

void register_idefics3_processor(ProcessorTable& table) {
  table.add<Idefics3Processor>("Idefics3Processor", "idefics3");
  table.add<Idefics3Processor>("SmolVLMProcessor", "smolvlm");
}

}  // namespace imago
