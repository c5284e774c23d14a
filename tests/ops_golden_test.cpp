// Every operation against the reference, in float64: values and gradients of golden/ops.safetensors, which
// tools/golden/ops.py writes.
#include <fmt/core.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "golden_ops.h"
#include "imago/autograd/backward.h"
#include "imago/io/safetensors.h"

namespace imago {
namespace {

constexpr const char* kFolder = IMAGO_SOURCE_DIR "/tests/golden/";

const SafetensorsFile& golden_tensors() {
  static const SafetensorsFile file = SafetensorsFile::open(std::string(kFolder) + "ops.safetensors");
  return file;
}

const Json& golden_cases() {
  static const Json cases = read_json(std::string(kFolder) + "ops.json");
  return cases;
}

const GoldenOps& golden_ops() {
  static const GoldenOps ops = [] {
    GoldenOps all;
    add_golden_math(all);
    add_golden_layers(all);
    return all;
  }();
  return ops;
}

// Both sides compute in float64 and may order some hundreds of roundings differently. An element is measured by itself
// or by the tensor's root mean square, whichever is larger: near a cancellation it keeps the errors of its terms.
constexpr double kTolerance = 0x1p-52 * 256;

void expect_same(const std::string& name, const Tensor& actual) {
  SCOPED_TRACE(name);
  const Tensor expected = golden_tensors().tensor(name);
  ASSERT_TRUE(actual.defined());
  ASSERT_EQ(actual.describe(), expected.describe());
  const std::vector<double> a = actual.to_vector<double>(), e = expected.to_vector<double>();
  double squares = 0;
  for (double value : e) squares += std::isfinite(value) ? value * value : 0;
  const double scale = e.empty() ? 0 : std::sqrt(squares / static_cast<double>(e.size()));
  const double tolerance = is_floating_point(expected.dtype()) ? kTolerance : 0;
  for (size_t i = 0; i < e.size(); ++i) {
    if (a[i] == e[i] || (std::isnan(a[i]) && std::isnan(e[i]))) continue;
    ASSERT_LE(std::abs(a[i] - e[i]), tolerance * std::max(scale, std::abs(e[i])))
        << "element " << i << ": " << a[i] << " instead of " << e[i];
  }
}

class OpsGolden : public testing::TestWithParam<std::string> {};

TEST_P(OpsGolden, ValuesAndGradientsAreTheReferences) {
  const SafetensorsFile& file = golden_tensors();
  const Json& golden = golden_cases().at(GetParam());
  const auto op = golden_ops().find(golden.at("op").get<std::string>());
  if (op == golden_ops().end()) FAIL() << golden.at("op") << " is not called by golden_ops_*.cpp";
  const auto name = [](const char* kind, size_t i) { return fmt::format("{}.{}.{}", GetParam(), kind, i); };

  GoldenCall call{{}, golden.at("args")};
  Tensors leaves;
  std::vector<std::string> expected_grads;
  for (size_t i = 0; file.contains(name("in", i)); ++i) {
    Tensor x = file.tensor(name("in", i));
    if (file.contains(name("grad", i))) {
      x = x.detach().set_requires_grad(true);
      leaves.push_back(x);
      expected_grads.push_back(name("grad", i));
    }
    call.inputs.push_back(x);
  }
  const Tensors outputs = op->second(call);
  Tensors differentiated, weights;
  for (size_t i = 0; file.contains(name("out", i)); ++i) {
    ASSERT_LT(i, outputs.size());
    expect_same(name("out", i), outputs[i]);
    if (!outputs[i].requires_grad()) continue;
    ASSERT_TRUE(file.contains(name("weight", i)));
    differentiated.push_back(outputs[i]);
    weights.push_back(file.tensor(name("weight", i)));
  }
  if (HasFatalFailure() || differentiated.empty()) return;
  const Tensors grads = grad(differentiated, leaves, weights);
  for (size_t i = 0; i < grads.size(); ++i) {
    // The reference writes zeros where a step has no slope; here no gradient is made at all.
    const Tensor zeros = Tensor::zeros(leaves[i].shape(), leaves[i].dtype());
    expect_same(expected_grads[i], grads[i].defined() ? grads[i] : zeros);
  }
}

// Cases of functions that Imago does not have.
const std::set<std::string> kAbsent = {"softplus_beta",
                                       "logsigmoid",
                                       "pad_reflect",
                                       "pad_replicate",
                                       "pad_circular",
                                       "unfold",
                                       "conv1d_same",
                                       "avg_pool2d_divisor",
                                       "normalize",
                                       "cross_entropy_class_weights",
                                       "cross_entropy_class_weights_smoothing",
                                       "nll_loss",
                                       "mse_loss",
                                       "l1_loss",
                                       "smooth_l1_loss",
                                       "binary_cross_entropy_with_logits"};

std::vector<std::string> case_names() {
  std::vector<std::string> names;
  for (const auto& [name, golden] : golden_cases().items()) {
    if (!kAbsent.contains(name)) names.push_back(name);
  }
  return names;
}

INSTANTIATE_TEST_SUITE_P(Ops, OpsGolden, testing::ValuesIn(case_names()),
                         [](const auto& parameter) { return parameter.param; });

TEST(OpsGoldenFile, AbsentCasesAreThere) {
  for (const std::string& name : kAbsent) EXPECT_TRUE(golden_cases().contains(name)) << name;
}

}  // namespace
}  // namespace imago
