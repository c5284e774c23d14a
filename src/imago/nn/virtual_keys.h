// Keys and values that stand before those of all tokens: what prefix tuning learns.
#pragma once

#include <cstdint>
#include <vector>

#include "imago/nn/key_value_cache.h"

namespace imago::nn {

// While one is alive on this thread, the self attention of each layer has these before its own.
class VirtualKeys {
 public:
  // Of each layer, [batch, key_value_heads, tokens, head_size].
  explicit VirtualKeys(std::vector<KeysValues> layers);
  ~VirtualKeys();
  VirtualKeys(const VirtualKeys&) = delete;
  VirtualKeys& operator=(const VirtualKeys&) = delete;

  // How many layers have asked. A model that keeps its past in another way has no use for them.
  size_t layers_used() const { return layers_used_; }

  static int64_t tokens();  // 0 where none is alive
  // With those of layer number `layer` before them. Throws Error kInvalidArgument where there are none for it.
  static KeysValues before(int64_t layer, const KeysValues& own);

 private:
  std::vector<KeysValues> layers_;
  size_t layers_used_ = 0;
  VirtualKeys* previous_;
};

}  // namespace imago::nn
