#include "imago/auto/load_weights.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <unordered_map>
#include <unordered_set>

#include "imago/base/error.h"
#include "imago/base/quote.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/compare/compare.h"
#include "imago/ops/concat/concat.h"
#include "imago/ops/contiguous/contiguous.h"
#include "imago/ops/permute/permute.h"
#include "imago/ops/reduce/reduce.h"

namespace imago {
namespace {

// Where a parameter's values lie in the checkpoint.
struct Source {
  std::string name;
  WeightRule::Action action = WeightRule::Action::kRename;
};

bool matches_any(const std::vector<std::string>& patterns, const std::string& name) {
  return std::any_of(patterns.begin(), patterns.end(), [&](const auto& p) { return match_pattern(p, name); });
}

class Loader {
 public:
  Loader(Model& model, const Checkpoint& checkpoint, const LoadOptions& options)
      : checkpoint_(checkpoint), options_(options), map_(model.weight_map()) {
    for_each_parameter(model,
                       [&](const std::string& path, Tensor& tensor) { parameters_.emplace_back(path, &tensor); });
    for (const auto& [path, tensor] : parameters_) index_.emplace(path, tensor);
  }

  LoadReport run() {
    match_names();
    bind();
    tie();
    leave_out();
    for (const auto& [path, tensor] : parameters_) {
      if (!bound_.contains(path)) report_.missing.push_back(path);
    }
    raise();
    return std::move(report_);
  }

 private:
  // Every tensor of the checkpoint is a parameter's, ignored, of a head this model lacks, or unexpected.
  void match_names() {
    const bool bare = !map_.base_model_prefix.empty() && !has_prefixed_parameters();
    for (const std::string& name : checkpoint_.names()) {
      Source source{name};
      std::string path = parameter_name(name, source.action);
      const std::string dotted = map_.base_model_prefix + ".";
      if (bare && path.starts_with(dotted)) path = path.substr(dotted.size());
      if (!bare && !map_.base_model_prefix.empty() && !index_.contains(path)) {
        if (const std::string prefixed = dotted + path; index_.contains(prefixed)) path = prefixed;
      }
      if (index_.contains(path)) {
        if (!sources_.emplace(path, source).second) duplicates_.push_back(name);
      } else if (matches_any(map_.ignored, name)) {
        continue;
      } else if (is_of_another_head(name, dotted)) {
        report_.unused.push_back(name);
      } else {
        unexpected_.push_back(name);
      }
    }
  }

  bool has_prefixed_parameters() const {
    const std::string dotted = map_.base_model_prefix + ".";
    return std::any_of(parameters_.begin(), parameters_.end(),
                       [&](const auto& p) { return p.first.starts_with(dotted); });
  }

  bool checkpoint_has_prefix(const std::string& dotted) const {
    const auto& names = checkpoint_.names();
    return std::any_of(names.begin(), names.end(), [&](const std::string& name) { return name.starts_with(dotted); });
  }

  // Beside the bare model, and not of this model's own head.
  bool is_of_another_head(const std::string& name, const std::string& dotted) const {
    const bool own = !map_.head.empty() && name.starts_with(map_.head + ".");
    return !map_.base_model_prefix.empty() && !own && !name.starts_with(dotted) && checkpoint_has_prefix(dotted);
  }

  std::string parameter_name(const std::string& name, WeightRule::Action& action) const {
    std::vector<std::string> stars;
    for (const WeightRule& rule : map_.rules) {
      if (!match_pattern(rule.checkpoint, name, &stars)) continue;
      action = rule.action;
      return rule.parameter.empty() ? name : fill_pattern(rule.parameter, stars);
    }
    return name;
  }

