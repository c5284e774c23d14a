#include "imago/peft/adapters.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <utility>

#include "imago/auto/load_weights.h"
#include "imago/base/error.h"
#include "imago/base/file.h"
#include "imago/base/json.h"
#include "imago/base/quote.h"
#include "imago/io/safetensors.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/contiguous/contiguous.h"
#include "imago/ops/permute/permute.h"
#include "imago/peft/combine.h"
#include "imago/peft/lora.h"
#include "imago/tensor/grad_meta.h"

namespace imago::peft {
namespace {

constexpr const char* kWhere = "adapters";
constexpr const char* kConfigFile = "/adapter_config.json";
constexpr const char* kWeightsFile = "/adapter_model.safetensors";
constexpr std::string_view kPrefix = "base_model.model.", kWeight = ".weight", kBias = ".bias";

bool is_bias(std::string_view parameter) { return parameter == "bias" || parameter.ends_with(kBias); }

// Whether the parameter is of a module whose path ends with one of the names, as the reference looks for them.
bool is_of_module(const std::vector<std::string>& names, std::string_view parameter) {
  for (size_t dot = parameter.find('.'); dot != std::string_view::npos; dot = parameter.find('.', dot + 1)) {
    const std::string_view module = parameter.substr(0, dot);
    if (std::any_of(names.begin(), names.end(), [&](const std::string& name) { return module.ends_with(name); })) {
      return true;
    }
  }
  return false;
}

bool is_language_model(const Model& model) {
  return dynamic_cast<const CausalLM*>(&model) != nullptr || dynamic_cast<const MaskedLM*>(&model) != nullptr ||
         dynamic_cast<const Seq2SeqLM*>(&model) != nullptr || dynamic_cast<const PreTraining*>(&model) != nullptr;
}

}  // namespace

// A layer that an adapter can be put on.
struct Adapters::Layer {
  std::string path, module;  // ours, and the reference's
  nn::AdapterSlot* slot;
  size_t weight, bias;  // indices of parameters; bias is parameters_.size() where there is none
};

struct Adapters::Parameter {
  std::string path, name;  // ours, and the reference's
  Tensor* field;
  Tensor base;  // the model's own value
};

struct Adapters::Adapter {
  std::unique_ptr<AdapterConfig> config;
  std::map<size_t, std::shared_ptr<AdapterPart>> parts;  // by layer
  std::map<size_t, Tensor> values;                       // by parameter: modules that are saved whole, and biases
};

class Adapters::LayerFinder final : public nn::AdapterVisitor {
 public:
  std::vector<std::pair<std::string, nn::AdapterSlot*>> found;
  void slot(const std::string& layer, nn::AdapterSlot& slot) override { found.emplace_back(layer, &slot); }
};

// The parts of the active adapters on one layer, the first next to the layer.
class Adapters::Chain final : public nn::LayerAdapter {
 public:
  Chain(std::vector<std::shared_ptr<AdapterPart>> parts, std::shared_ptr<const nn::LayerAdapter> base)
      : parts_(std::move(parts)), base_(std::move(base)) {}

  Tensor forward(const Tensor& x, const nn::AdaptedLayer& layer) const override {
    return cast(through(parts_.size(), x, layer), layer.weight.dtype());
  }

 private:
  Tensor through(size_t count, const Tensor& x, const nn::AdaptedLayer& layer) const {
    if (count == 0) return base_ ? base_->forward(x, layer) : layer.forward(x);
    return parts_[count - 1]->forward(
        x, {layer.weight, layer.bias, [&](const Tensor& input) { return through(count - 1, input, layer); },
            layer.padding_idx});
  }

