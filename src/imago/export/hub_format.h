// The ways in which the Hub stores quantized linear layers, as what is written for each.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "imago/base/json.h"
#include "imago/io/tensor_file.h"

namespace imago {

struct HubFormat {
  std::string_view name;  // of a --method: "nf4"
  // The quantization_config of config.json. `kept` are the linear layers that stay as they are.
  Json (*config)(const std::vector<std::string>& kept);
  // What is stored for a layer's weight [out, in], named after the layer ("model.layers.0.mlp.up_proj").
  void (*encode)(const std::string& layer, const Tensor& weight, NamedTensors& to);
  // Whether a weight of the shape can be stored so; others are kept.
  bool (*fits)(const Shape& shape);
};

// Those that need nothing but the weights.
const std::vector<HubFormat>& hub_formats();
// Null where there is none of the name.
const HubFormat* find_hub_format(std::string_view name);

}  // namespace imago
