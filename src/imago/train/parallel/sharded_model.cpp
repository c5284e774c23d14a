#include "imago/train/parallel/sharded_model.h"

#include <algorithm>
#include <utility>

#include "imago/auto/load_weights.h"
#include "imago/base/error.h"
#include "imago/io/checkpoint.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/contiguous/contiguous.h"
#include "imago/tensor/grad_meta.h"
#include "imago/train/parallel/parallel_ops.h"

namespace imago {
namespace {

bool matches_any(const std::vector<std::string>& patterns, const std::string& name) {
  return std::any_of(patterns.begin(), patterns.end(), [&](const auto& p) { return match_pattern(p, name); });
}

class SlotFinder final : public nn::AdapterVisitor {
 public:
  void slot(const std::string& layer, nn::AdapterSlot& slot) override { slots[layer] = &slot; }
  std::map<std::string, nn::AdapterSlot*> slots;
};

}  // namespace

ShardedModel::ShardedModel(Communicator& communicator, Model& model, std::vector<std::string> frozen,
                           peft::Adapters* adapters)
    : ParallelWeights(communicator), model_(model), frozen_(std::move(frozen)), adapters_(adapters) {
  if (adapters_ != nullptr) frozen_ = {"*"};
}

ShardedModel::~ShardedModel() { install(false); }

// The layers' computation, or none.
void ShardedModel::install(bool layers) {
  if (slots_.empty()) return;
  if (adapters_ != nullptr) {
    adapters_->set_base_layers(layers ? layers_ : decltype(layers_)());
    return;
  }
  for (const auto& [path, slot] : slots_) slot->adapter = layers ? layers_.at(path) : nullptr;
}

ShardedModel::Parameter* ShardedModel::find(const std::string& name) {
  for (const auto& parameter : parameters_) {
    if (std::find(parameter->names.begin(), parameter->names.end(), name) != parameter->names.end())
      return parameter.get();
  }
  return nullptr;
}

void ShardedModel::put_on(const std::string& path, nn::AdapterSlot& slot,
                          std::shared_ptr<const nn::LayerAdapter> layer) {
  if (slot.adapter && adapters_ == nullptr)
    throw Error(ErrorKind::kInvalidArgument, "parallel", "the model has an adapter on it already");
  slots_[path] = &slot;
  layers_[path] = std::move(layer);
}

void ShardedModel::divide() {
  for_each_parameter(model_, [&](const std::string& name, Tensor& field) {
    if (field.encoding()) {
      throw Error(ErrorKind::kUnsupported, "parallel", name + " is in a quantized format",
                  "train the unquantized model");
    }
    if (!is_floating_point(field.dtype())) return;
    const auto known = std::find_if(parameters_.begin(), parameters_.end(),
                                    [&](const auto& p) { return p->fields[0]->is_same(field); });
    if (known != parameters_.end()) {
      (*known)->names.push_back(name);
      (*known)->fields.push_back(&field);
      return;
    }
    auto parameter = std::make_unique<Parameter>();
    parameter->name = name;
    parameter->names = {name};
    parameter->fields = {&field};
    parameter->shape = field.shape();
    parameter->dtype = field.dtype();
    parameter->frozen = matches_any(frozen_, name);
    parameters_.push_back(std::move(parameter));
  });
  SlotFinder finder;
  model_.each_field(finder);
  plan(finder.slots);
  install(true);
  const NoGrad no_grad;
  for (const auto& p : parameters_) {
    const Tensor whole = p->fields[0]->detach();
    p->part = clone(p->sharding ? p->sharding->part(whole) : whole);
    p->part.set_requires_grad(!p->frozen);
    p->in_pass = p->part;
  }
  rest();
}

std::vector<NamedParameter> ShardedModel::parameters() {
  if (parameters_.empty()) divide();
  std::vector<NamedParameter> trained;
  for (const auto& p : parameters_) {
    if (!p->frozen) trained.push_back({p->name, p->part, p->sharding});
  }
  return trained;
}

// What the model's fields are outside of passes.
void ShardedModel::rest() {
  for (const auto& p : parameters_) {
    const Tensor value = p->sharding ? Tensor::empty(p->shape, p->dtype, Device::kMeta) : p->part;
    for (Tensor* field : p->fields) *field = value;
  }
}

void ShardedModel::load(const std::string& folder) {
  load_weights(model_, Checkpoint::open(folder));
  if (parameters_.empty()) return;
  for (const auto& p : parameters_) {
    const Tensor whole = p->fields[0]->detach();
    copy_(p->part.detach(), p->sharding ? p->sharding->part(whole) : whole);
  }
  rest();
}

void ShardedModel::save(const std::string& folder) {
  const bool first = communicator().is_first();
  for (const auto& p : parameters_) {
    if (!p->sharding) continue;
    const Tensor whole = p->sharding->gather(p->part.detach());
    if (!first) continue;  // which lets go of it
    for (Tensor* field : p->fields) *field = whole;
  }
  if (first) WholeModel(model_).save(folder);
  rest();
}

void ShardedModel::begin_pass(std::optional<DType> dtype) {
  const WeightMap map = model_.weight_map();
  for (const auto& p : parameters_) {
    const bool wide =
        matches_any(map.always_float32, p->name) || (dtype == DType::f16 && matches_any(map.keep_in_float32, p->name));
    p->in_pass = dtype && !wide ? cast(p->part, *dtype) : p->part;
    if (p->by_layer) continue;
    const Tensor value = p->sharding ? apply(op::GatherParts{p->sharding}, p->in_pass) : p->in_pass;
    for (Tensor* field : p->fields) *field = value;
  }
}

void ShardedModel::begin_alone(std::optional<DType> dtype) {
  begin_pass(dtype);
  if (!passes_together()) return;
  const NoGrad no_grad;
  for (const auto& p : parameters_) {
    if (!p->by_layer || !p->sharding) continue;
    const Tensor whole = p->sharding->gather(p->in_pass.detach());
    for (Tensor* field : p->fields) *field = whole;
  }
  alone_ = true;
  install(false);
}

void ShardedModel::end_pass() {
  if (std::exchange(alone_, false)) install(true);
  for (const auto& p : parameters_) p->in_pass = p->part;
  rest();
}

}  // namespace imago
