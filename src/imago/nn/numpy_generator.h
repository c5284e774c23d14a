// numpy's global random numbers: the same seed gives the same values, drawn in the same order.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace imago {

// A generator after numpy.random.seed(seed).
class NumpyGenerator {
 public:
  explicit NumpyGenerator(uint32_t seed) : engine_(seed) {}

  double random();                                 // numpy.random.random()
  std::vector<int64_t> permutation(int64_t size);  // numpy.random.permutation(size), for less than 2^32

  // The whole state as text, and back. Throws Error kInvalidFile for what is no such text.
  std::string state() const;
  void set_state(const std::string& text);

 private:
  uint32_t below_or_at(uint32_t most);

  std::mt19937 engine_;
};

namespace nn {

// While one is alive on this thread, what training draws from numpy comes from its generator.
class NumpySource {
 public:
  explicit NumpySource(NumpyGenerator& generator);
  ~NumpySource();
  NumpySource(const NumpySource&) = delete;
  NumpySource& operator=(const NumpySource&) = delete;

 private:
  NumpyGenerator* previous_;
};

// That of the innermost NumpySource. Throws Error kUnsupported where there is none.
NumpyGenerator& numpy_source();

}  // namespace nn
}  // namespace imago
