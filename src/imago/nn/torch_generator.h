// torch's random numbers on the CPU: the same seed gives the same values, drawn in the same order.
#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "imago/tensor/tensor.h"

namespace imago {

// A generator after torch.manual_seed(seed). All tensors are float32.
class TorchGenerator {
 public:
  explicit TorchGenerator(uint64_t seed) : engine_(static_cast<uint32_t>(seed)) {}

  // tensor.uniform_(low, high).
  Tensor uniform(const Shape& shape, double low, double high);
  // tensor.normal_(0, standard_deviation), but for the last bits, in which torch's own vectorised logarithms differ.
  Tensor normal(const Shape& shape, double standard_deviation);
  // tensor.bernoulli_(p): ones and zeros.
  Tensor bernoulli(const Shape& shape, double p);
  // torch.bernoulli(probabilities) of a float32 tensor, which draws other numbers: ones and zeros.
  std::vector<uint8_t> bernoulli(const std::vector<float>& probabilities);
  // torch.randint(below, ...), for less than 2^32.
  std::vector<int64_t> integers(int64_t count, int64_t below);
  // What torch.empty((), dtype=torch.int64).random_() takes.
  uint64_t next64();
  // What torch draws where it draws one number at a time in double: uniform in [0, 1), and of a standard normal.
  double next_double();
  double next_normal();

  // The whole state as text, and back. Throws Error kInvalidFile for what is no such text.
  std::string state() const;
  void set_state(const std::string& text);

 private:
  float next_float();

  std::mt19937 engine_;
  std::optional<double> second_;  // of a pair of normal numbers
};

}  // namespace imago
