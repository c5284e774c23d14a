#include "imago/auto/init_weights.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "imago/base/json.h"
#include "imago/base/thread_pool.h"
#include "imago/tensor/dispatch.h"

namespace imago {
namespace {

// A hash of the element's place: values do not depend on which thread draws them (SplitMix64's finaliser).
uint64_t mix(uint64_t value) {
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
  return value ^ (value >> 31);
}

double unit(uint64_t bits) { return (static_cast<double>(bits >> 11) + 0.5) * 0x1p-53; }

Tensor normal(const Shape& shape, double deviation, uint64_t seed, DType dtype) {
  Tensor tensor = Tensor::empty(shape, dtype);
  const int64_t pairs = (tensor.numel() + 1) / 2;
  dispatch_floating("init", dtype, [&]<class T>() {
    T* values = tensor.data<T>();
    parallel_for(pairs, 1 << 14, [&, values](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {  // Box and Muller 1958: two uniform numbers make two normal ones
        const uint64_t place = seed + 0x9e3779b97f4a7c15u * static_cast<uint64_t>(2 * i + 1);
        const double radius = deviation * std::sqrt(-2 * std::log(unit(mix(place))));
        const double angle = 2 * std::numbers::pi * unit(mix(place + 0x9e3779b97f4a7c15u));
        values[2 * i] = convert_scalar<T>(radius * std::cos(angle));
        if (2 * i + 1 < tensor.numel()) values[2 * i + 1] = convert_scalar<T>(radius * std::sin(angle));
      }
    });
  });
  return tensor;
}

double initializer_range(const Config& config) {
  constexpr double kDefault = 0.02;
  if (config.source.text.empty()) return kDefault;
  const Json json = parse_json(config.source.text, "config.json");
  const auto found = json.find("initializer_range");
  return found != json.end() && found->is_number() ? found->get<double>() : kDefault;
}

}  // namespace

void init_weights(Model& model, uint64_t seed, DType dtype) {
  const double deviation = initializer_range(model.config());
  const WeightMap map = model.weight_map();
  TensorMap made;
  for_each_parameter(model, [&](const std::string& path, Tensor& tensor) {
    seed = mix(seed + 1);
    if (tensor.dim() >= 2) {
      tensor = normal(tensor.shape(), deviation, seed, dtype);
    } else {
      tensor = Tensor::full(tensor.shape(), path.ends_with("bias") ? 0 : 1, dtype);
    }
    made.emplace(path, tensor);
  });
  for_each_parameter(model, [&](const std::string& path, Tensor& tensor) {
    for (const auto& [shared, stored] : map.tied) {
      if (path == shared && made.contains(stored)) tensor = made.at(stored);
    }
  });
}

}  // namespace imago
