// What evaluations measure beside the loss.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "imago/nn/model.h"

namespace imago {

class Metric {
 public:
  virtual ~Metric() = default;
  virtual void reset() = 0;
  // What the model gave for a batch.
  virtual void add(const TensorMap& outputs, const TensorMap& batch) = 0;
  virtual std::map<std::string, double> values() const = 0;  // over all batches since reset
};

// Of classifiers of sequences or of tokens (labels -100 do not count): accuracy, and f1 as scikit-learn has it, the
// "macro" mean over classes that occur in labels or predictions; of two classes also precision, recall and f1 of class
// 1, as f1_binary.
class ClassificationMetrics final : public Metric {
 public:
  void reset() override { counts_.clear(); }
  void add(const TensorMap& outputs, const TensorMap& batch) override;
  std::map<std::string, double> values() const override;

 private:
  std::map<std::pair<int64_t, int64_t>, int64_t> counts_;  // by label and prediction
};

// Of language models: the share of tokens whose most likely prediction is the label, and e to the mean loss of a token.
// Causal models' labels are shifted.
class TokenMetrics final : public Metric {
 public:
  explicit TokenMetrics(bool causal) : causal_(causal) {}
  void reset() override { tokens_ = correct_ = 0, loss_ = 0; }
  void add(const TensorMap& outputs, const TensorMap& batch) override;
  std::map<std::string, double> values() const override;  // token_accuracy, perplexity

 private:
  bool causal_;
  int64_t tokens_ = 0, correct_ = 0;
  double loss_ = 0;
};

}  // namespace imago