  std::vector<std::shared_ptr<AdapterPart>> parts_;
  std::shared_ptr<const nn::LayerAdapter> base_;  // null: the layer itself
};

Adapters::Adapters(Model& model) : model_(model) {
  const WeightMap map = model.weight_map();
  std::map<std::string, size_t> index;
  for_each_parameter(model, [&](const std::string& path, Tensor& tensor) {
    index.emplace(path, parameters_.size());
    parameters_.push_back({path, checkpoint_name(map, path), &tensor, tensor});
  });
  LayerFinder finder;
  model.each_field(finder);
  for (const auto& [path, slot] : finder.found) {
    const auto weight = index.find(path + std::string(kWeight));
    if (weight == index.end()) continue;
    // The reference has no such module where it keeps the matrices of all experts in one parameter.
    const bool stacked = std::any_of(map.stacked.begin(), map.stacked.end(), [&](const StackRule& rule) {
      return std::any_of(rule.parts.begin(), rule.parts.end(),
                         [&](const std::string& part) { return match_pattern(part, weight->first); });
    });
    if (stacked) continue;
    if (slot->adapter) {
      throw Error(ErrorKind::kInvalidArgument, kWhere, path + " has an adapter already",
                  "make one Adapters for a model, and load all adapters into it");
    }
    const auto bias = index.find(path + std::string(kBias));
    std::string module = parameters_[weight->second].name;
    module.resize(module.size() - kWeight.size());
    layers_.push_back(
        {path, std::move(module), slot, weight->second, bias == index.end() ? parameters_.size() : bias->second});
  }
}

Adapters::~Adapters() {
  active_.clear();
  if (!adapters_.empty()) install();
}

Adapters::Adapter& Adapters::find(const std::string& name) const {
  const auto found = adapters_.find(name);
  if (found != adapters_.end()) return *found->second;
  throw Error(ErrorKind::kNotFound, kWhere, "there is no adapter " + quote(name),
              fmt::format("there are: {}", fmt::join(names(), ", ")));
}

std::vector<std::string> Adapters::names() const {
  std::vector<std::string> list;
  for (const auto& [name, adapter] : adapters_) list.push_back(name);
  return list;
}

const AdapterConfig& Adapters::config(const std::string& name) const { return *find(name).config; }

// "all-linear" becomes the names of the layers, as the reference saves it.
ModuleSelection Adapters::resolved_targets(const AdapterConfig& config) const {
  if (!config.target_modules.is_all_linear()) return config.target_modules;
  const std::string head = model_.weight_map().head;
  std::vector<std::string> names;
  size_t output = layers_.size();
  if (is_language_model(model_)) {  // the last linear layer of the head gives the scores of words
    for (size_t i = 0; i < layers_.size(); ++i) {
      const std::string& path = layers_[i].path;
      const bool in_head =
          head.empty() ? path.find("lm_head") != std::string::npos : path == head || path.starts_with(head + ".");
      if (in_head && layers_[i].slot->kind == nn::AdapterSlot::Kind::kLinear) output = i;
    }
  }
  for (size_t i = 0; i < layers_.size(); ++i) {
    if (i != output && layers_[i].slot->kind == nn::AdapterSlot::Kind::kLinear) names.push_back(layers_[i].module);
  }
  return ModuleSelection(std::move(names));
}

std::unique_ptr<Adapters::Adapter> Adapters::make(const AdapterConfig& config, TorchGenerator& random) const {
  auto adapter = std::make_unique<Adapter>();
  adapter->config = config.clone();
  adapter->config->target_modules = resolved_targets(config);
  make_parts(*adapter, random);
  choose_parameters(*adapter);
  return adapter;
}

void Adapters::make_parts(Adapter& adapter, TorchGenerator& random) const {
  for (size_t i = 0; i < layers_.size(); ++i) {
    const Layer& layer = layers_[i];
    if (!adapter.config->targets(layer.module)) continue;
    adapter.parts[i] = adapter.config->make_part(
        {layer.module, layer.slot->kind, parameters_[layer.weight].base, layer.bias < parameters_.size()}, random);
  }
  if (!adapter.parts.empty()) return;
  std::string known;
  for (const Layer& layer : layers_) {
    const std::string name = layer.module.substr(layer.module.rfind('.') + 1);
    if ((", " + known + ", ").find(", " + name + ", ") == std::string::npos)
      known += (known.empty() ? "" : ", ") + name;
  }
  throw Error(ErrorKind::kInvalidArgument, kWhere, "target_modules chooses no layer of the model",
              fmt::format("the model's layers are called {}", known));
}

void Adapters::choose_parameters(Adapter& adapter) const {
  const NoGrad no_grad;
  std::set<size_t> chosen;
  const std::string_view biases = adapter.config->trained_biases();
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const bool whole = is_of_module(adapter.config->modules_to_save, parameters_[i].name);
    if (whole || (biases == "all" && is_bias(parameters_[i].name))) chosen.insert(i);
  }
  if (biases == "lora_only") {
    for (const auto& [layer, part] : adapter.parts) {
      if (layers_[layer].bias < parameters_.size()) chosen.insert(layers_[layer].bias);
    }
  }
  for (const size_t i : chosen) {
    const Tensor& base = parameters_[i].base;
    if (base.encoding()) {
      throw Error(ErrorKind::kUnsupported, kWhere, parameters_[i].name + " is to be trained whole, and is quantized",
                  "leave its module out of modules_to_save");
    }
    if (is_floating_point(base.dtype())) adapter.values[i] = imago::clone(base.detach());
  }
}

