// HiFi-GAN (Kong et al. 2020, "HiFi-GAN: Generative Adversarial Networks for Efficient and High Fidelity Speech
// Synthesis"), the part that speaks. B batch, M mel bands, C channels, T time.
#pragma once

#include "imago/nn/backbone.h"
#include "imago/nn/convolution_1d.h"
#include "imago/nn/speaking_model.h"

namespace imago::speecht5_hifigan {

struct HifiGanConfig : Config {
  static constexpr const char* kModelType = "speecht5_hifigan";
  int64_t model_in_dim = 80, sampling_rate = 16000, upsample_initial_channel = 512;
  std::vector<int64_t> upsample_rates = {4, 4, 4, 4}, upsample_kernel_sizes = {8, 8, 8, 8},
                       resblock_kernel_sizes = {3, 7, 11};
  JsonText resblock_dilation_sizes = {"[[1, 3, 5], [1, 3, 5], [1, 3, 5]]"};  // of each kernel
  double leaky_relu_slope = 0.1;
  bool normalize_before = true;
  FIELDS_AND(Config, model_in_dim, sampling_rate, upsample_initial_channel, upsample_rates, upsample_kernel_sizes,
             resblock_kernel_sizes, resblock_dilation_sizes, leaky_relu_slope, normalize_before)

  void validate() const override;
  std::vector<std::vector<int64_t>> dilations() const;
};

struct TransposedConvolution : Module {
  Tensor weight, bias;  // [in, out, kernel]
  FIELDS(weight, bias)

  TransposedConvolution(int64_t in_channels, int64_t out_channels, int64_t kernel_size, int64_t stride);
  Tensor operator()(const Tensor& x_BCT) const;

  int64_t stride;
};

struct ResidualBlock : Module {
  std::vector<nn::Conv1d> convs1, convs2;
  FIELDS(convs1, convs2)

  ResidualBlock(int64_t channels, int64_t kernel_size, const std::vector<int64_t>& dilations, double slope);
  Tensor operator()(Tensor x_BCT) const;

  double slope;
};

struct HifiGan : nn::Backbone<HifiGanConfig, Vocoder> {
  nn::Conv1d conv_pre;
  std::vector<TransposedConvolution> upsampler;
  std::vector<ResidualBlock> resblocks;
  nn::Conv1d conv_post;
  Tensor mean, scale;  // of the spectra that it was trained with, [M]
  FIELDS(conv_pre, upsampler, resblocks, conv_post, mean, scale)

  explicit HifiGan(const HifiGanConfig& c);
  WeightMap weight_map() const override { return {}; }
  VocoderOutput forward(const VocoderInputs& in) const override;
  int64_t sampling_rate() const override { return config().sampling_rate; }
};

// Under the name that the Hub's checkpoints have.
struct OlderConfig : HifiGanConfig {
  static constexpr const char* kModelType = "hifigan";
};
struct OlderHifiGan : HifiGan {
  using ConfigType = OlderConfig;
  using HifiGan::HifiGan;
};

}  // namespace imago::speecht5_hifigan
