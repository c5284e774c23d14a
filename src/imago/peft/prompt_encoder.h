// The network that gives a learned prompt while it is trained: P-tuning's (Liu et al. 2021) and the projection of
// prefix tuning (Li and Liang 2021), as PEFT has them. What it gives in the end is all that an adapter folder keeps for
// use; to go on training, its own tensors are kept beside.
#pragma once

#include <string>
#include <vector>

#include "imago/io/safetensors.h"
#include "imago/nn/layers.h"
#include "imago/nn/torch_generator.h"

namespace imago::peft {

class PromptEncoder {
 public:
  // Vectors [tokens, sizes[0]], and linear layers from each size to the next with tanh or relu between them, which are
  // the members 0, 2, 4, ... of what PEFT calls `head`.
  PromptEncoder(std::string head, bool with_tanh, int64_t tokens, const std::vector<int64_t>& sizes,
                TorchGenerator& random);

  Tensor operator()() const;  // [tokens, sizes.back()]

  // Under PEFT's names: "embedding.weight", "mlp_head.0.weight".
  struct NamedTensor {
    std::string name;
    Tensor* tensor;
  };
  std::vector<NamedTensor> tensors();

  // Throws Error kInvalidFile unless the file has just these, each in its shape. What is trained stays so.
  void load(const std::string& path);
  void save(const std::string& path);

 private:
  std::string head_;
  bool with_tanh_;
  Tensor embedding_;
  std::vector<nn::Linear> layers_;
};

}  // namespace imago::peft
