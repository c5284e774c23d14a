// NEFTune (Jain et al. 2023, "NEFTune: Noisy Embeddings Improve Instruction Finetuning").
#pragma once

#include "imago/nn/adapter.h"
#include "imago/nn/model.h"
#include "imago/nn/torch_generator.h"

namespace imago {

// While one is alive, noise is added to the vectors of the model's input tokens: uniform, of at most
// alpha / sqrt(tokens * hidden size). Nothing happens with an alpha of 0. Throws Error kUnsupported for a model whose
// table of tokens is not found.
class NoisyEmbeddings {
 public:
  NoisyEmbeddings(Model& model, double alpha, TorchGenerator& generator);
  ~NoisyEmbeddings();
  NoisyEmbeddings(const NoisyEmbeddings&) = delete;
  NoisyEmbeddings& operator=(const NoisyEmbeddings&) = delete;

 private:
  nn::AdapterSlot* slot_ = nullptr;
  std::shared_ptr<const nn::LayerAdapter> previous_;
};

}  // namespace imago
