#include "imago/quant/codebook/codebooks.h"

#include <fmt/core.h>

#include <algorithm>
#include <memory>

#include "imago/base/error.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/contiguous/contiguous.h"
#include "imago/quant/codebook/codebook_matrix.h"

namespace imago::quant {
namespace {

std::vector<float> floats_of(const Tensor& tensor, std::string_view name) {
  if (!tensor.defined() || !is_floating_point(tensor.dtype())) {
    throw Error(ErrorKind::kInvalidFile, "quant",
                fmt::format("{} is {}", name, tensor.defined() ? tensor.describe() : "missing"));
  }
  return contiguous(cast(tensor, DType::f32)).to_vector<float>();
}

void require(bool sound, std::string_view what) {
  if (!sound) throw Error(ErrorKind::kInvalidFile, "quant", std::string(what));
}

// The order of roundings is the reference's: each code's value by its block's scale, then the offset.
std::vector<float> absmax_of(const FourBitTensors& t) {
  if (t.absmax.dtype() != DType::u8) return floats_of(t.absmax, "absmax");
  const std::vector<float> scales = floats_of(t.nested_absmax, "nested_absmax");
  const std::vector<float> values = floats_of(t.nested_values, "nested_quant_map");
  const int64_t count = t.absmax.numel();
  require(values.size() == 256, "nested_quant_map has not 256 values");
  require(t.nested_block > 0 &&
              static_cast<int64_t>(scales.size()) == count / t.nested_block + (count % t.nested_block != 0),
          "nested_absmax does not fit absmax");
  const std::vector<uint8_t> codes = contiguous(t.absmax).to_vector<uint8_t>();
  std::vector<float> absmax(codes.size());
  for (int64_t i = 0; i < count; ++i) {
    const auto at = static_cast<size_t>(i);
    const float value = values[codes[at]] * scales[static_cast<size_t>(i / t.nested_block)];
    absmax[at] = value + t.nested_offset;
  }
  return absmax;
}

}  // namespace

Tensor four_bit_weight(std::string_view name, const FourBitTensors& t, int64_t rows, int64_t columns, DType dtype) {
  require(t.codes.defined() && t.codes.dtype() == DType::u8, "the codes are no bytes");
  require(t.absmax.defined(), "absmax is missing");
  require(t.block > 0, "the block size is not positive");
  const std::vector<float> values = floats_of(t.values, "quant_map");
  require(values.size() == 16, "quant_map has not 16 values");
  Codebook codebook{name, 4, CodeKind::kTable};
  std::copy(values.begin(), values.end(), codebook.values.begin());
  return Tensor::encoded(
      std::make_shared<CodebookMatrix>(codebook, rows, columns, t.codes, absmax_of(t), ScaleLayout{.run = t.block}),
      dtype);
}

namespace {

Codebook int8_codebook(const Tensor& codes) {
  require(codes.dim() == 2 && codes.dtype() == DType::i8, "the weight is no matrix of int8");
  Codebook codebook{"int8", 8, CodeKind::kInteger};
  for (int i = 0; i < 256; ++i) codebook.values[static_cast<size_t>(i)] = static_cast<float>(static_cast<int8_t>(i));
  return codebook;
}

}  // namespace

Tensor scaled_int8_weight(const Tensor& codes, const Tensor& scales, DType dtype) {
  const Codebook codebook = int8_codebook(codes);
  const int64_t rows = std::max<int64_t>(codes.size(0), 1), columns = std::max<int64_t>(codes.size(1), 1);
  ScaleLayout layout{.tile_rows = rows, .tile_columns = columns};
  if (scales.numel() != 1) {
    require(scales.dim() == 2 && scales.size(0) == codes.size(0) && scales.size(1) > 0 && columns % scales.size(1) == 0,
            "the scales are no whole number of groups a row");
    layout = {.tile_rows = 1, .tile_columns = columns / scales.size(1)};
  }
  return Tensor::encoded(std::make_shared<CodebookMatrix>(codebook, codes.size(0), codes.size(1), codes,
                                                          floats_of(scales, "weight_scale"), layout),
                         dtype);
}

Tensor int8_weight(const Tensor& codes, const Tensor& largest, DType dtype) {
  Codebook codebook = int8_codebook(codes);
  codebook.factor = 1.0F / 127;
  const ScaleLayout layout{.tile_columns = std::max<int64_t>(codes.size(1), 1)};
  return Tensor::encoded(std::make_shared<CodebookMatrix>(codebook, codes.size(0), codes.size(1), codes,
                                                          floats_of(largest, "SCB"), layout),
                         dtype);
}

Tensor fp8_weight(const Tensor& codes, const Tensor& scales, int64_t tile_rows, int64_t tile_columns, DType dtype) {
  require(codes.dim() == 2 && codes.dtype() == DType::f8_e4m3fn, "the weight is no matrix of float8_e4m3fn");
  require(tile_rows > 0 && tile_columns > 0, "the tiles of scales have no size");
  Codebook codebook{"fp8", 8, CodeKind::kFloat8};
  Tensor all = Tensor::empty({256}, DType::u8);
  for (int i = 0; i < 256; ++i) all.data<uint8_t>()[i] = static_cast<uint8_t>(i);
  const std::vector<float> values =
      cast(Tensor::on_storage(all.storage(), 0, {256}, {1}, DType::f8_e4m3fn), DType::f32).to_vector<float>();
  std::copy(values.begin(), values.end(), codebook.values.begin());
  const ScaleLayout layout{.tile_rows = tile_rows, .tile_columns = tile_columns};
  return Tensor::encoded(std::make_shared<CodebookMatrix>(codebook, codes.size(0), codes.size(1), codes,
                                                          floats_of(scales, "the scale"), layout),
                         dtype);
}

}  // namespace imago::quant
