#include "imago/nn/dropout.h"

#include <utility>

#include "imago/ops/cast/cast.h"
#include "imago/ops/operators.h"
#include "imago/tensor/grad_meta.h"

namespace imago::nn {
namespace {

thread_local TorchGenerator* training = nullptr;
thread_local double of_attention = 0;

}  // namespace

TrainingMode::TrainingMode(TorchGenerator& generator) : previous_(std::exchange(training, &generator)) {}

TrainingMode::~TrainingMode() { training = previous_; }

TorchGenerator* training_generator() { return training; }

AttentionDropout::AttentionDropout(double p) : previous_(std::exchange(of_attention, p)) {}

AttentionDropout::~AttentionDropout() { of_attention = previous_; }

double attention_dropout() { return training == nullptr ? 0 : of_attention; }

Tensor dropout(const Tensor& x, double p) {
  if (training == nullptr || p == 0 || x.numel() == 0) return x;
  if (p == 1) return x * 0.0;
  Tensor kept;
  {
    const NoGrad no_grad;
    kept = cast(training->bernoulli(x.shape(), 1 - p) / (1 - p), x.dtype());
  }
  return x * kept;
}

}  // namespace imago::nn
