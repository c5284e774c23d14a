#include "imago/train/metrics.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "imago/base/error.h"
#include "imago/nn/losses.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/ops/slice/slice.h"

namespace imago {
namespace {

const Tensor& find(const TensorMap& tensors, const char* name) {
  const auto found = tensors.find(name);
  if (found != tensors.end() && found->second.defined()) return found->second;
  throw Error(ErrorKind::kInvalidArgument, "metrics", std::string("an evaluation without ") + name);
}

struct Predictions {
  std::vector<int64_t> labels, best;
};

Predictions predictions(const TensorMap& outputs, const Tensor& labels) {
  Predictions found{labels.to_vector<int64_t>(), argmax(find(outputs, "logits"), -1).to_vector<int64_t>()};
  if (found.labels.size() == found.best.size()) return found;
  throw Error(ErrorKind::kInvalidArgument, "metrics", "labels and logits are of different numbers of items",
              "this metric is of classes: regression and multi-label problems have none");
}

double ratio(double a, double b) { return b == 0 ? 0 : a / b; }

}  // namespace

void ClassificationMetrics::add(const TensorMap& outputs, const TensorMap& batch) {
  const Predictions found = predictions(outputs, find(batch, "labels"));
  for (size_t i = 0; i < found.labels.size(); ++i) {
    if (found.labels[i] != nn::kIgnoredLabel) ++counts_[{found.labels[i], found.best[i]}];
  }
}

std::map<std::string, double> ClassificationMetrics::values() const {
  std::set<int64_t> classes;
  std::map<int64_t, int64_t> labelled, predicted, both;
  int64_t all = 0, correct = 0;
  for (const auto& [pair, count] : counts_) {
    const auto [label, prediction] = pair;
    classes.insert({label, prediction});
    labelled[label] += count;
    predicted[prediction] += count;
    if (label == prediction) both[label] = count;
    if (label == prediction) correct += count;
    all += count;
  }
  const auto f1 = [&](int64_t c) {
    const auto of = [&](const auto& counts) { return counts.contains(c) ? static_cast<double>(counts.at(c)) : 0.0; };
    return ratio(2 * of(both), of(labelled) + of(predicted));
  };
  double sum_f1 = 0;
  for (const int64_t c : classes) sum_f1 += f1(c);
  std::map<std::string, double> values = {{"accuracy", ratio(static_cast<double>(correct), static_cast<double>(all))},
                                          {"f1", ratio(sum_f1, static_cast<double>(classes.size()))}};
  if (!classes.empty() && *classes.rbegin() <= 1) {
    const auto count = [](const auto& counts) { return counts.contains(1) ? static_cast<double>(counts.at(1)) : 0.0; };
    values["f1_binary"] = f1(1);
    values["precision"] = ratio(count(both), count(predicted));
    values["recall"] = ratio(count(both), count(labelled));
  }
  return values;
}

void TokenMetrics::add(const TensorMap& given, const TensorMap& batch) {
  const Tensor& labels = find(batch, "labels");
  TensorMap outputs = given;
  // A learned prompt's virtual tokens have logits, too, and no labels.
  if (const Tensor& logits = find(given, "logits"); causal_ && logits.size(1) > labels.size(1))
    outputs["logits"] = narrow(logits, 1, logits.size(1) - labels.size(1), labels.size(1));
  const Tensor targets = causal_ ? nn::next_token_labels(labels) : labels;
  const Predictions found = predictions(outputs, targets);
  int64_t counted = 0;
  for (size_t i = 0; i < found.labels.size(); ++i) {
    if (found.labels[i] == nn::kIgnoredLabel) continue;
    ++counted;
    if (found.labels[i] == found.best[i]) ++correct_;
  }
  if (counted == 0) return;
  tokens_ += counted;
  loss_ += nn::token_loss_sum(find(outputs, "logits"), targets).item<double>();
}

std::map<std::string, double> TokenMetrics::values() const {
  const auto tokens = static_cast<double>(tokens_);
  return {{"token_accuracy", ratio(static_cast<double>(correct_), tokens)},
          {"perplexity", std::exp(ratio(loss_, tokens))}};
}

}  // namespace imago
