#include "imago/verify/verify.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "imago/auto/auto_model.h"
#include "imago/auto/load_weights.h"
#include "imago/autograd/backward.h"
#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/generation/generate_about_images.h"
#include "imago/nn/dropout.h"
#include "imago/nn/numpy_generator.h"
#include "imago/nn/random_source.h"
#include "imago/nn/time_series.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/contiguous/contiguous.h"
#include "imago/ops/operators.h"
#include "imago/ops/slice/slice.h"
#include "imago/tensor/grad_meta.h"
#include "imago/verify/golden.h"
#include "imago/verify/module_names.h"

namespace imago {
namespace {

// While one is alive, models draw from the generator: what they draw in every pass, or all that they draw in training.
class Drawing {
 public:
  Drawing(TorchGenerator& generator, const Golden& golden) : numpy_(static_cast<uint32_t>(golden.seed)) {
    if (golden.training) {
      training_.emplace(generator);
      numpy_source_.emplace(numpy_);
    } else {
      source_.emplace(generator);
    }
  }

 private:
  NumpyGenerator numpy_;
  std::optional<nn::NumpySource> numpy_source_;
  std::optional<nn::TrainingMode> training_;
  std::optional<nn::RandomSource> source_;
};

class Verifier {
 public:
  Verifier(const std::string& folder, const VerifyOptions& options) : folder_(folder), golden_(Golden::open(folder)) {
    PretrainedOptions pretrained;
    pretrained.dtype = options.dtype ? options.dtype : golden_.dtype;
    model_ = model_from_pretrained(folder, golden_.auto_class, pretrained);
    report_.model_type = model_->config().model_type;
    report_.auto_class = golden_.auto_class;
    report_.dtype = parameter_dtype();
    narrowed_ = options.dtype && epsilon_of(*options.dtype) > epsilon_of(golden_.dtype.value_or(DType::f32));
  }

  VerifyReport run() {
    check_outputs();
    check_generation();
    check_sampling();
    check_losses();
    report_.first_divergence = first_divergence(report_.checks, *model_);
    return std::move(report_);
  }

 private:
  DType parameter_dtype() {
    DType dtype = DType::f32;
    bool found = false;
    for_each_parameter(*model_, [&](const std::string&, Tensor& tensor) {
      if (!found && is_floating_point(tensor.dtype())) dtype = tensor.dtype();
      found = true;
    });
    return dtype;
  }

  TensorMap inputs() const {
    TensorMap tensors = golden_.with_prefix("inputs.");
    for (auto& [name, tensor] : tensors) {
      if (is_floating_point(tensor.dtype())) tensor = cast(tensor, report_.dtype);
    }
    return tensors;
  }

  void check_outputs() {
    run_outputs();
    if (golden_.says_attention || report_.failed() == 0) return;
    const VerifyReport sdpa = report_;
    report_.checks.clear();
    golden_.forward.attention = AttentionImplementation::kEager;
    run_outputs();
    if (report_.failed() < sdpa.failed()) return;
    report_ = sdpa;
    golden_.forward.attention = AttentionImplementation::kSdpa;
  }

  // The forward pass, with its gradients where they were recorded.
  void run_outputs() {
    const TensorMap expected_grads = golden_.with_prefix("grads.");
    Tensors leaves;
    if (!expected_grads.empty()) leaves = require_gradients();
    TorchGenerator generator(golden_.seed);
    const Drawing drawing(generator, golden_);
    const TensorMap outputs = model_->run(inputs(), golden_.forward);
    if (!expected_grads.empty()) backward(outputs.at("loss"));
    for (const auto& [name, reference] : golden_.with_prefix("outputs.")) {
      const auto found = outputs.find(name);
      compare("outputs." + name, found == outputs.end() ? Tensor() : found->second, reference);
    }
    if (!expected_grads.empty()) check_gradients(expected_grads);
    for (const Tensor& leaf : leaves) leaf.set_grad({});
  }

  // Every floating-point parameter becomes a leaf, once.
  Tensors require_gradients() {
    Tensors leaves;
    for_each_parameter(*model_, [&](const std::string&, Tensor& tensor) {
      if (!is_floating_point(tensor.dtype()) || tensor.requires_grad()) return;
      tensor.set_requires_grad(true);
      leaves.push_back(tensor);
    });
    return leaves;
  }

  void check_gradients(const TensorMap& expected) {
    const WeightMap map = model_->weight_map();
    TensorMap found;
    for_each_parameter(*model_, [&](const std::string& path, Tensor& tensor) {
      if (tensor.grad().defined()) found[path] = to_checkpoint_layout(map, path, tensor.grad());
    });
    const auto find = [&](const std::string& name) {
      const auto gradient = found.find(name);
      return gradient == found.end() ? Tensor() : gradient->second;
    };
    for (const auto& [name, reference] : expected) {
      const Tensor gradient = find(name);
      compare("grads." + name, gradient ? gradient : stacked_tensor(map, name, reference, find), reference);
    }
  }

