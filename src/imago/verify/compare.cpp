#include "imago/verify/compare.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

namespace imago {
namespace {

// The largest distance over the root mean square of the truth; infinite when a NaN stands where the truth has a number.
double relative_error(const std::vector<double>& values, const std::vector<double>& truth) {
  double largest = 0, squares = 0, count = 0;
  for (size_t i = 0; i < truth.size(); ++i) {
    if (!std::isfinite(truth[i])) {  // infinities and NaN must be the same ones
      if (values[i] != truth[i] && !(std::isnan(values[i]) && std::isnan(truth[i]))) return INFINITY;
      continue;
    }
    const double distance = std::abs(values[i] - truth[i]);
    if (std::isnan(distance)) return INFINITY;
    largest = std::max(largest, distance);
    squares += truth[i] * truth[i];
    ++count;
  }
  const double rms = count > 0 ? std::sqrt(squares / count) : 0;
  return rms > 0 ? largest / rms : largest;
}

bool same_shape(TensorCheck& check, const Tensor& ours, const Tensor& expected) {
  if (!ours.defined()) {
    check.note = "missing";
  } else if (!(ours.shape() == expected.shape())) {
    check.note = fmt::format("shape {}, expected {}", ours.shape().to_string(), expected.shape().to_string());
  }
  if (!check.note.empty()) check.ours = INFINITY;
  return check.note.empty();
}

}  // namespace

TensorCheck compare_floating(const std::string& name, const Tensor& ours, const Tensor& reference, const Tensor& truth,
                             DType dtype) {
  TensorCheck check{.name = name};
  const std::vector<double> exact = truth.to_vector<double>();
  check.reference = relative_error(reference.to_vector<double>(), exact);
  check.allowed = 2 * check.reference + 4 * epsilon_of(dtype);
  if (!same_shape(check, ours, truth)) return check;
  check.ours = relative_error(ours.to_vector<double>(), exact);
  check.passed = check.ours <= check.allowed;
  return check;
}

TensorCheck compare_exactly(const std::string& name, const Tensor& ours, const Tensor& reference) {
  TensorCheck check{.name = name};
  if (!same_shape(check, ours, reference)) return check;
  const std::vector<int64_t> a = ours.to_vector<int64_t>(), b = reference.to_vector<int64_t>();
  const auto differing = std::mismatch(a.begin(), a.end(), b.begin());
  check.passed = differing.first == a.end();
  if (!check.passed) {
    check.ours = INFINITY;
    check.note = fmt::format("{} at {}, expected {}", *differing.first, differing.first - a.begin(), *differing.second);
  }
  return check;
}

}  // namespace imago
