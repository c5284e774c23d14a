#include "imago/train/parallel/adapter_on_shards.h"

namespace imago {

std::vector<NamedParameter> AdapterOnShards::parameters() {
  base_->parameters();  // is divided by this; none of them is trained
  return adapter_.parameters();
}

void AdapterOnShards::save(const std::string& folder) {
  if (communicator().is_first()) adapter_.save(folder);
}

void AdapterOnShards::reduce_gradients(const std::vector<NamedParameter>& parameters) {
  // Where all have the same rows they have the same gradients.
  if (base_->shares_batches()) add_up(parameters);
}

}  // namespace imago