void Adapters::add(const AdapterConfig& config, uint64_t seed, const std::string& name) {
  TorchGenerator random(seed);
  adapters_[name] = make(config, random);
  for (const NamedTensor& each : tensors(name)) each.tensor->set_requires_grad(true);
  set_active({name});
}

void Adapters::load(const std::string& folder, const std::string& name, bool trainable) {
  const std::string path = folder + kConfigFile;
  TorchGenerator random(0);
  auto adapter = make(*read_adapter_config(read_json(path), path), random);
  read_values(*adapter, folder);
  adapters_[name] = std::move(adapter);
  for (const NamedTensor& each : tensors(name)) each.tensor->set_requires_grad(trainable);
  set_active({name});
}

void Adapters::load_values(const std::string& folder, const std::string& name) {
  const bool trainable = tensors(name).front().tensor->requires_grad();
  read_values(find(name), folder);
  for (const NamedTensor& each : tensors(name)) each.tensor->set_requires_grad(trainable);
  install();
}

std::vector<Adapters::NamedTensor> Adapters::tensors(const std::string& name) {
  Adapter& adapter = find(name);
  std::vector<NamedTensor> list;
  std::set<std::string> adapted;
  for (auto& [layer, part] : adapter.parts) {
    const std::string before = std::string(kPrefix) + layers_[layer].module + ".";
    adapted.insert(layers_[layer].module);
    const ParameterVisit visit = [&](const std::string& field, Tensor& tensor) {
      list.push_back({before + field, &tensor, false});
    };
    internal::ParameterVisitor visitor(visit);
    part->each_field(visitor);
  }
  for (auto& [parameter, value] : adapter.values) {
    std::string reference = parameters_[parameter].name;
    const size_t dot = reference.rfind('.');
    // The reference keeps the layer that an adapter is on as the adapter's base_layer.
    if (dot != std::string::npos && adapted.contains(reference.substr(0, dot))) reference.insert(dot, ".base_layer");
    list.push_back({std::string(kPrefix) + reference, &value, true});
  }
  return list;
}

void Adapters::save(const std::string& folder, const std::string& name) const {
  const NoGrad no_grad;
  const WeightMap map = model_.weight_map();
  NamedTensors written;
  for (const NamedTensor& each : const_cast<Adapters*>(this)->tensors(name)) {
    Tensor tensor = each.tensor->detach();
    if (each.is_parameter) {
      const auto parameter = std::find_if(parameters_.begin(), parameters_.end(), [&](const Parameter& p) {
        const auto& values = find(name).values;
        const auto value = values.find(static_cast<size_t>(&p - parameters_.data()));
        return value != values.end() && &value->second == each.tensor;
      });
      tensor = to_checkpoint_layout(map, parameter->path, tensor);
    }
    written.emplace_back(each.name, contiguous(tensor));
  }
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) throw Error(ErrorKind::kIo, folder, error.message());
  save_safetensors(folder + kWeightsFile, written, SafetensorsMetadata{{"format", "pt"}});
  write_file_atomically(folder + kConfigFile, dump_json(find(name).config->write(), 2) + "\n");
}

