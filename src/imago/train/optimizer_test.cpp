#include "imago/train/optimizer.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <memory>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/train/adafactor.h"
#include "imago/train/adamw.h"
#include "imago/train/adamw_8bit.h"
#include "imago/train/lion.h"
#include "imago/train/make_optimizer.h"
#include "imago/train/muon.h"
#include "imago/train/sgd.h"

namespace imago {
namespace {

using testing::DoubleNear;
using testing::Pointwise;

std::unique_ptr<Optimizer> optimizer_of_case(const std::string& name, const Json& options, Tensors parameters) {
  // The reference's own defaults, where a case does not say.
  const double lr = options.value("lr", 1e-3), weight_decay = options.value("weight_decay", name == "muon" ? 0.1 : 0.0);
  std::vector<ParameterGroup> groups = {{std::move(parameters), lr, weight_decay}};
  if (name == "adamw") {
    return std::make_unique<AdamW>(std::move(groups), AdamWOptions{.beta1 = options["betas"][0].get<double>(),
                                                                   .beta2 = options["betas"][1].get<double>(),
                                                                   .eps = options["eps"].get<double>()});
  }
  if (name == "lion") {
    return std::make_unique<Lion>(std::move(groups),
                                  LionOptions{options["betas"][0].get<double>(), options["betas"][1].get<double>()});
  }
  if (name == "sgd") {
    return std::make_unique<SGD>(
        std::move(groups),
        SGDOptions{options.value("momentum", 0.0), options.value("dampening", 0.0), options.value("nesterov", false)});
  }
  if (name == "adafactor") {
    AdafactorOptions adafactor;
    adafactor.clip_threshold = options.value("clip_threshold", 1.0);
    if (options.contains("beta1")) adafactor.beta1 = options["beta1"].get<double>();
    adafactor.scale_parameter = options.value("scale_parameter", true);
    adafactor.relative_step = options.value("relative_step", true);
    adafactor.warmup_init = options.value("warmup_init", false);
    return std::make_unique<Adafactor>(std::move(groups), adafactor);
  }
  MuonOptions muon;
  muon.nesterov = options.value("nesterov", true);
  muon.ns_steps = options.value("ns_steps", 5);
  muon.match_rms_adamw = options.value("adjust_lr_fn", std::string("original")) == "match_rms_adamw";
  return std::make_unique<Muon>(std::move(groups), muon);
}

Tensor read_tensor(const Json& values, const Json& shape) {
  return Tensor::from(values.get<std::vector<float>>(), Shape(shape.get<std::vector<int64_t>>()));
}

// max |x - exact| / rms(exact), as goldens are judged.
double error_of(const std::vector<double>& x, const std::vector<double>& exact) {
  double largest = 0, squares = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    largest = std::max(largest, std::abs(x[i] - exact[i]));
    squares += exact[i] * exact[i];
  }
  return largest / std::sqrt(squares / static_cast<double>(x.size()));
}

TEST(Optimizer, SevenStepsEndWhereTheReferencesEnd) {
  const Json cases = read_json(IMAGO_SOURCE_DIR "/src/imago/train/testdata/optimizers.json");
  ASSERT_EQ(cases.size(), 11U);
  for (const Json& expected : cases) {
    Tensors parameters;
    for (size_t i = 0; i < expected["shapes"].size(); ++i) {
      parameters.push_back(read_tensor(expected["start"][i], expected["shapes"][i]));
      parameters.back().set_requires_grad(true);
    }
    const std::string name = expected["optimizer"].get<std::string>();
    const auto optimizer = optimizer_of_case(name, expected["options"], parameters);
    for (const Json& step : expected["gradients"]) {
      for (size_t i = 0; i < parameters.size(); ++i)
        parameters[i].set_grad(read_tensor(step[i], expected["shapes"][i]));
      optimizer->step();
      optimizer->zero_grad();
    }
    for (size_t i = 0; i < parameters.size(); ++i) {
      const auto exact = expected["float64"][i].get<std::vector<double>>();
      const double ours = error_of(parameters[i].to_vector<double>(), exact);
      const double theirs = error_of(expected["float32"][i].get<std::vector<double>>(), exact);
      EXPECT_LE(ours, 2 * theirs + 4 * std::numeric_limits<float>::epsilon())
          << name << dump_json(expected["options"]) << " parameter " << i << ", the reference's error is " << theirs;
    }
  }
}

// As tools/golden/optimizers.py makes them.
Tensor pattern(int64_t count, int64_t step) {
  std::vector<float> values;
  for (int64_t i = 0; i < count; ++i) {
    const auto thousandths = static_cast<float>((i * 7919 + step * 104729) % 2001 - 1000);
    values.push_back(std::ldexp(thousandths / 1000, -static_cast<int>(i / 256 % 9)));
  }
  return Tensor::from(values);
}

TEST(AdamW8bit, MovesAndKeepsWhatTheReferenceDoes) {
  const Json expected = read_json(IMAGO_SOURCE_DIR "/src/imago/train/testdata/adamw_8bit.json");
  const auto count = expected["count"].get<int64_t>();
  const Tensor parameter = pattern(count, 0);
  AdamW8bit optimizer({{{parameter}, 1e-2, 0.1}}, {.beta1 = 0.9, .beta2 = 0.99, .eps = 1e-8});
  for (int64_t step = 1; step <= expected["steps"].get<int64_t>(); ++step) {
    parameter.set_grad(pattern(count, step));
    optimizer.step();
  }
  const auto& kept = optimizer.states()[0].tensors;
  for (const char* name : {"state1", "state2"})
    EXPECT_EQ(kept.at(name).to_vector<int64_t>(), expected[name].get<std::vector<int64_t>>()) << name;
  for (const char* name : {"absmax1", "absmax2"}) {
    const auto absmax = expected[name].get<std::vector<double>>();
    EXPECT_THAT(kept.at(name).to_vector<double>(), Pointwise(DoubleNear(1e-6), absmax)) << name;
  }
  EXPECT_THAT(parameter.to_vector<double>(),
              Pointwise(DoubleNear(1e-6), expected["parameter"].get<std::vector<double>>()));
  EXPECT_EQ(kept.at("state1").dtype(), DType::u8);
}

TEST(AdamW8bit, KeepsSmallParametersInFloat) {
  const Tensor parameter = pattern(4095, 0);
  AdamW8bit optimizer({{{parameter}, 1e-2, 0.0}}, {});
  parameter.set_grad(pattern(4095, 1));
  optimizer.step();
  EXPECT_EQ(optimizer.states()[0].tensors.at("exp_avg").dtype(), DType::f32);
}

std::vector<NamedParameter> a_few_parameters() {
  using Role = NamedParameter::Role;
  std::vector<NamedParameter> parameters = {{"embed.weight", Tensor::ones({8, 4}), nullptr, Role::kEmbedding},
                                            {"up.weight", Tensor::ones({4, 4})},
                                            {"up.bias", Tensor::ones({4})},
                                            {"norm.weight", Tensor::ones({4})},
                                            {"head.weight", Tensor::ones({8, 4}), nullptr, Role::kHead}};
  for (const NamedParameter& each : parameters) each.value.set_grad(Tensor::ones(each.value.shape()));
  return parameters;
}

TEST(MakeOptimizer, MuonMovesTheMatricesInsideAndAdamWTheRest) {
  TrainingArguments arguments;
  arguments.optim = "muon";
  arguments.optim_args = "momentum=0.9, ns_steps=3";
  std::vector<NamedParameter> parameters = a_few_parameters();
  const auto optimizer = make_optimizer(arguments, parameters);
  optimizer->step();
  std::vector<std::string> orthogonal;
  for (size_t i = 0; i < parameters.size(); ++i)
    if (optimizer->states()[i].tensors.contains("momentum_buffer")) orthogonal.push_back(parameters[i].name);
  EXPECT_EQ(orthogonal, std::vector<std::string>{"up.weight"});
}

TEST(MakeOptimizer, WeightDecayIsOfAllButBiasesAndNorms) {
  for (const std::string& name : optimizer_names()) {
    TrainingArguments arguments;
    arguments.optim = name;
    arguments.weight_decay = 0.5;
    std::vector<NamedParameter> parameters = a_few_parameters();
    const auto optimizer = make_optimizer(arguments, parameters);
    size_t index = 0;
    for (const ParameterGroup& group : optimizer->groups()) {
      for (const Tensor& tensor : group.parameters) {
        EXPECT_TRUE(tensor.is_same(parameters[index].value)) << name;
        EXPECT_EQ(group.weight_decay, is_decayed(parameters[index]) ? 0.5 : 0.0)
            << name << " " << parameters[index].name;
        ++index;
      }
    }
    EXPECT_EQ(index, parameters.size());
  }
}

TEST(MakeOptimizer, AnOptionThatTheOptimizerHasNotIsRefused) {
  TrainingArguments arguments;
  arguments.optim_args = "momentum=0.9";
  std::vector<NamedParameter> parameters = a_few_parameters();
  EXPECT_THROW(make_optimizer(arguments, parameters), Error);
  arguments.optim = "muon";
  for (const char* wrong : {"momentum", "momentum=fast", "speed=1"}) {
    arguments.optim_args = wrong;
    EXPECT_THROW(make_optimizer(arguments, parameters), Error) << wrong;
  }
}

TEST(Optimizer, AParameterWithoutGradientStaysAndCountsNoStep) {
  Tensor moved = Tensor::ones({2}), left = Tensor::ones({2});
  AdamW optimizer({moved, left}, {});
  moved.set_grad(Tensor::ones({2}));
  optimizer.step();
  EXPECT_LT(moved.to_vector<float>()[0], 1.0F);
  EXPECT_EQ(left.to_vector<float>(), (std::vector<float>{1, 1}));
  EXPECT_EQ(optimizer.states()[0].step, 1);
  EXPECT_EQ(optimizer.states()[1].step, 0);
  EXPECT_TRUE(optimizer.states()[1].tensors.empty());
}

TEST(Optimizer, ALearningRateMayChangeBetweenSteps) {
  Tensor parameter = Tensor::ones({1});
  SGD optimizer({{{parameter}, 0.5, 0.0}}, {});
  parameter.set_grad(Tensor::ones({1}));
  optimizer.step();
  optimizer.groups()[0].lr = 0.25;
  optimizer.step();
  EXPECT_EQ(parameter.to_vector<float>(), std::vector<float>{0.25F});
}

TEST(Optimizer, WhatMakesNoSenseIsRefused) {
  EXPECT_THROW(SGD({}, {.momentum = 0, .nesterov = true}), Error);
  EXPECT_THROW(Adafactor({}, {.relative_step = false, .warmup_init = true}), Error);
  EXPECT_THROW(Muon({{{Tensor::ones({3})}, 0.1, 0.0}}, {}), Error);
}

TEST(ClipGradNorm, ScalesAllGradientsTogether) {
  Tensor a = Tensor::ones({2}), b = Tensor::ones({1}), none = Tensor::ones({1});
  a.set_grad(Tensor::from(std::vector<float>{3, 0}));
  b.set_grad(Tensor::from(std::vector<float>{4}));
  EXPECT_DOUBLE_EQ(clip_grad_norm_({a, b, none}, 10), 5.0);
  EXPECT_EQ(a.grad().to_vector<float>()[0], 3.0F);
  EXPECT_DOUBLE_EQ(clip_grad_norm_({a, b, none}, 1), 5.0);
  EXPECT_NEAR(a.grad().to_vector<float>()[0], 0.6, 1e-6);
  EXPECT_NEAR(b.grad().to_vector<float>()[0], 0.8, 1e-6);
  EXPECT_FALSE(none.grad().defined());
  EXPECT_NEAR(clip_grad_norm_({a, b}, 10, std::numeric_limits<double>::infinity()), 0.8, 1e-6);
}

TEST(ClipGradNorm, ANaNIsToldAndNotHidden) {
  Tensor a = Tensor::ones({2});
  a.set_grad(Tensor::from(std::vector<float>{NAN, 1}));
  EXPECT_TRUE(std::isnan(clip_grad_norm_({a}, 1)));
}

}  // namespace
}  // namespace imago
