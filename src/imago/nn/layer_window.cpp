#include "imago/nn/layer_window.h"

#include <fmt/core.h>

#include "imago/base/error.h"

namespace imago::nn {
namespace {

constexpr const char* kWhere = "config.json";

bool is_sliding(const std::vector<std::string>& layer_types, int64_t layer) {
  if (layer < 0 || static_cast<size_t>(layer) >= layer_types.size()) {
    throw Error(ErrorKind::kInvalidFile, kWhere,
                fmt::format("layer_types has {} entries, there is none for layer {}", layer_types.size(), layer));
  }
  const std::string& type = layer_types[static_cast<size_t>(layer)];
  if (type == "sliding_attention") return true;
  if (type == "full_attention") return false;
  throw Error(ErrorKind::kUnsupported, kWhere, fmt::format("layer_types has \"{}\" for layer {}", type, layer),
              "known are full_attention and sliding_attention");
}

}  // namespace

std::optional<int64_t> layer_window(const LayerTypes& layer_types, int64_t layer, std::optional<int64_t> window,
                                    bool sliding) {
  if (layer_types) {
    sliding = is_sliding(*layer_types, layer);
    if (sliding && !window) {
      throw Error(ErrorKind::kInvalidFile, kWhere,
                  fmt::format("layer_types makes layer {} a sliding one, and there is no sliding_window", layer));
    }
  }
  if (!sliding || !window) return std::nullopt;
  if (*window < 1) throw Error(ErrorKind::kInvalidFile, kWhere, fmt::format("sliding_window is {}", *window));
  return window;
}

}  // namespace imago::nn
