#include "imago/train/optimizer.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <memory>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/train/adafactor.h"
#include "imago/train/adamw.h"
#include "imago/train/lion.h"
#include "imago/train/muon.h"
#include "imago/train/sgd.h"

namespace imago {
namespace {

std::unique_ptr<Optimizer> make_optimizer(const std::string& name, const Json& options, Tensors parameters) {
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
    const auto optimizer = make_optimizer(name, expected["options"], parameters);
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
