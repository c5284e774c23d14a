// Reading a golden folder (see verify.h).
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "imago/io/safetensors.h"
#include "imago/nn/model.h"
#include "imago/train/adamw.h"

namespace imago {

struct Golden {
  struct Run {
    std::string tensor;   // "generate.sequences"
    std::string options;  // JSON
  };

  static Golden open(const std::string& folder);

  Tensor tensor(const std::string& name) const { return file.contains(name) ? file.tensor(name) : Tensor(); }
  // The tensors whose names begin so, by the rest of their names.
  TensorMap with_prefix(const std::string& prefix) const;

  std::string auto_class;
  RunOptions forward;
  std::vector<Run> runs;
  AdamWOptions train;
  int64_t train_steps = 0;
  std::optional<DType> dtype;
  uint64_t seed = 0;            // of the numbers that a model draws
  bool training = false;        // whether it ran as it trains, with what is dropped then
  bool says_attention = false;  // whether forward.attention is what the reference used, or may be either
  SafetensorsFile file;
};

}  // namespace imago
