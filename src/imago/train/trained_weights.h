// What of a model is trained, and how a checkpoint keeps it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "imago/peft/adapters.h"
#include "imago/train/trainable_parameters.h"

namespace imago {

class ParallelWeights;

class TrainedWeights {
 public:
  virtual ~TrainedWeights() = default;

  // The parameters as leaves that may be written, each once. Called when training starts, after load().
  virtual std::vector<NamedParameter> parameters() = 0;

  // Into, and out of, a folder that exists. Throw what reading and writing throws.
  virtual void load(const std::string& folder) = 0;
  virtual void save(const std::string& folder) = 0;

  // The model computes between these. With a dtype it does so in that, with values that are rounded from the
  // parameters, through which gradients flow.
  virtual void begin_pass(std::optional<DType> dtype) = 0;
  virtual void end_pass() = 0;

  // Itself where several processes train it; null for one.
  virtual ParallelWeights* parallel() { return nullptr; }
};

// All parameters of the model but frozen ones (patterns, see match_pattern), as a checkpoint of the Hub.
class WholeModel final : public TrainedWeights {
 public:
  explicit WholeModel(Model& model, std::vector<std::string> frozen = {});

  std::vector<NamedParameter> parameters() override;
  void load(const std::string& folder) override;
  void save(const std::string& folder) override;
  void begin_pass(std::optional<DType> dtype) override;
  void end_pass() override;

 private:
  Model& model_;
  std::vector<std::string> frozen_;
  std::vector<std::pair<Tensor*, Tensor>> masters_;  // fields, and what they hold outside of a pass
};

// One adapter on a model that stays as it is, in PEFT's format.
class TrainedAdapter final : public TrainedWeights {
 public:
  TrainedAdapter(peft::Adapters& adapters, std::string name = "default")
      : adapters_(adapters), name_(std::move(name)) {}

  std::vector<NamedParameter> parameters() override;
  void load(const std::string& folder) override { adapters_.load_values(folder, name_); }
  void save(const std::string& folder) override { adapters_.save(folder, name_); }
  peft::Adapters& adapters() { return adapters_; }
  // Adapters are float32 on a base of whichever type.
  void begin_pass(std::optional<DType>) override {}
  void end_pass() override {}

 private:
  peft::Adapters& adapters_;
  std::string name_;
};

}  // namespace imago
