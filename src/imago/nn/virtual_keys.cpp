#include "imago/nn/virtual_keys.h"

#include <fmt/core.h>

#include <utility>

#include "imago/base/error.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/concat/concat.h"

namespace imago::nn {
namespace {

thread_local VirtualKeys* innermost = nullptr;

}  // namespace

VirtualKeys::VirtualKeys(std::vector<KeysValues> layers)
    : layers_(std::move(layers)), previous_(std::exchange(innermost, this)) {}

VirtualKeys::~VirtualKeys() { innermost = previous_; }

int64_t VirtualKeys::tokens() { return innermost == nullptr ? 0 : innermost->layers_.at(0).keys.size(2); }

KeysValues VirtualKeys::before(int64_t layer, const KeysValues& own) {
  if (innermost == nullptr) return own;
  if (layer >= static_cast<int64_t>(innermost->layers_.size())) {
    throw Error(ErrorKind::kInvalidArgument, "prefix",
                fmt::format("the prefix is of {} layers, the model has more", innermost->layers_.size()),
                "give the adapter's own model");
  }
  const KeysValues& prefix = innermost->layers_[static_cast<size_t>(layer)];
  if (prefix.keys.size(1) != own.keys.size(1) || prefix.keys.size(3) != own.keys.size(3)) {
    throw Error(ErrorKind::kInvalidArgument, "prefix",
                fmt::format("its keys are {}, the model's {}", prefix.keys.describe(), own.keys.describe()),
                "give the adapter's own model");
  }
  ++innermost->layers_used_;
  return {concat({cast(prefix.keys, own.keys.dtype()), own.keys}, 2),
          concat({cast(prefix.values, own.values.dtype()), own.values}, 2)};
}

}  // namespace imago::nn
