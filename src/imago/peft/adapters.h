// Adapters on a model: made, loaded from and saved in PEFT's format, switched, weighted and merged.
//
//   auto model = imago::AutoModelForCausalLM::from_pretrained("path-or-id");
//   imago::peft::Adapters adapters(*model);
//   adapters.load("path/to/adapter");      // the model computes with it from here on
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "imago/nn/model.h"
#include "imago/peft/adapter_config.h"

namespace imago::peft {

// Watches over the adapters of one model, which must outlive it and stay where it is: when it goes, the model is what
// it was. Names of adapters are the user's.
class Adapters {
 public:
  explicit Adapters(Model& model);
  ~Adapters();
  Adapters(const Adapters&) = delete;
  Adapters& operator=(const Adapters&) = delete;

  // A fresh adapter, active and trainable, with the values that the seed gives. Throws Error kInvalidArgument where the
  // configuration chooses no layer, or modules_to_save none, and what the configuration's own checks throw.
  void add(const AdapterConfig& config, uint64_t seed, const std::string& name = "default");

  // From a folder with adapter_config.json and adapter_model.safetensors; active. Throws Error kInvalidFile with all
  // tensors that are missing, unexpected or of another shape, and what reading throws.
  void load(const std::string& folder, const std::string& name = "default", bool trainable = false);
  // Only the values, into an adapter that is there.
  void load_values(const std::string& folder, const std::string& name = "default");

  // Both files, each replaced atomically.
  void save(const std::string& folder, const std::string& name = "default") const;

  // The model computes with these, one behind the other; with none it is the base model. Throws Error kNotFound for a
  // name that is none, and kInvalidArgument where two of them have the same module whole or while they are merged.
  void set_active(const std::vector<std::string>& names);
  const std::vector<std::string>& active() const { return active_; }
  std::vector<std::string> names() const;
  const AdapterConfig& config(const std::string& name) const;
  void remove(const std::string& name);

  // A new LoRA adapter of several, with PEFT's combination types "linear" (factors are added up; all of one rank) and
  // "cat" (ranks are put side by side, which is exact). Not active. Throws Error kUnsupported for others.
  void add_weighted(const std::vector<std::string>& names, const std::vector<double>& weights, const std::string& name,
                    const std::string& combination_type = "cat");

  // Works the active adapters into the model's weights, so that the model needs no adapter; unmerge puts the very
  // weights back. Throws Error kUnsupported for weights in a quantized format, which would be rounded again.
  void merge();
  void unmerge();
  bool is_merged() const { return merged_; }
  // Leaves what is merged in the model for good, and forgets all adapters.
  void keep_merged();
  // Leaves the active adapters on the model for good, unmerged, and forgets all of them.
  void keep_active();

  // From now on the layers compute with these under the adapters, by the layers' paths, and the model's parameters are
  // left to whoever gives them: a base that several processes divide. With none they compute by themselves again.
  // Throws Error kUnsupported where an adapter needs the base's own values: DoRA, trained biases, modules_to_save.
  void set_base_layers(std::map<std::string, std::shared_ptr<const nn::LayerAdapter>> layers);

  // The trained tensors of an adapter under PEFT's names, without the name of the adapter, in the order of the model.
  struct NamedTensor {
    std::string name;  // "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight"
    Tensor* tensor;
    bool is_parameter;  // the model's own, of which the adapter has another value
  };
  std::vector<NamedTensor> tensors(const std::string& name = "default");

 private:
  struct Layer;
  struct Adapter;
  struct Parameter;
  class LayerFinder;
  class Chain;

  Adapter& find(const std::string& name) const;
  std::unique_ptr<Adapter> make(const AdapterConfig& config, TorchGenerator& random) const;
  void make_parts(Adapter& adapter, TorchGenerator& random) const;
  void choose_parameters(Adapter& adapter) const;
  void read_values(Adapter& adapter, const std::string& folder);
  void install();
  ModuleSelection resolved_targets(const AdapterConfig& config) const;

  Model& model_;
  std::vector<Layer> layers_;          // that an adapter can be put on, in the order of the fields
  std::vector<Parameter> parameters_;  // all of the model
  std::map<std::string, std::unique_ptr<Adapter>> adapters_;
  std::vector<std::string> active_;
  std::map<std::string, std::shared_ptr<const nn::LayerAdapter>> base_layers_;
  bool has_base_ = true;  // the parameters' own values
  bool merged_ = false;
};

// Loads the adapters of these folders onto the model, all active, and leaves them there. Parameters that the model was
// loaded without must be in one of them. Throws what Adapters::load throws, and Error kInvalidFile for a parameter that
// is nowhere.
void put_on(Model& model, const std::vector<std::string>& folders);

}  // namespace imago::peft
