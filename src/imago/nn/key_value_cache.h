// What attention remembers of the tokens it has seen.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "imago/tensor/tensor.h"

namespace imago {

struct KeysValues {
  Tensor keys, values;  // [batch, key_value_heads, tokens, head_size]
};

// Grows as tokens come, in steps that double; layers appear when they are first used. For inference: nothing in it is
// on the gradient tape.
class KeyValueCache {
 public:
  // Adds a layer's keys and values of new tokens and gives all there are, as views into the cache.
  KeysValues append(int64_t layer, const Tensor& keys, const Tensor& values);

  // Keys and values of an encoder's output, computed once per layer; undefined until they are set.
  KeysValues cross(int64_t layer) const;
  void set_cross(int64_t layer, KeysValues cross);

  int64_t length() const;  // tokens seen, 0 before the first

  // Row i of the batch becomes what row indices[i] was; the batch may change its size (beam search).
  void reorder(std::span<const int64_t> indices);
  // Forgets all but the first `length` tokens.
  void crop(int64_t length);
  void clear() { layers_.clear(); }
  int64_t nbytes() const;

 private:
  struct Layer {
    KeysValues storage;  // of `capacity` tokens
    int64_t length = 0;
    KeysValues cross;
  };

  Layer& layer_at(int64_t layer);
  std::vector<Layer> layers_;
};

}  // namespace imago
