#include <cmath>

#include "golden_ops.h"
#include "imago/nn/activations.h"
#include "imago/ops/ops.h"

namespace imago {
namespace {

void add_activations(GoldenOps& ops) {
  const std::map<std::string, Tensor (*)(const Tensor&)> activations = {{"silu", silu},
                                                                        {"mish", nn::mish},
                                                                        {"hardswish", nn::hardswish},
                                                                        {"relu6", nn::relu6},
                                                                        {"softplus", nn::softplus}};
  for (const auto& [name, function] : activations) {
    ops[name] = [f = function](const GoldenCall& c) -> Tensors { return {f(c.in(0))}; };
  }
  ops["elu"] = [](const GoldenCall& c) -> Tensors { return {nn::elu(c.in(0))}; };
  ops["gelu"] = [](const GoldenCall& c) -> Tensors { return {gelu(c.in(0), c.args.at("approximate").as_string())}; };
  ops["leaky_relu"] = [](const GoldenCall& c) -> Tensors {
    return {nn::leaky_relu(c.in(0), c.args.at("negative_slope").get<double>())};
  };
  ops["swiglu"] = [](const GoldenCall& c) -> Tensors { return {swiglu(c.in(0), c.in(1))}; };
}

void add_products(GoldenOps& ops) {
  ops["matmul"] = [](const GoldenCall& c) -> Tensors { return {matmul(c.in(0), c.in(1))}; };
  ops["linear"] = [](const GoldenCall& c) -> Tensors { return {linear(c.in(0), c.in(1), c.optional_in(2))}; };
  ops["embedding"] = [](const GoldenCall& c) -> Tensors {
    return {embedding(c.in(0), c.in(1),
                      c.has("padding_idx") ? std::optional(c.get<int64_t>("padding_idx", 0)) : std::nullopt)};
  };
  for (const char* name : {"conv1d", "conv2d", "conv3d"}) {
    ops[name] = [](const GoldenCall& c) -> Tensors {
      return {convolution(c.in(0), c.in(1), c.optional_in(2), c.shape("stride", {1}), c.shape("padding", {0}),
                          c.shape("dilation", {1}), c.get<int64_t>("groups", 1))};
    };
  }
  for (const char* name : {"conv_transpose1d", "conv_transpose2d", "conv_transpose3d"}) {
    ops[name] = [](const GoldenCall& c) -> Tensors {
      return {convolution_transpose(c.in(0), c.in(1), c.optional_in(2), c.shape("stride", {1}), c.shape("padding", {0}),
                                    c.shape("output_padding", {0}), c.get<int64_t>("groups", 1),
                                    c.shape("dilation", {1}))};
    };
  }
}

void add_norms(GoldenOps& ops) {
  ops["layer_norm"] = [](const GoldenCall& c) -> Tensors {
    return {layer_norm(c.in(0), c.shape("normalized_shape"), c.optional_in(1), c.optional_in(2), c.get("eps", 1e-5))};
  };
  ops["rms_norm"] = [](const GoldenCall& c) -> Tensors { return {rms_norm(c.in(0), c.in(1), c.get("eps", 1e-6))}; };
  ops["group_norm"] = [](const GoldenCall& c) -> Tensors {
    return {
        group_norm(c.in(0), c.get<int64_t>("num_groups", 1), c.optional_in(1), c.optional_in(2), c.get("eps", 1e-5))};
  };
  ops["batch_norm"] = [](const GoldenCall& c) -> Tensors {
    return {batch_norm(c.in(0), c.in(1), c.in(2), c.optional_in(3), c.optional_in(4), false, 0.1, c.get("eps", 1e-5))};
  };
  ops["softmax"] = [](const GoldenCall& c) -> Tensors { return {softmax(c.in(0), c.dim())}; };
  ops["log_softmax"] = [](const GoldenCall& c) -> Tensors { return {log_softmax(c.in(0), c.dim())}; };
}

Tensors attention(const GoldenCall& c) {
  AttentionMask mask;
  mask.causal = c.get("is_causal", false);
  if (mask.causal) mask.query_offset = 0;
  const Tensor given = c.optional_in(3);
  if (given.defined() && given.dtype() == DType::boolean) {
    mask.bias = masked_fill(Tensor::zeros(given.shape(), c.in(0).dtype()), logical_not(given), -INFINITY);
  } else {
    mask.bias = given;
  }
  AttentionOptions options;
  if (c.has("scale")) options.scale = c.get("scale", 1.0);
  return {scaled_dot_product_attention(c.in(0), c.in(1), c.in(2), mask, options)};
}

void add_sampling(GoldenOps& ops) {
  for (const char* suffix : {"1d", "2d", "3d"}) {
    ops[std::string("max_pool") + suffix] = [](const GoldenCall& c) -> Tensors {
      return {max_pool(c.in(0), c.shape("kernel_size"), c.shape("stride"), c.shape("padding", {0}),
                       c.shape("dilation", {1}), c.get("ceil_mode", false))};
    };
    ops[std::string("avg_pool") + suffix] = [](const GoldenCall& c) -> Tensors {
      return {avg_pool(c.in(0), c.shape("kernel_size"), c.shape("stride"), c.shape("padding", {0}),
                       c.get("ceil_mode", false), c.get("count_include_pad", true))};
    };
    ops[std::string("adaptive_max_pool") + suffix] = [](const GoldenCall& c) -> Tensors {
      return {adaptive_max_pool(c.in(0), c.shape("output_size"))};
    };
    ops[std::string("adaptive_avg_pool") + suffix] = [](const GoldenCall& c) -> Tensors {
      return {adaptive_avg_pool(c.in(0), c.shape("output_size"))};
    };
  }
  ops["interpolate"] = [](const GoldenCall& c) -> Tensors {
    InterpolateOptions options;
    options.size = c.shape("size");
    options.scale_factor = c.get("scale_factor", std::vector<double>());
    options.mode = c.get<std::string>("mode", "nearest");
    options.align_corners = c.get("align_corners", false);
    options.antialias = c.get("antialias", false);
    return {interpolate(c.in(0), options)};
  };
}

void add_losses(GoldenOps& ops) {
  ops["cross_entropy"] = [](const GoldenCall& c) -> Tensors {
    CrossEntropyOptions options;
    options.ignore_index = c.get<int64_t>("ignore_index", -100);
    options.label_smoothing = c.get("label_smoothing", 0.0);
    options.reduction = c.get<std::string>("reduction", "mean");
    return {cross_entropy(c.in(0), c.in(1), options)};
  };
}

}  // namespace

void add_golden_layers(GoldenOps& ops) {
  add_activations(ops);
  add_products(ops);
  add_norms(ops);
  add_sampling(ops);
  add_losses(ops);
  ops["scaled_dot_product_attention"] = attention;
  ops["rope"] = [](const GoldenCall& c) -> Tensors {
    const bool halves = c.args.at("style") == "half";
    return {rope(c.in(0), c.in(1), c.in(2), halves ? RotaryPairs::kHalves : RotaryPairs::kInterleaved)};
  };
  ops["pad"] = [](const GoldenCall& c) -> Tensors {
    return {pad(c.in(0), c.args.at("pad").get<std::vector<int64_t>>(), c.get("value", 0.0))};
  };
}

}  // namespace imago
