// Every operation of the table, each held to the same laws by its samples. An operation is added in its folder and is
// tested here without a line being written.
#include <fmt/core.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "imago/autograd/backward.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/contiguous/contiguous.h"
#include "imago/ops/op_table.h"
#include "imago/ops/permute/permute.h"
#include "imago/ops/slice/slice.h"

namespace imago {
namespace {

bool is_number(const Tensor& x) { return x.defined() && is_floating_point(x.dtype()); }

Tensors cast_floating(const Tensors& tensors, DType dtype) {
  Tensors result = tensors;
  for (Tensor& x : result) {
    if (is_number(x)) x = cast(x, dtype);
  }
  return result;
}

double root_mean_square(const std::vector<double>& values) {
  double sum = 0;
  for (double value : values) sum += value * value;
  return values.empty() ? 0 : std::sqrt(sum / static_cast<double>(values.size()));
}

// Elements may differ by `epsilons` of `dtype`, relative to themselves or to the tensor's root mean square, whichever
// is larger: near a cancellation an element keeps the rounding errors of its terms. Not numbers means equal.
void expect_close(const Tensors& actual, const Tensors& expected, double epsilons, DType dtype) {
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < actual.size(); ++i) {
    ASSERT_EQ(actual[i].shape().to_string(), expected[i].shape().to_string());
    const std::vector<double> a = actual[i].to_vector<double>(), e = expected[i].to_vector<double>();
    const double scale = root_mean_square(e);
    const double tolerance = is_number(expected[i]) ? epsilons * epsilon_of(dtype) : 0;
    for (size_t j = 0; j < a.size(); ++j) {
      if (a[j] == e[j] || (std::isnan(a[j]) && std::isnan(e[j]))) continue;
      ASSERT_LE(std::abs(a[j] - e[j]), tolerance * std::max(std::abs(e[j]), std::isfinite(scale) ? scale : 0))
          << "output " << i << " element " << j << ": " << a[j] << " instead of " << e[j];
    }
  }
}

class OpSuite : public testing::TestWithParam<size_t> {
 protected:
  const OpInfo& info() const { return *op_table().entries()[GetParam()].info; }
  std::vector<Sample> samples() const { return op_table().entries()[GetParam()].samples(); }

