// What attention remembers of the tokens it has seen.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "imago/tensor/tensor.h"

namespace imago {

namespace quant {
struct Format;
}

struct KeysValues {
  Tensor keys, values;  // [batch, key_value_heads, tokens, head_size]
};

// Grows as tokens come, in steps that double; layers appear when they are first used. For inference: nothing in it is
// on the gradient tape.
class KeyValueCache {
 public:
  // Keeps keys and values as they come.
  KeyValueCache() = default;
  // Keeps those of self attention in a weight format (quant/format.h), such as "f16", "bf16", "q8_0" or "q4_0", and
  // gives them as encoded tensors of their own dtype, which attention reads a tile at a time. Throws Error kUnsupported
  // for a format that is not known.
  explicit KeyValueCache(std::string_view format);

  // Adds a layer's keys and values of new tokens and gives all there are, as views into the cache. With a window only
  // those are kept that it lets a later token see: the last window - 1. Throws Error kUnsupported for heads whose size
  // is no whole number of the format's blocks.
  KeysValues append(int64_t layer, const Tensor& keys, const Tensor& values, std::optional<int64_t> window = {});

  // What a recurrent layer carries from token to token, [batch, ...] each: empty before the first token.
  Tensors state(int64_t layer) const;
  // The state after `tokens` more.
  void set_state(int64_t layer, const Tensors& state, int64_t tokens);

  // Keys and values of an encoder's output, computed once per layer; undefined until they are set.
  KeysValues cross(int64_t layer) const;
  void set_cross(int64_t layer, KeysValues cross);

  int64_t length() const;  // tokens seen, 0 before the first

  // Row i of the batch becomes what row indices[i] was; the batch may change its size (beam search).
  void reorder(std::span<const int64_t> indices);
  // Forgets all but the first `length` tokens. Throws Error kUnsupported where what they need is no longer there: in
  // layers with a window that has moved on, and in recurrent ones.
  void crop(int64_t length);
  void clear() { layers_.clear(); }
  int64_t nbytes() const;

 private:
  struct Layer {
    KeysValues storage;  // of `capacity` tokens
    int64_t first = 0;   // where the kept ones begin in it
    int64_t kept = 0;
    int64_t seen = 0;
    KeysValues cross;
    Tensors state;
  };

  Layer& layer_at(int64_t layer);
  Tensor pack(const Tensor& heads) const;
  Tensor unpack(const Tensor& stored, const Tensor& like) const;

  const quant::Format* format_ = nullptr;  // none: as they come
  std::vector<Layer> layers_;
};

}  // namespace imago