  void bind() {
    for (const auto& [path, source] : sources_) {
      Tensor& parameter = *index_.at(path);
      const TensorInfo& info = checkpoint_.info(source.name);
      Shape shape = info.shape;
      const bool transpose_it =
          source.action == WeightRule::Action::kTranspose && shape.size() == 2 && !info.as_parameter;
      if (transpose_it) std::swap(shape[0], shape[1]);
      bound_.insert(path);
      if (!(shape == parameter.shape())) {
        mismatched_.push_back(fmt::format("{}: {} in the checkpoint, {} in the model", quote(source.name),
                                          info.shape.to_string(), parameter.shape().to_string()));
        continue;
      }
      Tensor tensor = checkpoint_.tensor(source.name);
      if (transpose_it) tensor = transpose(tensor, 0, 1);
      if (is_floating_point(tensor.dtype()))
        tensor = in_dtype(tensor, dtype_of(path, options_.dtype.value_or(tensor.dtype())));
      parameter = tensor;
    }
  }

  DType dtype_of(const std::string& path, DType wanted) const {
    const bool half = wanted == DType::f16 || wanted == DType::bf16;
    if (half && matches_any(map_.always_float32, path)) return DType::f32;
    return wanted == DType::f16 && matches_any(map_.keep_in_float32, path) ? DType::f32 : wanted;
  }

  // What the model can do without becomes undefined where the checkpoint has none of it.
  void leave_out() {
    for (const std::string& pattern : map_.optional) {
      const auto is_of_it = [&](const auto& p) { return match_pattern(pattern, p.first); };
      if (std::any_of(parameters_.begin(), parameters_.end(),
                      [&](const auto& p) { return is_of_it(p) && bound_.contains(p.first); }))
        continue;
      for (const auto& parameter : parameters_) {
        if (!is_of_it(parameter)) continue;
        *parameter.second = {};
        bound_.insert(parameter.first);
      }
    }
  }

  // An encoded weight keeps its blocks and stands for values of the other dtype.
  static Tensor in_dtype(const Tensor& tensor, DType dtype) {
    return tensor.encoding() ? Tensor::encoded(tensor.encoding(), dtype) : cast(tensor, dtype);
  }

  // A tied parameter takes the other's tensor itself, so that both are one leaf of the gradient tape. Where the
  // checkpoint has both with different values, as that of T5 1.1 has, they are not tied, whatever the configuration
  // says; the reference does the same.
  void tie() {
    for (const auto& [shared, stored] : map_.tied) {
      const auto shared_at = index_.find(shared), stored_at = index_.find(stored);
      if (shared_at == index_.end() || stored_at == index_.end()) continue;
      if (!bound_.contains(stored)) {  // some checkpoints keep only the other one
        if (!bound_.contains(shared)) continue;
        *stored_at->second = *shared_at->second;
        bound_.insert(stored);
      }
      if (!(shared_at->second->shape() == stored_at->second->shape())) continue;
      if (bound_.contains(shared) && !same_values(*shared_at->second, *stored_at->second)) continue;
      *shared_at->second = *stored_at->second;
      bound_.insert(shared);
    }
  }

  static bool same_values(const Tensor& a, const Tensor& b) {
    if (a.dtype() != b.dtype()) return false;
    const bool same_place = a.storage() == b.storage() && a.offset() == b.offset() && a.strides() == b.strides();
    return same_place || all(eq(a, b)).item<bool>();
  }

  void raise() const {
    std::string text;
    const auto list = [&text](std::string_view what, const std::vector<std::string>& names) {
      if (!names.empty()) text += fmt::format("\n  {} ({}): {}", what, names.size(), fmt::join(names, ", "));
    };
    if (!options_.allow_missing) list("missing", report_.missing);
    list("unexpected", unexpected_);
    list("given twice", duplicates_);
    list("mismatched", mismatched_);
    if (text.empty()) return;
    throw Error(ErrorKind::kInvalidFile, "load", "the checkpoint does not fit the model:" + text,
                "check that config.json belongs to these weights");
  }

