// Dropout (Srivastava et al. 2014), with the very masks that torch draws on the CPU.
#pragma once

#include "imago/nn/torch_generator.h"

namespace imago::nn {

// While one is alive on this thread, models train: dropout is applied, with masks from the generator.
class TrainingMode {
 public:
  explicit TrainingMode(TorchGenerator& generator);
  ~TrainingMode();
  TrainingMode(const TrainingMode&) = delete;
  TrainingMode& operator=(const TrainingMode&) = delete;

 private:
  TorchGenerator* previous_;
};

// Null outside of training.
TorchGenerator* training_generator();

// While one is alive on this thread, attention drops its weights with this probability in training.
class AttentionDropout {
 public:
  explicit AttentionDropout(double p);
  ~AttentionDropout();
  AttentionDropout(const AttentionDropout&) = delete;
  AttentionDropout& operator=(const AttentionDropout&) = delete;

 private:
  double previous_;
};

// Of attention weights; 0 outside of training.
double attention_dropout();

// A configuration that drops what goes into a head: one that scores labels of the whole input, choices, or labels of
// tokens.
struct DropsBeforeHead {
  virtual ~DropsBeforeHead() = default;
  virtual double head_dropout() const = 0;
  virtual double choice_dropout() const { return head_dropout(); }
  virtual double token_dropout() const { return head_dropout(); }
};

// torch.nn.functional.dropout: `x` itself outside of training or where p is 0; else each element is zero with
// probability p, and 1 / (1 - p) times itself without.
Tensor dropout(const Tensor& x, double p);

}  // namespace imago::nn
