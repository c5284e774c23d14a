// What sentence-transformers puts behind a model: the modules that make one vector of a text out of one per token.
// B texts, T tokens, D numbers.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "imago/base/json.h"
#include "imago/nn/activations.h"
#include "imago/tensor/tensor.h"

namespace imago {

// What a module reads and writes.
struct SentenceFeatures {
  Tensor attention_mask;                 // [B, T] int64
  std::optional<int64_t> prompt_length;  // tokens in front that are the prompt's, the same in every row
  Tensor token_embeddings;               // [B, T, D]
  Tensor sentence_embedding;             // [B, D] once there is one
};

class SentenceModule {
 public:
  virtual ~SentenceModule() = default;
  virtual void apply(SentenceFeatures& features) const = 0;
};

// A module of modules.json, by the last part of its `type`: Pooling, Dense, Normalize, LayerNorm or Dropout, with the
// config.json and the weights of its folder. Its weights become `dtype`, as the model before it has it. Throws Error
// kUnsupported for another type and for a key or value that is not known, and what reading throws.
std::unique_ptr<SentenceModule> load_sentence_module(std::string_view type, const std::string& folder, DType dtype);

// Pooling with these settings, as its config.json has them.
std::unique_ptr<SentenceModule> make_sentence_pooling(const Json& config);

// The function of a class of torch as files name it ("torch.nn.modules.activation.Tanh"). Throws Error kUnsupported.
nn::Activation torch_activation(const std::string& name);

}  // namespace imago
