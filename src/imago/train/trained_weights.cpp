#include "imago/train/trained_weights.h"

#include <algorithm>

#include "imago/auto/load_weights.h"
#include "imago/base/error.h"
#include "imago/base/file.h"
#include "imago/base/json.h"
#include "imago/io/checkpoint.h"
#include "imago/io/save_checkpoint.h"
#include "imago/nn/config.h"
#include "imago/ops/cast/cast.h"

namespace imago {

WholeModel::WholeModel(Model& model, std::vector<std::string> frozen) : model_(model), frozen_(std::move(frozen)) {
  for (const std::string& pattern : frozen_) {
    bool found = false;
    for_each_parameter(model_,
                       [&](const std::string& name, Tensor&) { found = found || match_pattern(pattern, name); });
    if (!found) throw Error(ErrorKind::kNotFound, "frozen", "no parameter is called " + pattern);
  }
}

std::vector<NamedParameter> WholeModel::parameters() { return trainable_parameters(model_, frozen_); }

void WholeModel::load(const std::string& folder) { load_weights(model_, Checkpoint::open(folder)); }

void WholeModel::save(const std::string& folder) {
  save_checkpoint(folder, checkpoint_tensors(model_));
  write_file_atomically(folder + "/config.json", dump_json(write_config(model_.config()), 2) + "\n");
}

void WholeModel::begin_pass(std::optional<DType> dtype) {
  if (!dtype) return;
  const WeightMap map = model_.weight_map();
  const auto any = [](const std::vector<std::string>& patterns, const std::string& name) {
    return std::any_of(patterns.begin(), patterns.end(), [&](const auto& p) { return match_pattern(p, name); });
  };
  std::vector<std::pair<Tensor, Tensor>> rounded;  // tied parameters stay one
  for_each_parameter(model_, [&](const std::string& name, Tensor& field) {
    const bool wide = any(map.always_float32, name) || (dtype == DType::f16 && any(map.keep_in_float32, name));
    if (wide || !is_floating_point(field.dtype()) || field.encoding()) return;
    masters_.emplace_back(&field, field);
    const auto known =
        std::find_if(rounded.begin(), rounded.end(), [&](const auto& pair) { return pair.first.is_same(field); });
    if (known != rounded.end()) {
      field = known->second;
      return;
    }
    const Tensor master = field;
    field = cast(master, *dtype);
    rounded.emplace_back(master, field);
  });
}

void WholeModel::end_pass() {
  for (auto& [field, master] : masters_) *field = master;
  masters_.clear();
}

std::vector<NamedParameter> TrainedAdapter::parameters() {
  std::vector<NamedParameter> parameters;
  for (const peft::Adapters::NamedTensor& each : adapters_.tensors(name_)) {
    if (each.is_parameter && each.name.ends_with(".base_layer.weight")) continue;  // the base's own embeddings
    each.tensor->set_requires_grad(true);
    parameters.push_back({each.name, *each.tensor});
  }
  return parameters;
}

}  // namespace imago
