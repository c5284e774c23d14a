// A model of whose parameters each process keeps a part.
#pragma once

#include <map>
#include <memory>

#include "imago/nn/adapter.h"
#include "imago/train/parallel/parallel_weights.h"

namespace imago {

// The layers whose weights are divided compute with what is put on their adapters' places. A parameter that no process
// has whole is without values in the model, so that what would read it there fails.
class ShardedModel : public ParallelWeights {
 public:
  ~ShardedModel() override;

  std::vector<NamedParameter> parameters() override;
  void load(const std::string& folder) override;
  void save(const std::string& folder) override;
  void begin_pass(std::optional<DType> dtype) override;
  void begin_alone(std::optional<DType> dtype) override;
  void end_pass() override;

 protected:
  struct Parameter {
    std::string name;
    std::vector<std::string> names;  // of tied ones all
    std::vector<Tensor*> fields;
    Shape shape;  // of the whole
    DType dtype = DType::f32;
    std::shared_ptr<const Sharding> sharding;  // null: every process has all of it
    bool by_layer = false;                     // used by layers' adapters alone; else it is whole while a pass lasts
    bool frozen = false;
    Tensor part, in_pass;  // the leaf, and what a pass computes with: the same, or cast
  };
  using Slots = std::map<std::string, nn::AdapterSlot*>;  // by the layer's path

  // With `adapters` on it the layers' computation goes below these, and all of the model stays as it is.
  ShardedModel(Communicator& communicator, Model& model, std::vector<std::string> frozen, peft::Adapters* adapters);

  // Sets each parameter's sharding and by_layer, and says what is put on the slots.
  virtual void plan(const Slots& slots) = 0;
  Parameter* find(const std::string& name);  // null for none
  std::vector<std::unique_ptr<Parameter>>& all() { return parameters_; }
  void put_on(const std::string& path, nn::AdapterSlot& slot, std::shared_ptr<const nn::LayerAdapter> layer);

 private:
  void divide();
  void rest();
  void install(bool layers);

  Model& model_;
  std::vector<std::string> frozen_;
  peft::Adapters* adapters_;
  std::vector<std::unique_ptr<Parameter>> parameters_;
  Slots slots_;  // those that are taken
  std::map<std::string, std::shared_ptr<const nn::LayerAdapter>> layers_;
  bool alone_ = false;
};

}  // namespace imago
