#include "imago/nn/key_value_cache.h"

#include <fmt/core.h>

#include <algorithm>
#include <memory>

#include "imago/base/error.h"
#include "imago/base/thread_pool.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/contiguous/contiguous.h"
#include "imago/ops/index_select/index_select.h"
#include "imago/ops/slice/slice.h"
#include "imago/quant/decoded_product.h"
#include "imago/quant/format.h"
#include "imago/tensor/encoded_heads.h"
#include "imago/tensor/grad_meta.h"

namespace imago {
namespace {

// Room for a short answer before the first growth.
constexpr int64_t kFirstGrowth = 256;
constexpr int64_t kRowsPerTask = 64;  // of packing, of a head's size each

// Storage of `capacity` tokens that begins with `kept` tokens of the old one.
Tensor moved(const Tensor& old, int64_t first, int64_t kept, const Tensor& like, int64_t capacity) {
  Shape shape = like.shape();
  shape[2] = capacity;
  Tensor storage = Tensor::empty(shape, like.dtype(), like.device());
  if (kept > 0) copy_(narrow(storage, 2, 0, kept), narrow(old, 2, first, kept));
  return storage;
}

Tensor rows(const Tensor& tensor, const Tensor& indices) {
  return tensor.defined() ? index_select(tensor, 0, indices) : tensor;
}

// Bytes [batch, heads, tokens, bytes of a head]; the tokens of a head lie one after another.
class PackedHeads final : public EncodedHeads {
 public:
  PackedHeads(const quant::Format& format, const Tensor& stored, int64_t size)
      : EncodedHeads({stored.size(0), stored.size(1), stored.size(2), size}, stored.strides()[2]),
        format_(format),
        stored_(stored),
        data_(reinterpret_cast<const std::byte*>(stored.const_data<uint8_t>())) {}

  std::string_view format() const override { return format_.name; }
  int64_t nbytes() const override { return stored_.numel(); }
  const std::byte* head(int64_t batch, int64_t head) const override {
    return data_ + batch * stored_.strides()[0] + head * stored_.strides()[1];
  }
  void decode_tokens(const std::byte* from, int64_t count, float* to) const override {
    quant::decode_blocks(format_, from, count * (columns() / format_.block_elements), to);
  }
  void multiply(const float* x, int64_t m, int64_t stride, const float* bias, float* y) const override {
    quant::multiply_decoded(*this, x, m, stride, bias, y);
  }

