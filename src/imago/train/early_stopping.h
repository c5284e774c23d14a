// Ends a run whose evaluations get no better.
#pragma once

#include "imago/train/trainer_callback.h"

namespace imago {

// The reference's EarlyStoppingCallback: after `patience` evaluations in a row whose metric_for_best_model is not
// better than the best before by more than `threshold`. Throws Error kInvalidArgument when training starts without
// metric_for_best_model or evaluations.
class EarlyStopping final : public TrainerCallback {
 public:
  explicit EarlyStopping(int64_t patience = 1, double threshold = 0) : patience_(patience), threshold_(threshold) {}

  void on_train_begin(const Run& run) override;
  void on_evaluate(const Run& run, const LogEntry& metrics) override;
  std::string state_name() const override { return "EarlyStoppingCallback"; }
  std::map<std::string, double> saved_state() const override;
  void load_state(const std::map<std::string, double>& state) override;

 private:
  int64_t patience_, failures_ = 0;
  double threshold_;
};

}  // namespace imago