void Adapters::read_values(Adapter& adapter, const std::string& folder) {
  const NoGrad no_grad;
  const SafetensorsFile file = SafetensorsFile::open(folder + kWeightsFile);
  const WeightMap map = model_.weight_map();
  std::map<std::string, std::pair<Tensor*, size_t>> wanted;  // by name: where it goes, and which parameter it is
  std::map<std::string, size_t> of_embeddings;
  for (const auto& [layer, part] : adapter.parts) {
    const std::string before = std::string(kPrefix) + layers_[layer].module + ".";
    const ParameterVisit visit = [&](const std::string& field, Tensor& tensor) {
      wanted[before + field] = {&tensor, parameters_.size()};
    };
    internal::ParameterVisitor visitor(visit);
    part->each_field(visitor);
    // The reference saves the base's own embeddings beside an adapter on them.
    if (layers_[layer].slot->kind == nn::AdapterSlot::Kind::kEmbedding)
      of_embeddings[before + "base_layer.weight"] = layers_[layer].weight;
  }
  for (auto& [parameter, value] : adapter.values) {
    std::string name = std::string(kPrefix) + parameters_[parameter].name;
    const size_t dot = name.rfind('.');
    const std::string inside = name.substr(0, dot) + ".base_layer" + name.substr(dot);
    if (!file.contains(name) && file.contains(inside)) name = inside;
    wanted[name] = {&value, parameter};
  }
  std::vector<std::string> missing, unexpected, mismatched;
  for (const std::string& name : file.names()) {
    if (!wanted.contains(name) && !of_embeddings.contains(name)) unexpected.push_back(name);
  }
  for (const auto& [name, parameter] : of_embeddings) {
    if (!file.contains(name)) continue;
    Tensor& value = adapter.values[parameter];
    value = parameters_[parameter].base;
    wanted[name] = {&value, parameter};
  }
  for (const auto& [name, place] : wanted) {
    auto& [target, parameter] = place;
    if (!file.contains(name)) {
      missing.push_back(name);
      continue;
    }
    Tensor tensor = file.tensor(name);
    if (parameter < parameters_.size()) tensor = to_checkpoint_layout(map, parameters_[parameter].path, tensor);
    if (!(tensor.shape() == target->shape())) {
      mismatched.push_back(fmt::format("{}: {} in the file, {} in the model", quote(name), tensor.shape().to_string(),
                                       target->shape().to_string()));
      continue;
    }
    *target = imago::clone(cast(tensor, target->dtype()));
  }
  std::string text;
  for (const auto& [what, list] :
       {std::pair{"missing", missing}, {"unexpected", unexpected}, {"mismatched", mismatched}}) {
    if (!list.empty()) text += fmt::format("\n  {} ({}): {}", what, list.size(), fmt::join(list, ", "));
  }
  if (text.empty()) return;
  throw Error(ErrorKind::kInvalidFile, folder + kWeightsFile, "the adapter does not fit the model:" + text,
              "check that it was made for this base model");
}

void Adapters::set_active(const std::vector<std::string>& names) {
  if (merged_) throw Error(ErrorKind::kInvalidArgument, kWhere, "the adapters are merged", "unmerge first");
  std::set<size_t> whole;
  for (const std::string& name : names) {
    for (const auto& [parameter, value] : find(name).values) {
      if (whole.insert(parameter).second) continue;
      throw Error(ErrorKind::kInvalidArgument, kWhere,
                  fmt::format("two active adapters have {} whole", parameters_[parameter].name),
                  "activate one of them");
    }
  }
  active_ = names;
  install();
}

void Adapters::remove(const std::string& name) {
  find(name);
  if (std::find(active_.begin(), active_.end(), name) != active_.end()) set_active({});
  adapters_.erase(name);
}

void Adapters::install() {
  if (has_base_) {
    for (Parameter& parameter : parameters_) *parameter.field = parameter.base;
  }
  std::vector<std::vector<std::shared_ptr<AdapterPart>>> chains(layers_.size());
  for (const std::string& name : active_) {
    Adapter& adapter = find(name);
    for (const auto& [parameter, value] : adapter.values) *parameters_[parameter].field = value;
    for (const auto& [layer, part] : adapter.parts) chains[layer].push_back(part);
  }
  for (size_t i = 0; i < layers_.size(); ++i) {
    const auto found = base_layers_.find(layers_[i].path);
    const auto base = found == base_layers_.end() ? nullptr : found->second;
    layers_[i].slot->adapter = chains[i].empty() ? base : std::make_shared<Chain>(std::move(chains[i]), base);
  }
}

