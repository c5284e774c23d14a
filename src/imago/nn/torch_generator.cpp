#include "imago/nn/torch_generator.h"

#include <array>
#include <cmath>
#include <numbers>
#include <sstream>

#include "imago/base/error.h"

namespace imago {
namespace {

constexpr int kFloatBits = 24, kDoubleBits = 53;  // of a draw, as much as the type holds exactly
constexpr int64_t kBlock = 16;                    // numbers that torch makes normal together

// Box and Muller 1958, of eight pairs.
void make_normal(float* values, float standard_deviation) {
  for (int64_t i = 0; i < kBlock / 2; ++i) {
    const float u = 1 - values[i], v = values[i + kBlock / 2];
    const float radius = std::sqrt(-2 * std::log(u)), theta = 2.0F * std::numbers::pi_v<float> * v;
    values[i] = radius * std::cos(theta) * standard_deviation;
    values[i + kBlock / 2] = radius * std::sin(theta) * standard_deviation;
  }
}

}  // namespace

uint64_t TorchGenerator::next64() {
  const uint64_t high = engine_();
  return high << 32 | engine_();
}

double TorchGenerator::next_double() {
  return std::ldexp(static_cast<double>(next64() & ((uint64_t{1} << kDoubleBits) - 1)), -kDoubleBits);
}

double TorchGenerator::next_normal() {
  if (second_) {
    const double value = *second_;
    second_.reset();
    return value;
  }
  const double u = next_double(), v = next_double();
  const double radius = std::sqrt(-2 * std::log1p(-v)), theta = 2 * std::numbers::pi * u;
  second_ = radius * std::sin(theta);
  return radius * std::cos(theta);
}

float TorchGenerator::next_float() {
  return std::ldexp(static_cast<float>(engine_() & ((1U << kFloatBits) - 1)), -kFloatBits);
}

std::vector<uint8_t> TorchGenerator::bernoulli(const std::vector<float>& probabilities) {
  std::vector<uint8_t> drawn;
  for (const float p : probabilities) drawn.push_back(next_float() < p ? 1 : 0);
  return drawn;
}

std::vector<int64_t> TorchGenerator::integers(int64_t count, int64_t below) {
  std::vector<int64_t> drawn;
  for (int64_t i = 0; i < count; ++i) drawn.push_back(static_cast<int64_t>(engine_()) % below);
  return drawn;
}

Tensor TorchGenerator::uniform(const Shape& shape, double low, double high) {
  const Tensor tensor = Tensor::empty(shape);
  auto* values = tensor.data<float>();
  const auto from = static_cast<float>(low), to = static_cast<float>(high);
  for (int64_t i = 0; i < tensor.numel(); ++i) {
    values[i] = std::fma(next_float(), to - from, from);  // as the reference's compiler joins the two
  }
  return tensor;
}

Tensor TorchGenerator::normal(const Shape& shape, double standard_deviation) {
  const Tensor tensor = Tensor::empty(shape);
  auto* values = tensor.data<float>();
  const int64_t size = tensor.numel();
  const auto deviation = static_cast<float>(standard_deviation);
  if (size < kBlock) {
    for (int64_t i = 0; i < size; ++i) values[i] = static_cast<float>(next_normal() * standard_deviation);
    return tensor;
  }
  const Tensor draws = uniform(shape, 0, 1);
  std::copy_n(draws.const_data<float>(), size, values);
  for (int64_t i = 0; i + kBlock <= size; i += kBlock) make_normal(values + i, deviation);
  if (size % kBlock != 0) {  // the last block is drawn anew, over what overlaps
    const Tensor last = uniform({kBlock}, 0, 1);
    std::copy_n(last.const_data<float>(), kBlock, values + size - kBlock);
    make_normal(values + size - kBlock, deviation);
  }
  return tensor;
}

Tensor TorchGenerator::bernoulli(const Shape& shape, double p) {
  const Tensor tensor = Tensor::empty(shape);
  auto* values = tensor.data<float>();
  for (int64_t i = 0; i < tensor.numel(); ++i) values[i] = next_double() < p ? 1.0F : 0.0F;
  return tensor;
}

std::string TorchGenerator::state() const {
  std::ostringstream text;
  text.precision(17);
  text << engine_;
  if (second_) text << ' ' << *second_;
  return text.str();
}

void TorchGenerator::set_state(const std::string& text) {
  std::istringstream stream(text);
  std::mt19937 engine;
  stream >> engine;
  if (!stream) throw Error(ErrorKind::kInvalidFile, "random state", "it is no state of a generator");
  second_.reset();
  if (double value = 0; stream >> value) second_ = value;
  engine_ = engine;
}

}  // namespace imago
