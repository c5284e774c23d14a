#include "imago/train/early_stopping.h"

#include <cmath>

#include "imago/base/error.h"

namespace imago {
namespace {

constexpr const char* kFailures = "early_stopping_patience_counter";

}  // namespace

void EarlyStopping::on_train_begin(const Run& run) {
  if (!run.args.best_metric().empty() && run.args.eval_strategy != "no") return;
  throw Error(ErrorKind::kInvalidArgument, "early stopping", "there is nothing to measure",
              "set metric_for_best_model and eval_strategy");
}

void EarlyStopping::on_evaluate(const Run& run, const LogEntry& metrics) {
  const auto found = metrics.find(run.args.best_metric());
  if (found == metrics.end()) return;  // the trainer says so
  const std::optional<double>& best = run.state.best_metric;
  const bool better = !best || ((run.args.best_is_greatest() ? found->second > *best : found->second < *best) &&
                                std::abs(found->second - *best) > threshold_);
  failures_ = better ? 0 : failures_ + 1;
  if (failures_ >= patience_) run.control.should_training_stop = true;
}

std::map<std::string, double> EarlyStopping::saved_state() const {
  return {{kFailures, static_cast<double>(failures_)}};
}

void EarlyStopping::load_state(const std::map<std::string, double>& state) {
  if (const auto found = state.find(kFailures); found != state.end()) failures_ = static_cast<int64_t>(found->second);
}

}  // namespace imago