  const Checkpoint& checkpoint_;
  const LoadOptions& options_;
  WeightMap map_;
  std::vector<std::pair<std::string, Tensor*>> parameters_;
  std::unordered_map<std::string, Tensor*> index_;
  std::map<std::string, Source> sources_;
  std::unordered_set<std::string> bound_;
  std::vector<std::string> unexpected_, duplicates_, mismatched_;
  LoadReport report_;
};

// The rule that a parameter's name came from, read backwards.
const WeightRule* rule_of(const WeightMap& map, const std::string& parameter, std::vector<std::string>& stars) {
  for (const WeightRule& rule : map.rules) {
    if (match_pattern(rule.parameter.empty() ? rule.checkpoint : rule.parameter, parameter, &stars)) return &rule;
  }
  return nullptr;
}

}  // namespace

LoadReport load_weights(Model& model, const Checkpoint& checkpoint, const LoadOptions& options) {
  set_module_paths(model);
  return Loader(model, checkpoint, options).run();
}

std::string checkpoint_name(const WeightMap& map, const std::string& parameter) {
  std::vector<std::string> stars;
  const WeightRule* rule = rule_of(map, parameter, stars);
  return rule == nullptr ? parameter : fill_pattern(rule->checkpoint, stars);
}

Tensor to_checkpoint_layout(const WeightMap& map, const std::string& parameter, const Tensor& tensor) {
  std::vector<std::string> stars;
  const WeightRule* rule = rule_of(map, parameter, stars);
  const bool transposed = rule != nullptr && rule->action == WeightRule::Action::kTranspose && tensor.dim() == 2;
  return transposed ? transpose(tensor, 0, 1) : tensor;
}

namespace {

// Calls each(path, name in the checkpoint, parameter) for those that are stored.
template <class Each>
void for_each_stored(Model& model, const WeightMap& map, Each each) {
  std::unordered_map<std::string, Tensor> parameters;
  for_each_parameter(model, [&](const std::string& path, Tensor& tensor) { parameters.emplace(path, tensor); });
  for_each_parameter(model, [&](const std::string& path, Tensor& tensor) {
    // Only those that are tied in fact: see Loader::tie.
    const bool is_shared = std::any_of(map.tied.begin(), map.tied.end(), [&](const auto& tie) {
      return tie.first == path && parameters.contains(tie.second) && parameters.at(tie.second).is_same(tensor);
    });
    if (is_shared) return;
    each(path, checkpoint_name(map, path), tensor);
  });
}

}  // namespace

NamedTensors checkpoint_tensors(Model& model) {
  const WeightMap map = model.weight_map();
  NamedTensors tensors;
  for_each_stored(model, map, [&](const std::string& path, std::string name, const Tensor& tensor) {
    tensors.emplace_back(std::move(name), contiguous(to_checkpoint_layout(map, path, tensor)));
  });
  return tensors;
}

std::vector<StoredParameter> stored_parameters(Model& model) {
  std::vector<StoredParameter> parameters;
  for_each_stored(model, model.weight_map(), [&](const std::string& path, std::string name, const Tensor& tensor) {
    parameters.push_back({path, std::move(name), tensor});
  });
  return parameters;
}

Tensor stacked_tensor(const WeightMap& map, const std::string& name, const Tensor& like,
                      const std::function<Tensor(const std::string& parameter)>& find) {
  std::vector<std::string> stars;
  const auto rule = std::find_if(map.stacked.begin(), map.stacked.end(),
                                 [&](const StackRule& r) { return match_pattern(r.stacked, name, &stars); });
  if (rule == map.stacked.end() || like.dim() != 3) return {};
  const auto parts = static_cast<int64_t>(rule->parts.size());
  Tensors matrices;
  for (int64_t i = 0; i < like.size(0); ++i) {
    Tensors rows;
    for (const std::string& part : rule->parts) {
      std::vector<std::string> part_stars = stars;
      part_stars.push_back(std::to_string(i));
      const Tensor found = find(fill_pattern(part, part_stars));
      rows.push_back(found ? cast(found, like.dtype())
                           : Tensor::zeros({like.size(1) / parts, like.size(2)}, like.dtype()));
    }
    matrices.push_back(concat(rows, 0));
  }
  return stack(matrices);
}

}  // namespace imago
