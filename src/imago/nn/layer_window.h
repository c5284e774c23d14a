// Layers that see only so many positions back, among others that see all (Beltagy et al. 2020, "Longformer").
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace imago::nn {

using LayerTypes = std::optional<std::vector<std::string>>;

// The window of layer number `layer`: `window` where config.json's layer_types calls it "sliding_attention", none where
// it is "full_attention"; without layer_types what `sliding` says. Throws Error kInvalidFile for a list that ends
// before the layer, for a sliding layer without a window and for a window below 1, kUnsupported for another type.
std::optional<int64_t> layer_window(const LayerTypes& layer_types, int64_t layer, std::optional<int64_t> window,
                                    bool sliding);

}  // namespace imago::nn
