// Dropout that the reference applies where config.json says nothing, and that a model here does not compute.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "imago/nn/config.h"

namespace imago::nn {

struct DroppedByDefault {
  std::string_view key;  // of config.json
  double probability;    // what the reference takes where the key is absent
  bool in_head = false;  // of labels' scores alone, which language models do not have
};

// A configuration of such a model. Training refuses it unless config.json says 0.
struct DropsByDefault {
  virtual ~DropsByDefault() = default;
  virtual std::vector<DroppedByDefault> dropped_by_default() const = 0;
};

// A model, or its configuration, with parts whose configurations stand in config.json under keys of their own. What
// they drop, and what they do not compute of it, is the model's.
struct HasConfiguredParts {
  using PartVisit = std::function<void(std::string_view key, const Config& part)>;
  virtual ~HasConfiguredParts() = default;
  virtual void each_part(const PartVisit& visit) const = 0;
};

}  // namespace imago::nn