  // The samples that are derived from: smooth, and of an operation that has a gradient.
  std::vector<Sample> smooth_samples() const {
    std::vector<Sample> result = info().differentiable ? samples() : std::vector<Sample>();
    std::erase_if(
        result, [](const Sample& s) { return !s.smooth || std::none_of(s.inputs.begin(), s.inputs.end(), is_number); });
    return result;
  }
};

TEST_P(OpSuite, HasSamples) { EXPECT_FALSE(samples().empty()); }

// A kernel rounds its result once, from float or double, so that the error is a few units in the last place of the
// output's dtype: 4 epsilon.
TEST_P(OpSuite, NarrowTypesAgreeWithFloat64) {
  for (const Sample& sample : samples()) {
    for (DType dtype : {DType::f32, DType::bf16, DType::f16}) {
      SCOPED_TRACE(fmt::format("{} in {}", sample.name, to_string(dtype)));
      const Tensors narrow = cast_floating(sample.inputs, dtype);
      expect_close(sample.call(narrow), sample.call(cast_floating(narrow, DType::f64)), 4, dtype);
    }
  }
}

// Two orders of the same float64 operations: each of some tens of roundings may differ.
constexpr double kReordered = 64;

// Those operations that carry their meaning in other operations.
class FusedOpSuite : public OpSuite {};

TEST_P(FusedOpSuite, KernelAgreesWithDecomposition) {
  for (const Sample& sample : samples()) {
    SCOPED_TRACE(sample.name);
    const Tensors kernel = sample.call(sample.inputs);
    const PreferDecompose decompose;
    expect_close(kernel, sample.call(sample.inputs), kReordered, DType::f64);
  }
}

// The values of `x` with the last dimension's stride not 1 and the first two dimensions exchanged in memory.
Tensor strided(const Tensor& x) {
  if (!x.defined() || x.dim() == 0) return x;
  const Tensor exchanged = x.dim() > 1 ? transpose(x, 0, 1) : x;
  Shape doubled = exchanged.shape();
  const int last = doubled.size() - 1;
  doubled[last] *= 2;
  const Tensor every_second = slice(Tensor::zeros(doubled, x.dtype()), last, 0, kEnd, 2);
  copy_(every_second, exchanged);
  return x.dim() > 1 ? transpose(every_second, 0, 1) : every_second;
}

TEST_P(OpSuite, StridesDoNotMatter) {
  for (const Sample& sample : samples()) {
    SCOPED_TRACE(sample.name);
    Tensors inputs = sample.inputs;
    for (Tensor& x : inputs) x = strided(x);
    expect_close(sample.call(inputs), sample.call(sample.inputs), kReordered, DType::f64);
  }
}

TEST_P(OpSuite, MetaGivesTheSameShapes) {
  for (const Sample& sample : samples()) {
    SCOPED_TRACE(sample.name);
    Tensors inputs = sample.inputs;
    for (Tensor& x : inputs) {
      if (x.defined()) x = Tensor::empty(x.shape(), x.dtype(), Device::kMeta);
    }
    const Tensors meta = sample.call(inputs), real = sample.call(sample.inputs);
    ASSERT_EQ(meta.size(), real.size());
    for (size_t i = 0; i < meta.size(); ++i) {
      EXPECT_TRUE(meta[i].is_meta());
      EXPECT_EQ(meta[i].shape().to_string(), real[i].shape().to_string());
      EXPECT_EQ(meta[i].dtype(), real[i].dtype());
    }
  }
}

// Fixed weights that make one number of all outputs, so that every output's gradient is tried.
Tensors loss_weights(const Tensors& outputs) {
  Tensors weights;
  for (size_t i = 0; i < outputs.size(); ++i) {
    weights.push_back(cast(sample_values(outputs[i].shape(), 0.5, 1.5, 77 + i), outputs[i].dtype()));
  }
  return weights;
}

Tensors floating_outputs(const Sample& sample, const Tensors& inputs) {
  Tensors outputs = sample.call(inputs);
  std::erase_if(outputs, [](const Tensor& y) { return !is_number(y); });
  return outputs;
}

// The gradient of the weighted outputs by every floating input; zeros where there is none.
Tensors analytic_gradient(const Sample& sample, DType dtype = DType::f64) {
  Tensors inputs = cast_floating(sample.inputs, dtype), leaves;
  for (Tensor& x : inputs) {
    if (!is_number(x)) continue;
    x = x.detach().set_requires_grad(true);
    leaves.push_back(x);
  }
  Tensors outputs = floating_outputs(sample, inputs);
  std::erase_if(outputs, [](const Tensor& y) { return !y.requires_grad(); });
  const Tensors weights = loss_weights(outputs);
  Tensors grads = grad(outputs, leaves, weights);
  for (size_t i = 0; i < grads.size(); ++i) {
    if (!grads[i].defined()) grads[i] = Tensor::zeros(leaves[i].shape(), dtype);
  }
  return grads;
}

struct WeightedSum {
  double value = 0;
  double magnitude = 0;  // the sum of the terms' absolute values: what a difference of two sums can cancel from
};

WeightedSum weighted_sum(const Sample& sample, const Tensors& inputs) {
  const Tensors outputs = floating_outputs(sample, inputs), weights = loss_weights(outputs);
  WeightedSum sum;
  for (size_t i = 0; i < outputs.size(); ++i) {
    const std::vector<double> y = outputs[i].to_vector<double>(), w = weights[i].to_vector<double>();
    for (size_t j = 0; j < y.size(); ++j) {
      sum.value += y[j] * w[j];
      sum.magnitude += std::abs(y[j] * w[j]);
    }
  }
  return sum;
}

// Central differences of step h err by h^2 f''' / 6, and by the rounding of the two sums over h.
constexpr double kStep = 1e-5;

void expect_numerical_gradient(const Sample& sample, const Tensors& analytic) {
  const NoGrad no_grad;
  size_t leaf = 0;
  for (size_t i = 0; i < sample.inputs.size(); ++i) {
    if (!is_number(sample.inputs[i])) continue;
    const std::vector<double> expected = analytic[leaf++].to_vector<double>();
    double largest = 0;
    for (double value : expected) largest = std::max(largest, std::abs(value));
    Tensors inputs = sample.inputs;
    inputs[i] = clone(inputs[i]);
    double* x = inputs[i].data<double>();
    for (size_t j = 0; j < expected.size(); ++j) {
      const double value = x[j];
      x[j] = value + kStep;
      const WeightedSum above = weighted_sum(sample, inputs);
      x[j] = value - kStep;
      const WeightedSum below = weighted_sum(sample, inputs);
      x[j] = value;
      const double numerical = (above.value - below.value) / (2 * kStep);
      const double rounding = 16 * epsilon_of(DType::f64) * above.magnitude / kStep;
      ASSERT_NEAR(expected[j], numerical, 1e-6 * std::max(largest, 1e-3) + rounding)
          << "input " << i << " element " << j;
    }
  }
}

TEST_P(OpSuite, GradientAgreesWithDifferences) {
  for (const Sample& sample : smooth_samples()) {
    SCOPED_TRACE(sample.name);
    expect_numerical_gradient(sample, analytic_gradient(sample));
  }
}

// Leaves the operation without its own gradient, so that its decomposition gives it.
class WithoutVjp {
 public:
  explicit WithoutVjp(const OpInfo& info) : info_(const_cast<OpInfo&>(info)), vjp_(std::exchange(info_.vjp, nullptr)) {}
  ~WithoutVjp() { info_.vjp = vjp_; }

