#include "imago/nn/random_source.h"

#include <utility>

#include "imago/nn/dropout.h"

namespace imago::nn {
namespace {

thread_local TorchGenerator* given = nullptr;

}  // namespace

RandomSource::RandomSource(TorchGenerator& generator) : previous_(std::exchange(given, &generator)) {}

RandomSource::~RandomSource() { given = previous_; }

TorchGenerator& random_source() {
  if (given != nullptr) return *given;
  if (TorchGenerator* training = training_generator()) return *training;
  thread_local TorchGenerator own(0);
  return own;
}

}  // namespace imago::nn
