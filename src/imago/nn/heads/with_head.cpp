#include "imago/nn/heads/with_head.h"

namespace imago::nn {

WeightMap with_head(WeightMap bare, std::string_view prefix, std::string_view head) {
  bare.head = head;
  bare.optional.clear();  // what the bare model can do without, a head may read
  if (prefix.empty()) return bare;
  bare.base_model_prefix = prefix;
  for (auto& [shared, stored] : bare.tied) {
    shared = bare.base_model_prefix + "." + shared;
    stored = bare.base_model_prefix + "." + stored;
  }
  return bare;
}

}  // namespace imago::nn