 private:
  OpInfo& info_;
  decltype(OpInfo::vjp) vjp_;
};

// Trivial where the operation has no gradient of its own.
TEST_P(FusedOpSuite, GradientAgreesWithDecomposition) {
  for (const Sample& sample : smooth_samples()) {
    SCOPED_TRACE(sample.name);
    const Tensors own = analytic_gradient(sample);
    const WithoutVjp without(info());
    expect_close(own, analytic_gradient(sample), 16 * kReordered, DType::f64);
  }
}

TEST_P(OpSuite, GradientHasTheInputsDtypeAndShape) {
  for (const Sample& sample : smooth_samples()) {
    SCOPED_TRACE(sample.name);
    const Tensors grads = analytic_gradient(sample, DType::bf16);
    size_t leaf = 0;
    for (const Tensor& x : sample.inputs) {
      if (!is_number(x)) continue;
      EXPECT_EQ(grads[leaf].dtype(), DType::bf16);
      EXPECT_EQ(grads[leaf++].shape().to_string(), x.shape().to_string());
    }
  }
}

// Watches for one operation, and copies its attributes' names when it is applied.
class AttributeNames : public ApplyObserver, private FieldVisitor {
 public:
  explicit AttributeNames(const OpInfo& info) : info_(info) {}

  bool applied = false;
  std::vector<std::string> names;

 private:
  void before(const OpInfo& info, const void* op, std::span<const Tensor>) override {
    if (&info != &info_) return;
    applied = true;
    names.clear();
    info.each_field(info.copy(op).get(), *this);
  }
  void leaf(std::string_view name, FieldRef) override { names.emplace_back(name); }
  void enter(std::string_view) override {}
  void leave() override {}

  const OpInfo& info_;
};

TEST_P(OpSuite, SamplesApplyItAndAttributesHaveNames) {
  AttributeNames observer(info());
  for (const Sample& sample : samples()) sample.call(sample.inputs);
  EXPECT_TRUE(observer.applied);
  for (const std::string& name : observer.names) EXPECT_FALSE(name.empty());
  EXPECT_EQ(std::set<std::string>(observer.names.begin(), observer.names.end()).size(), observer.names.size());
}

std::vector<size_t> entries_where(bool (*applies)(const OpInfo&)) {
  std::vector<size_t> indices;
  for (size_t i = 0; i < op_table().entries().size(); ++i) {
    if (applies(*op_table().entries()[i].info)) indices.push_back(i);
  }
  return indices;
}

const auto op_name = [](const testing::TestParamInfo<size_t>& parameter) {
  return std::string(op_table().entries()[parameter.param].info->name);
};

INSTANTIATE_TEST_SUITE_P(Ops, OpSuite, testing::ValuesIn(entries_where([](const OpInfo&) { return true; })), op_name);
INSTANTIATE_TEST_SUITE_P(Ops, FusedOpSuite, testing::ValuesIn(entries_where([](const OpInfo& entry) {
                           return entry.decompose != nullptr;
                         })),
                         op_name);

TEST(OpTable, NamesAreUnique) {
  std::set<std::string> names;
  for (const OpTable::Entry& entry : op_table().entries())
    EXPECT_TRUE(names.insert(entry.info->name).second) << entry.info->name;
}

}  // namespace
}  // namespace imago
