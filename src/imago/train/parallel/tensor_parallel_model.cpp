#include "imago/train/parallel/tensor_parallel_model.h"

#include <algorithm>

#include "imago/ops/operators.h"
#include "imago/train/parallel/parallel_ops.h"

namespace imago {
namespace {

// The matrices of feed-forward networks between which each number is computed by itself.
struct FeedForward {
  std::vector<std::string> up;
  std::string down;
};

const std::vector<FeedForward>& feed_forwards() {
  static const std::vector<FeedForward> list = {{{"gate_proj", "up_proj"}, "down_proj"},
                                                {{"w1", "w3"}, "w2"},
                                                {{"c_fc"}, "c_proj"},
                                                {{"dense_h_to_4h"}, "dense_4h_to_h"},
                                                {{"intermediate.dense"}, "output.dense"},
                                                {{"lin1"}, "lin2"}};
  return list;
}

constexpr std::string_view kWeight = ".weight", kBias = ".bias";

}  // namespace

enum class TensorParallelModel::Division {
  kOutputs,      // put together behind the layer
  kOutputsKept,  // left as each process has them
  kInputs,       // of whole inputs
  kInputsKept,   // of inputs as each process has them
};

class TensorParallelModel::Layer final : public nn::LayerAdapter {
 public:
  Layer(const Parameter& weight, const Parameter* bias, Division division, nn::AdapterSlot::Kind kind)
      : weight_(weight), bias_(bias), division_(division), kind_(kind), sizes_(weight.sharding->sizes) {}

  Tensor forward(const Tensor& x, const nn::AdaptedLayer& layer) const override {
    if (kind_ == nn::AdapterSlot::Kind::kEmbedding) {
      std::optional<int64_t> padding = layer.padding_idx;
      if (padding && *padding < 0) *padding += weight_.shape[0];
      return apply(op::GatherColumns{communicator(), sizes_}, embedding(x, weight_.in_pass, padding));
    }
    Tensor y;
    switch (division_) {
      case Division::kOutputsKept:
        return linear(apply(op::ShareInput{communicator()}, x), weight_.in_pass,
                      bias_ == nullptr ? Tensor() : bias_->in_pass);
      case Division::kOutputs:
        y = linear(apply(op::ShareInput{communicator()}, x), weight_.in_pass);
        y = apply(op::GatherColumns{communicator(), sizes_}, y);
        break;
      case Division::kInputs: y = summed(apply(op::TakeColumns{communicator(), sizes_}, x)); break;
      case Division::kInputsKept: y = summed(x); break;
    }
    return layer.bias.defined() ? y + layer.bias : y;
  }

 private:
  Communicator* communicator() const { return weight_.sharding->communicator; }
  Tensor summed(const Tensor& x) const { return apply(op::SumOutputs{communicator()}, linear(x, weight_.in_pass)); }

  const Parameter& weight_;
  const Parameter* bias_;  // divided as the weight is; null where it is whole
  Division division_;
  nn::AdapterSlot::Kind kind_;
  std::vector<int64_t> sizes_;
};

// The layers that keep what each process has, by path: where both matrices of a network are there, of one inner size,
// and nothing else between them has parameters. An adapter on one of them reads or gives all of the numbers between.
std::map<std::string, TensorParallelModel::Division> TensorParallelModel::feed_forward(const Slots& slots) {
  std::map<std::string, Division> found;
  for (const auto& [path, slot] : slots) {
    for (const FeedForward& names : feed_forwards()) {
      if (!path.ends_with("." + names.down)) continue;
      const std::string prefix = path.substr(0, path.size() - names.down.size());
      std::vector<std::string> layers = {path};
      for (const std::string& up : names.up) layers.push_back(prefix + up);
      const Parameter* down = find(path + std::string(kWeight));
      const bool complete =
          down != nullptr &&
          std::all_of(layers.begin() + 1, layers.end(),
                      [&](const auto& layer) {
                        const Parameter* weight = slots.contains(layer) ? find(layer + std::string(kWeight)) : nullptr;
                        return weight != nullptr && weight->names.size() == 1 && weight->shape[0] == down->shape[1];
                      }) &&
          std::none_of(layers.begin(), layers.end(),
                       [&](const auto& layer) { return slots.at(layer)->adapter != nullptr; });
      const bool alone =
          names.down.find('.') != std::string::npos || std::all_of(all().begin(), all().end(), [&](const auto& p) {
            return !p->name.starts_with(prefix) || std::any_of(layers.begin(), layers.end(), [&](const auto& layer) {
              return p->name == layer + std::string(kWeight) || p->name == layer + std::string(kBias);
            });
          });
      if (!complete || !alone || down->names.size() != 1 || down->shape[1] < communicator().size()) continue;
      found[path] = Division::kInputsKept;
      for (auto layer = layers.begin() + 1; layer != layers.end(); ++layer) found[*layer] = Division::kOutputsKept;
    }
  }
  return found;
}

void TensorParallelModel::divide_layer(const std::string& path, nn::AdapterSlot& slot, Division division) {
  Parameter* weight = find(path + std::string(kWeight));
  const bool by_outputs = division == Division::kOutputs || division == Division::kOutputsKept;
  if (!weight->sharding) {
    weight->sharding = Sharding::split(communicator(), weight->name, weight->shape, by_outputs ? 0 : 1);
    weight->by_layer = true;
  }
  Parameter* bias = division == Division::kOutputsKept ? find(path + std::string(kBias)) : nullptr;
  if (bias != nullptr) {
    bias->sharding = Sharding::split(communicator(), bias->name, bias->shape, 0);
    bias->by_layer = true;
  }
  put_on(path, slot, std::make_shared<Layer>(*weight, bias, division, slot.kind));
}

void TensorParallelModel::plan(const Slots& slots) {
  const std::map<std::string, Division> kept = feed_forward(slots);
  for (const auto& [path, slot] : slots) {
    const Parameter* weight = find(path + std::string(kWeight));
    if (weight == nullptr || weight->shape.size() != 2) continue;
    // Tied ones are divided along one dimension, which is an embedding's last.
    const bool all_layers = std::all_of(weight->names.begin(), weight->names.end(), [&](const std::string& name) {
      return name.ends_with(kWeight) && slots.contains(name.substr(0, name.size() - kWeight.size()));
    });
    if (!all_layers) continue;
    const auto found = kept.find(path);
    const bool by_inputs = slot->kind == nn::AdapterSlot::Kind::kEmbedding || weight->names.size() > 1;
    const Division division =
        found != kept.end() ? found->second : (by_inputs ? Division::kInputs : Division::kOutputs);
    const int64_t divided = by_inputs ? weight->shape[1] : weight->shape[0];
    if (found == kept.end() && divided < communicator().size()) continue;
    divide_layer(path, *slot, division);
  }
}

}  // namespace imago