  void check_generation() {
    for (const Golden::Run& run : golden_.runs) {
      const Tensor expected = golden_.tensor(run.tensor);
      if (!expected) continue;
      if (narrowed_) {
        report_.skipped.push_back(run.tensor + ": recorded in a wider dtype");
        continue;
      }
      GenerationConfig config = GenerationConfig::from_pretrained(folder_, model_->config());
      config.update(parse_json(run.options, "golden.json: generate"));
      report_.checks.push_back(compare_exactly(run.tensor, generated(config).padded(config), expected));
    }
  }

  GenerationOutput generated(const GenerationConfig& config) const {
    if (const auto* image_text = dynamic_cast<const ImageTextToText*>(model_.get())) {
      ImageTextToTextInputs prompt;
      internal::assign_inputs([&](FieldVisitor& visitor) { prompt.each_field(visitor); }, inputs());
      return generate(*image_text, prompt, config);
    }
    return generate(*model_, golden_.tensor("inputs.input_ids"), golden_.tensor("inputs.attention_mask"), config);
  }

  // Futures with the normal numbers that the reference drew.
  void check_sampling() {
    const Tensor expected = golden_.tensor("sampling.sequences"), draws = golden_.tensor("sampling.draws");
    const auto* forecaster = dynamic_cast<const SeriesForecaster*>(model_.get());
    if (!expected || !draws || forecaster == nullptr) return;
    const NoGrad no_grad;
    TorchGenerator generator(golden_.seed);
    const Drawing drawing(generator, golden_);
    TimeSeriesInputs past;
    TensorMap given = inputs();
    given.erase("future_values");
    given.erase("future_observed_mask");
    internal::assign_inputs([&](FieldVisitor& visitor) { past.each_field(visitor); }, given);
    int64_t step = 0;
    const auto draw = [&](std::string_view, const Tensors& params, const Tensor& loc, const Tensor& scale) {
      return loc + scale * (params.at(0) + params.at(1) * cast(select(draws, 0, step++), loc.dtype()));
    };
    compare("sampling.sequences", forecaster->sample(past, expected.size(1), draw), expected);
  }

  // A short training run on the recorded inputs.
  void check_losses() {
    const Tensor expected = golden_.tensor("losses");
    if (!expected) return;
    if (narrowed_) return report_.skipped.push_back("losses: recorded in a wider dtype");
    own_parameters();
    AdamW optimizer(require_gradients(), golden_.train);
    TorchGenerator generator(golden_.seed);
    const Drawing drawing(generator, golden_);
    std::vector<double> losses;
    for (int64_t step = 0; step < golden_.train_steps; ++step) {
      const TensorMap outputs = model_->run(inputs(), {.attention = golden_.forward.attention});
      losses.push_back(outputs.at("loss").item<double>());
      backward(outputs.at("loss"));
      optimizer.step();
      optimizer.zero_grad();
    }
    compare("losses", Tensor::from(losses), expected);
  }

  // Copies what lies in the mapped file; tied parameters stay one.
  void own_parameters() {
    std::vector<std::pair<Tensor, Tensor>> copies;
    for_each_parameter(*model_, [&](const std::string&, Tensor& tensor) {
      for (const auto& [original, copy] : copies) {
        if (original.is_same(tensor)) {
          tensor = copy;
          return;
        }
      }
      const Tensor original = tensor;
      tensor = clone(tensor.detach());
      copies.emplace_back(original, tensor);
    });
  }

  void compare(const std::string& name, const Tensor& ours, const Tensor& reference) {
    if (!is_floating_point(reference.dtype())) return report_.checks.push_back(compare_exactly(name, ours, reference));
    const Tensor truth = golden_.tensor("f64." + name);
    if (!truth) return compare_without_truth(name, ours, reference);
    report_.checks.push_back(compare_floating(name, ours, reference, truth, report_.dtype));
    largest_reference_ = std::max(largest_reference_, report_.checks.back().reference);
  }

  // Ours may be as far from the reference as both may be from the truth.
  void compare_without_truth(const std::string& name, const Tensor& ours, const Tensor& reference) {
    TensorCheck check = compare_floating(name, ours, reference, reference, report_.dtype);
    check.reference = largest_reference_;
    check.allowed = 3 * largest_reference_ + 4 * epsilon_of(report_.dtype);
    check.passed = check.ours <= check.allowed;
    report_.checks.push_back(std::move(check));
  }

  std::string folder_;
  Golden golden_;
  std::unique_ptr<Model> model_;
  VerifyReport report_;
  bool narrowed_ = false;
  double largest_reference_ = 0;
};

}  // namespace

int64_t VerifyReport::passed() const {
  return std::count_if(checks.begin(), checks.end(), [](const TensorCheck& check) { return check.passed; });
}

double VerifyReport::worst_ratio() const {
  double worst = 0;
  for (const TensorCheck& check : checks) {
    if (check.ours > 4 * epsilon_of(dtype))
      worst = std::max(worst, check.reference > 0 ? check.ours / check.reference : INFINITY);
  }
  return worst;
}

VerifyReport verify(const std::string& folder, const VerifyOptions& options) {
  const ErrorScope scope(folder);
  return Verifier(folder, options).run();
}

}  // namespace imago
