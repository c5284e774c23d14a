// All operations, each with the samples that drive every check of it: kernel against decomposition in float64, strided
// and empty inputs, gradients, benchmarks. CMake finds every ops/<op>/<op>.cpp and writes a table of calls to
//   void register_<op>(OpTable&);
// which that file defines.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "imago/ops/apply.h"

namespace imago {

// One use of an operation: how to make its inputs, and what to call.
struct Sample {
  std::string name;  // "2x3 by 3x4, bias"
  Tensors inputs;    // float64 where they are floating; the checks cast them
  std::function<Tensors(std::span<const Tensor> inputs)> call;
  bool smooth = true;  // whether numerical differentiation works at these inputs (no kinks, ties or steps nearby)
};

class OpTable {
 public:
  struct Entry {
    const OpInfo* info;
    std::function<std::vector<Sample>()> samples;
  };

  // An operation without samples fails the suite.
  template <class Op>
  void add(std::function<std::vector<Sample>()> samples) {
    entries_.push_back({&op_info<Op>(), std::move(samples)});
  }

  const std::vector<Entry>& entries() const { return entries_; }

 private:
  std::vector<Entry> entries_;
};

// The table of this build, made on the first call.
const OpTable& op_table();

// Deterministic inputs for samples: float64 numbers spread over [low, high] without ties.
Tensor sample_values(const Shape& shape, double low = -2, double high = 2, uint64_t seed = 1);
Tensor sample_indices(const Shape& shape, int64_t below, uint64_t seed = 1);  // int64 in [0, below)

}  // namespace imago
