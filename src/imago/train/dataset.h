// What a model is trained on: examples by index.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "imago/nn/model.h"

namespace imago {

class Dataset {
 public:
  virtual ~Dataset() = default;

  virtual int64_t size() const = 0;
  // The model's arguments by name, without a batch dimension (input_ids [T], labels [T] or []).
  virtual TensorMap example(int64_t index) const = 0;
};

// Examples that are all in memory.
class MemoryDataset final : public Dataset {
 public:
  explicit MemoryDataset(std::vector<TensorMap> examples) : examples_(std::move(examples)) {}

  int64_t size() const override { return static_cast<int64_t>(examples_.size()); }
  TensorMap example(int64_t index) const override { return examples_.at(static_cast<size_t>(index)); }

 private:
  std::vector<TensorMap> examples_;
};

}  // namespace imago