 private:
  const quant::Format& format_;
  Tensor stored_;
  const std::byte* data_;
};

}  // namespace

KeyValueCache::KeyValueCache(std::string_view format) : format_(&quant::find_format(format)) {}

// [B, H, T, K] as bytes [B, H, T, bytes of a head].
Tensor KeyValueCache::pack(const Tensor& heads) const {
  if (format_ == nullptr) return heads;
  const Shape& s = heads.shape();
  const int64_t blocks = s[3] / format_->block_elements, row_bytes = blocks * format_->block_bytes;
  if (s[3] % format_->block_elements != 0) {
    throw Error(ErrorKind::kUnsupported, "cache",
                fmt::format("heads of {} channels are no whole number of {} blocks of {}", s[3], format_->name,
                            format_->block_elements),
                "keep keys and values in f16 or bf16");
  }
  const Tensor values = contiguous(cast(heads, DType::f32));
  Tensor stored = Tensor::empty({s[0], s[1], s[2], row_bytes}, DType::u8);
  const float* const from = values.const_data<float>();
  auto* const to = reinterpret_cast<std::byte*>(stored.data<uint8_t>());
  parallel_for(s[0] * s[1] * s[2], kRowsPerTask, [&](int64_t begin, int64_t end) {
    format_->encode(from + begin * s[3], (end - begin) * blocks, to + begin * row_bytes);
  });
  return stored;
}

// Attention reads them as they are stored, decode() makes them plain.
Tensor KeyValueCache::unpack(const Tensor& stored, const Tensor& like) const {
  if (format_ == nullptr) return stored;
  return Tensor::encoded(std::make_shared<PackedHeads>(*format_, stored, like.size(3)), like.dtype());
}

KeyValueCache::Layer& KeyValueCache::layer_at(int64_t layer) {
  if (static_cast<size_t>(layer) >= layers_.size()) layers_.resize(static_cast<size_t>(layer) + 1);
  return layers_[static_cast<size_t>(layer)];
}

KeysValues KeyValueCache::append(int64_t index, const Tensor& new_keys, const Tensor& new_values,
                                 std::optional<int64_t> window) {
  const NoGrad no_grad;
  const Tensor keys = pack(new_keys), values = pack(new_values);
  Layer& layer = layer_at(index);
  if (window && layer.kept >= *window) {
    layer.first += layer.kept - (*window - 1);
    layer.kept = *window - 1;
  }
  const int64_t added = keys.size(2), total = layer.kept + added;
  if (!layer.storage.keys.defined() || layer.storage.keys.size(2) < layer.first + total) {
    // A window needs no more than it shows, and room for as much again before the next move.
    const int64_t room = layer.seen == 0 || window ? total + std::max(kFirstGrowth, window.value_or(0))
                                                   : std::max(2 * layer.kept, total);
    layer.storage = {moved(layer.storage.keys, layer.first, layer.kept, keys, room),
                     moved(layer.storage.values, layer.first, layer.kept, values, room)};
    layer.first = 0;
  }
  copy_(narrow(layer.storage.keys, 2, layer.first + layer.kept, added), keys);
  copy_(narrow(layer.storage.values, 2, layer.first + layer.kept, added), values);
  layer.kept = total;
  layer.seen += added;
  return {unpack(narrow(layer.storage.keys, 2, layer.first, total), new_keys),
          unpack(narrow(layer.storage.values, 2, layer.first, total), new_values)};
}

Tensors KeyValueCache::state(int64_t layer) const {
  return static_cast<size_t>(layer) < layers_.size() ? layers_[static_cast<size_t>(layer)].state : Tensors{};
}

void KeyValueCache::set_state(int64_t index, const Tensors& state, int64_t tokens) {
  const NoGrad no_grad;
  Layer& layer = layer_at(index);
  layer.state.clear();
  for (const Tensor& tensor : state) {  // copied: views would keep all tokens of a prompt
    layer.state.push_back(Tensor::empty(tensor.shape(), tensor.dtype(), tensor.device()));
    copy_(layer.state.back(), tensor);
  }
  layer.seen += tokens;
}

KeysValues KeyValueCache::cross(int64_t layer) const {
  return static_cast<size_t>(layer) < layers_.size() ? layers_[static_cast<size_t>(layer)].cross : KeysValues{};
}

void KeyValueCache::set_cross(int64_t layer, KeysValues cross) { layer_at(layer).cross = std::move(cross); }

int64_t KeyValueCache::length() const { return layers_.empty() ? 0 : layers_[0].seen; }

void KeyValueCache::reorder(std::span<const int64_t> indices) {
  const NoGrad no_grad;
  const Tensor order = Tensor::from(indices, {static_cast<int64_t>(indices.size())});
  for (Layer& layer : layers_) {
    layer.storage = {rows(layer.storage.keys, order), rows(layer.storage.values, order)};
    layer.cross = {rows(layer.cross.keys, order), rows(layer.cross.values, order)};
    for (Tensor& tensor : layer.state) tensor = rows(tensor, order);
  }
}

void KeyValueCache::crop(int64_t length) {
  for (const Layer& layer : layers_) {
    if (layer.seen <= length || (layer.state.empty() && layer.kept == layer.seen)) continue;
    throw Error(ErrorKind::kUnsupported, "cache",
                fmt::format("going back from {} tokens to {} in a layer that forgets", layer.seen, length),
                "start again from all tokens");
  }
  for (Layer& layer : layers_) {
    if (layer.seen <= length) continue;
    layer.kept = layer.seen = length;
  }
}

int64_t KeyValueCache::nbytes() const {
  int64_t bytes = 0;
  for (const Layer& layer : layers_) {
    for (const KeysValues& part : {layer.storage, layer.cross}) {
      if (part.keys.defined()) bytes += part.keys.nbytes() + part.values.nbytes();
    }
    for (const Tensor& tensor : layer.state) bytes += tensor.nbytes();
  }
  return bytes;
}

}  // namespace imago
