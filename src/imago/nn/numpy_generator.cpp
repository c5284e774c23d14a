#include "imago/nn/numpy_generator.h"

#include <algorithm>
#include <bit>
#include <numeric>
#include <sstream>
#include <utility>

#include "imago/base/error.h"

namespace imago {

double NumpyGenerator::random() {
  const uint32_t high = engine_() >> 5, low = engine_() >> 6;  // 27 and 26 bits
  return (high * 67108864.0 + low) / 9007199254740992.0;
}

// Of numbers of as many bits, the first that is not above.
uint32_t NumpyGenerator::below_or_at(uint32_t most) {
  if (most == 0) return 0;
  const uint32_t mask = ~uint32_t{0} >> std::countl_zero(most);
  for (;;) {
    const uint32_t value = engine_() & mask;
    if (value <= most) return value;
  }
}

std::vector<int64_t> NumpyGenerator::permutation(int64_t size) {
  std::vector<int64_t> order(static_cast<size_t>(std::max<int64_t>(0, size)));
  std::iota(order.begin(), order.end(), int64_t{0});
  for (int64_t i = size - 1; i >= 1; --i)
    std::swap(order[static_cast<size_t>(i)], order[below_or_at(static_cast<uint32_t>(i))]);
  return order;
}

std::string NumpyGenerator::state() const {
  std::ostringstream text;
  text << engine_;
  return text.str();
}

void NumpyGenerator::set_state(const std::string& text) {
  std::istringstream stream(text);
  std::mt19937 engine;
  stream >> engine;
  if (!stream) throw Error(ErrorKind::kInvalidFile, "random state", "it is no state of a generator");
  engine_ = engine;
}

namespace nn {
namespace {

thread_local NumpyGenerator* given = nullptr;

}  // namespace

NumpySource::NumpySource(NumpyGenerator& generator) : previous_(std::exchange(given, &generator)) {}

NumpySource::~NumpySource() { given = previous_; }

NumpyGenerator& numpy_source() {
  if (given != nullptr) return *given;
  throw Error(ErrorKind::kUnsupported, "train", "what the reference draws from numpy, without a generator");
}

}  // namespace nn
}  // namespace imago
