#include "imago/export/hub_format.h"

#include <algorithm>

#include "imago/base/json.h"
#include "imago/quant/codebook/encode_codebooks.h"
#include "imago/quant/codebook/nest_scales.h"
#include "imago/quant/int8_activations/int8_matrix.h"
#include "imago/quant/int8_activations/int8_product.h"

namespace imago {
namespace {

constexpr int64_t kFp8Tile = 128;

// As the reference writes it, with every option.
Json bitsandbytes_config(bool four_bits, std::string_view type, const std::vector<std::string>& kept,
                         bool nested = false) {
  return {{"_load_in_4bit", four_bits},
          {"_load_in_8bit", !four_bits},
          {"bnb_4bit_compute_dtype", "float32"},
          {"bnb_4bit_quant_storage", "uint8"},
          {"bnb_4bit_quant_type", type},
          {"bnb_4bit_use_double_quant", nested},
          {"llm_int8_enable_fp32_cpu_offload", false},
          {"llm_int8_has_fp16_weight", false},
          {"llm_int8_skip_modules", kept},
          {"llm_int8_threshold", 6.0},
          {"load_in_4bit", four_bits},
          {"load_in_8bit", !four_bits},
          {"quant_method", "bitsandbytes"}};
}

Tensor bytes_of(const std::string& text) {
  return Tensor::from(std::span(reinterpret_cast<const uint8_t*>(text.data()), text.size()),
                      {static_cast<int64_t>(text.size())});
}

void encode_four_bits(std::string_view type, bool nested, const std::string& layer, const Tensor& weight,
                      NamedTensors& to) {
  quant::FourBitTensors parts = quant::encode_four_bits(type, weight);
  Json state = {{"quant_type", type},
                {"blocksize", parts.block},
                {"dtype", to_string(weight.dtype())},
                {"shape", {weight.size(0), weight.size(1)}}};
  const std::string name = layer + ".weight";
  if (nested) {
    quant::nest_scales(parts);
    state["nested_blocksize"] = parts.nested_block;
    state["nested_dtype"] = "float32";
    state["nested_offset"] = static_cast<double>(parts.nested_offset);
    to.emplace_back(name + ".nested_absmax", parts.nested_absmax);
    to.emplace_back(name + ".nested_quant_map", parts.nested_values);
  }
  to.emplace_back(name, parts.codes);
  to.emplace_back(name + ".absmax", parts.absmax);
  to.emplace_back(name + ".quant_map", parts.values);
  to.emplace_back(name + ".quant_state.bitsandbytes__" + std::string(type), bytes_of(dump_json(state)));
}

template <const char* kType, bool kNested = false>
HubFormat four_bits(std::string_view name = kType) {
  return {name, [](const std::vector<std::string>& kept) { return bitsandbytes_config(true, kType, kept, kNested); },
          [](const std::string& layer, const Tensor& weight, NamedTensors& to) {
            encode_four_bits(kType, kNested, layer, weight, to);
          },
          [](const Shape& shape) { return shape[1] % 2 == 0; }};
}

void encode_int8(const std::string& layer, const Tensor& weight, NamedTensors& to) {
  const quant::Int8Tensors parts = quant::encode_int8(weight);
  to.emplace_back(layer + ".weight", parts.codes);
  to.emplace_back(layer + ".SCB", parts.largest);
  to.emplace_back(layer + ".weight_format", Tensor::zeros({}, DType::u8));
}

Json fp8_config(const std::vector<std::string>& kept) {
  return {{"activation_scheme", "dynamic"},
          {"modules_to_not_convert", kept},
          {"quant_method", "fp8"},
          {"weight_block_size", {kFp8Tile, kFp8Tile}}};
}

void encode_fp8(const std::string& layer, const Tensor& weight, NamedTensors& to) {
  const quant::Fp8Tensors parts = quant::encode_fp8(weight, kFp8Tile, kFp8Tile);
  to.emplace_back(layer + ".weight", parts.codes);
  to.emplace_back(layer + ".weight_scale_inv", parts.scales);
}

// As llm-compressor writes its scheme W8A8: a scale for each row of a weight, activations found token by token.
Json w8a8_config(const std::vector<std::string>& kept) {
  const Json weights = {
      {"dynamic", false}, {"num_bits", 8}, {"strategy", "channel"}, {"symmetric", true}, {"type", "int"}};
  const Json inputs = {{"dynamic", true}, {"num_bits", 8}, {"strategy", "token"}, {"symmetric", true}, {"type", "int"}};
  return {
      {"config_groups", {{"group_0", {{"input_activations", inputs}, {"targets", {"Linear"}}, {"weights", weights}}}}},
      {"format", "int-quantized"},
      {"ignore", kept},
      {"quant_method", "compressed-tensors"},
      {"quantization_status", "compressed"}};
}

void encode_w8a8(const std::string& layer, const Tensor& weight, NamedTensors& to) {
  const quant::RowScaledTensors parts = quant::encode_row_scaled_int8(weight);
  to.emplace_back(layer + ".weight", parts.codes);
  to.emplace_back(layer + ".weight_scale", parts.scales);
}

constexpr char kNf4[] = "nf4", kFp4[] = "fp4";

bool always(const Shape&) { return true; }

}  // namespace

const std::vector<HubFormat>& hub_formats() {
  static const std::vector<HubFormat> formats = {
      four_bits<kNf4>(),
      four_bits<kFp4>(),
      four_bits<kNf4, true>("nf4_double"),  // scales of 8 bits: 4.13 bits per weight in the place of 4.5
      {"int8", [](const std::vector<std::string>& kept) { return bitsandbytes_config(false, kFp4, kept); }, encode_int8,
       always},
      {"w8a8", w8a8_config, encode_w8a8, [](const Shape& shape) { return shape[1] <= quant::Int8Weight::kMaxColumns; }},
      {"fp8", fp8_config, encode_fp8,
       [](const Shape& shape) { return shape[0] % kFp8Tile == 0 && shape[1] % kFp8Tile == 0; }}};
  return formats;
}

const HubFormat* find_hub_format(std::string_view name) {
  const auto found =
      std::find_if(hub_formats().begin(), hub_formats().end(), [&](const HubFormat& f) { return f.name == name; });
  return found == hub_formats().end() ? nullptr : &*found;
}

}  // namespace imago
