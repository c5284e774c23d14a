// Data parallel training, and ZeRO's first two stages (Rajbhandari et al. 2020): the parameters stay whole everywhere.
#pragma once

#include <map>

#include "imago/train/parallel/parallel_weights.h"

namespace imago {

class ZeroWeights final : public ParallelWeights {
 public:
  // At stage 0 all is whole; at 1 each process moves its rows of every parameter; at 2 it keeps its rows of the
  // gradients, the rest of which is let go of as soon as it is added up.
  ZeroWeights(Communicator& communicator, TrainedWeights& weights, int stage)
      : ParallelWeights(communicator), weights_(weights), stage_(stage) {}

  std::vector<NamedParameter> parameters() override;
  void load(const std::string& folder) override { weights_.load(folder); }
  void save(const std::string& folder) override;
  void begin_pass(std::optional<DType> dtype) override { weights_.begin_pass(dtype); }
  void end_pass() override { weights_.end_pass(); }

  bool passes_together() const override { return stage_ >= 2; }
  void backward(const Tensor& loss) override;
  void reduce_gradients(const std::vector<NamedParameter>& parameters) override;
  void parameters_moved() override;

 private:
  void keep_part(size_t index, const Tensor& whole_gradient);

  TrainedWeights& weights_;
  int stage_;
  std::vector<NamedParameter> whole_, parts_;  // parts are views of the whole ones' storage
  std::map<const GradMeta*, size_t> index_of_;
};

}  // namespace imago
