// An adapter on a base that several processes divide.
#pragma once

#include <memory>

#include "imago/train/parallel/sharded_model.h"

namespace imago {

// The base stays as it is, each process keeping its part of it. The adapter is small: all have all of it.
class AdapterOnShards final : public ParallelWeights {
 public:
  AdapterOnShards(Communicator& communicator, TrainedAdapter& adapter, std::unique_ptr<ShardedModel> base)
      : ParallelWeights(communicator), adapter_(adapter), base_(std::move(base)) {}

  std::vector<NamedParameter> parameters() override;
  void load(const std::string& folder) override { adapter_.load(folder); }
  void save(const std::string& folder) override;
  void begin_pass(std::optional<DType>) override { base_->begin_pass({}); }
  void begin_alone(std::optional<DType>) override { base_->begin_alone({}); }
  void end_pass() override { base_->end_pass(); }

  bool shares_batches() const override { return base_->shares_batches(); }
  bool passes_together() const override { return base_->passes_together(); }
  void reduce_gradients(const std::vector<NamedParameter>& parameters) override;

 private:
  TrainedAdapter& adapter_;
  std::unique_ptr<ShardedModel> base_;
};

}  // namespace imago
