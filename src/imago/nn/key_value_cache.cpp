#include "imago/nn/key_value_cache.h"

#include <algorithm>

#include "imago/ops/contiguous/contiguous.h"
#include "imago/ops/index_select/index_select.h"
#include "imago/ops/slice/slice.h"
#include "imago/tensor/grad_meta.h"

namespace imago {
namespace {

// Room for a short answer before the first growth.
constexpr int64_t kFirstGrowth = 256;

Tensor grown(const Tensor& old, const Tensor& like, int64_t length, int64_t capacity) {
  Shape shape = like.shape();
  shape[2] = capacity;
  Tensor storage = Tensor::empty(shape, like.dtype(), like.device());
  if (length > 0) copy_(narrow(storage, 2, 0, length), narrow(old, 2, 0, length));
  return storage;
}

Tensor rows(const Tensor& tensor, const Tensor& indices) {
  return tensor.defined() ? index_select(tensor, 0, indices) : tensor;
}

}  // namespace

KeyValueCache::Layer& KeyValueCache::layer_at(int64_t layer) {
  if (static_cast<size_t>(layer) >= layers_.size()) layers_.resize(static_cast<size_t>(layer) + 1);
  return layers_[static_cast<size_t>(layer)];
}

KeysValues KeyValueCache::append(int64_t index, const Tensor& keys, const Tensor& values) {
  const NoGrad no_grad;
  Layer& layer = layer_at(index);
  const int64_t added = keys.size(2), length = layer.length + added;
  if (!layer.storage.keys.defined() || layer.storage.keys.size(2) < length) {
    const int64_t capacity = layer.length == 0 ? length + kFirstGrowth : std::max(2 * layer.length, length);
    layer.storage = {grown(layer.storage.keys, keys, layer.length, capacity),
                     grown(layer.storage.values, values, layer.length, capacity)};
  }
  copy_(narrow(layer.storage.keys, 2, layer.length, added), keys);
  copy_(narrow(layer.storage.values, 2, layer.length, added), values);
  layer.length = length;
  return {narrow(layer.storage.keys, 2, 0, length), narrow(layer.storage.values, 2, 0, length)};
}

KeysValues KeyValueCache::cross(int64_t layer) const {
  return static_cast<size_t>(layer) < layers_.size() ? layers_[static_cast<size_t>(layer)].cross : KeysValues{};
}

void KeyValueCache::set_cross(int64_t layer, KeysValues cross) { layer_at(layer).cross = std::move(cross); }

int64_t KeyValueCache::length() const { return layers_.empty() ? 0 : layers_[0].length; }

void KeyValueCache::reorder(std::span<const int64_t> indices) {
  const NoGrad no_grad;
  const Tensor order = Tensor::from(indices, {static_cast<int64_t>(indices.size())});
  for (Layer& layer : layers_) {
    layer.storage = {rows(layer.storage.keys, order), rows(layer.storage.values, order)};
    layer.cross = {rows(layer.cross.keys, order), rows(layer.cross.values, order)};
  }
}

void KeyValueCache::crop(int64_t length) {
  for (Layer& layer : layers_) layer.length = std::min(layer.length, length);
}

int64_t KeyValueCache::nbytes() const {
  int64_t bytes = 0;
  for (const Layer& layer : layers_) {
    for (const KeysValues& part : {layer.storage, layer.cross}) {
      if (part.keys.defined()) bytes += part.keys.nbytes() + part.values.nbytes();
    }
  }
  return bytes;
}

}  // namespace imago