void Adapters::set_base_layers(std::map<std::string, std::shared_ptr<const nn::LayerAdapter>> layers) {
  for (const auto& [name, adapter] : adapters_) {
    const auto* lora = dynamic_cast<const LoraConfig*>(adapter->config.get());
    if (adapter->values.empty() && (lora == nullptr || !lora->use_dora)) continue;
    throw Error(ErrorKind::kUnsupported, kWhere, quote(name) + " on a base that processes divide",
                "leave out use_dora, bias, and modules_to_save, or choose data, zero1 or zero2");
  }
  if (merged_) throw Error(ErrorKind::kInvalidArgument, kWhere, "the adapters are merged", "unmerge first");
  base_layers_ = std::move(layers);
  if (std::exchange(has_base_, false)) {
    for (Parameter& parameter : parameters_) parameter.base = Tensor();
  }
  install();
}

void Adapters::merge() {
  if (merged_) return;
  if (!has_base_) throw Error(ErrorKind::kInvalidArgument, kWhere, "the base is divided", "merge where it is whole");
  const NoGrad no_grad;
  for (const std::string& name : active_) {
    for (const auto& [index, part] : find(name).parts) {
      const Layer& layer = layers_[index];
      const ErrorScope scope(layer.module);
      Tensor& weight = *parameters_[layer.weight].field;
      Tensor* bias = layer.bias < parameters_.size() ? parameters_[layer.bias].field : nullptr;
      const AdapterPart::Merged merged =
          part->merge(weight.detach(), bias == nullptr ? Tensor() : bias->detach(), parameters_[layer.weight].base);
      weight = merged.weight;
      if (bias != nullptr) *bias = merged.bias;
    }
  }
  for (Layer& layer : layers_) layer.slot->adapter = nullptr;
  merged_ = true;
}

void Adapters::unmerge() {
  if (!std::exchange(merged_, false)) return;
  install();
}

void Adapters::keep_merged() {
  if (!merged_) merge();
  for (Parameter& parameter : parameters_) parameter.base = parameter.field->detach();
  active_.clear();
  adapters_.clear();
  merged_ = false;
  install();
}

void Adapters::keep_active() {
  for (Parameter& parameter : parameters_) parameter.base = *parameter.field;
  active_.clear();
  adapters_.clear();
}

void put_on(Model& model, const std::vector<std::string>& folders) {
  if (folders.empty()) return;
  Adapters adapters(model);
  for (const std::string& folder : folders) adapters.load(folder, folder);
  adapters.set_active(folders);
  adapters.keep_active();
  for_each_parameter(model, [](const std::string& name, Tensor& tensor) {
    if (tensor.is_meta()) {
      throw Error(ErrorKind::kInvalidFile, kWhere, name + " is neither in the checkpoint nor in an adapter",
                  "choose the task that the adapter was trained for");
    }
  });
}

void Adapters::add_weighted(const std::vector<std::string>& names, const std::vector<double>& weights,
                            const std::string& name, const std::string& combination_type) {
  std::vector<const LoraConfig*> configs;
  for (const std::string& each : names) {
    configs.push_back(dynamic_cast<const LoraConfig*>(find(each).config.get()));
    if (configs.back() == nullptr || configs.back()->use_dora || !find(each).values.empty()) {
      throw Error(ErrorKind::kUnsupported, "add_weighted", quote(each) + " is no plain LoRA adapter",
                  "DoRA, trained biases and modules_to_save cannot be combined");
    }
  }
  const LoraConfig combined = combined_config(configs, weights, combination_type);
  auto adapter = std::make_unique<Adapter>();
  adapter->config = combined.clone();
  for (size_t i = 0; i < layers_.size(); ++i) {
    std::vector<WeightedPart> parts;
    for (size_t k = 0; k < names.size(); ++k) {
      const auto& of = find(names[k]).parts;
      if (const auto found = of.find(i); found != of.end()) {
        parts.push_back({static_cast<const LoraPart*>(found->second.get()), weights[k]});
      }
    }
    if (!parts.empty()) adapter->parts[i] = combine(parts, combined.r, combination_type);
  }
  adapters_[name] = std::move(adapter);
}

}  // namespace imago::peft
