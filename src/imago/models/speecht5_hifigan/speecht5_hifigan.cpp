// HiFi-GAN (Kong et al. 2020, "HiFi-GAN: Generative Adversarial Networks for Efficient and High Fidelity Speech
// Synthesis"), the part that speaks. B batch, M mel bands, C channels, T time.
#include <algorithm>

#include "imago/base/error.h"
#include "imago/nn/activations.h"
#include "imago/nn/backbone.h"
#include "imago/nn/convolution_1d.h"
#include "imago/nn/registry.h"
#include "imago/nn/speaking_model.h"
#include "imago/ops/convolution/convolution.h"
#include "imago/ops/operators.h"
#include "imago/ops/permute/permute.h"
#include "imago/ops/slice/slice.h"
#include "imago/ops/unary/unary.h"

namespace imago::speecht5_hifigan {

using Sizes = std::vector<int64_t>;

struct HifiGanConfig : Config {
  static constexpr const char* kModelType = "speecht5_hifigan";
  int64_t model_in_dim = 80, sampling_rate = 16000, upsample_initial_channel = 512;
  Sizes upsample_rates = {4, 4, 4, 4}, upsample_kernel_sizes = {8, 8, 8, 8}, resblock_kernel_sizes = {3, 7, 11};
  JsonText resblock_dilation_sizes = {"[[1, 3, 5], [1, 3, 5], [1, 3, 5]]"};  // of each kernel
  double leaky_relu_slope = 0.1;
  bool normalize_before = true;
  FIELDS_AND(Config, model_in_dim, sampling_rate, upsample_initial_channel, upsample_rates, upsample_kernel_sizes,
             resblock_kernel_sizes, resblock_dilation_sizes, leaky_relu_slope, normalize_before)

  void validate() const override;
  std::vector<Sizes> dilations() const;
};

std::vector<Sizes> HifiGanConfig::dilations() const {
  try {
    return parse_json(resblock_dilation_sizes.text, "config.json").get<std::vector<Sizes>>();
  } catch (const JsonError& error) {
    throw Error(ErrorKind::kInvalidFile, "config.json", std::string("resblock_dilation_sizes: ") + error.what());
  }
}

void HifiGanConfig::validate() const {
  const auto positive = [](const Sizes& sizes) {
    return !sizes.empty() && std::all_of(sizes.begin(), sizes.end(), [](int64_t size) { return size > 0; });
  };
  const std::vector<Sizes> of_kernels = dilations();
  if (upsample_rates.size() != upsample_kernel_sizes.size() || resblock_kernel_sizes.size() != of_kernels.size())
    throw Error(ErrorKind::kInvalidFile, "config.json", "rates, kernels and dilations are not of one length");
  if (!positive(upsample_rates) || !positive(upsample_kernel_sizes) || !positive(resblock_kernel_sizes) ||
      !std::all_of(of_kernels.begin(), of_kernels.end(), positive) || upsample_rates.size() > 30 ||
      upsample_initial_channel >> upsample_rates.size() < 1)
    throw Error(ErrorKind::kInvalidFile, "config.json", "a rate, a kernel or the number of channels is below 1");
}

nn::Conv1d same_length(int64_t in, int64_t out, int64_t kernel_size, int64_t dilation = 1) {
  return {in, out, kernel_size, {.padding = (kernel_size - 1) * dilation / 2, .dilation = dilation}};
}

// Makes sound `stride` times longer.
struct Upsampler : Module {
  Tensor weight, bias;  // [in, out, kernel]
  FIELDS(weight, bias)

  Upsampler(int64_t in, int64_t out, int64_t kernel_size, int64_t rate)
      : weight(parameter({in, out, kernel_size})), bias(parameter({out})), stride(rate) {}
  Tensor operator()(const Tensor& x_BCT) const {
    return convolution_transpose(x_BCT, weight, bias, {stride}, {(weight.size(2) - stride) / 2});
  }

  int64_t stride;
};

struct ResidualBlock : Module {
  std::vector<nn::Conv1d> convs1, convs2;
  FIELDS(convs1, convs2)

  ResidualBlock(int64_t channels, int64_t kernel_size, const Sizes& dilations, double leaky_slope)
      : slope(leaky_slope) {
    for (const int64_t dilation : dilations) {
      convs1.push_back(same_length(channels, channels, kernel_size, dilation));
      convs2.push_back(same_length(channels, channels, kernel_size));
    }
  }
  Tensor operator()(Tensor x_BCT) const {
    for (size_t i = 0; i < convs1.size(); ++i)
      x_BCT = x_BCT + convs2[i](nn::leaky_relu(convs1[i](nn::leaky_relu(x_BCT, slope)), slope));
    return x_BCT;
  }

  double slope;
};

struct HifiGan : nn::Backbone<HifiGanConfig, Vocoder> {
  nn::Conv1d conv_pre;
  std::vector<Upsampler> upsampler;
  std::vector<ResidualBlock> resblocks;
  nn::Conv1d conv_post;
  Tensor mean, scale;  // of the spectra that it was trained with, [M]
  FIELDS(conv_pre, upsampler, resblocks, conv_post, mean, scale)

  explicit HifiGan(const HifiGanConfig& c)
      : Backbone(c),
        conv_pre(same_length(c.model_in_dim, c.upsample_initial_channel, 7)),
        mean(parameter({c.model_in_dim})),
        scale(parameter({c.model_in_dim})) {
    int64_t channels = c.upsample_initial_channel;
    for (size_t i = 0; i < c.upsample_rates.size(); ++i) {
      const int64_t half = c.upsample_initial_channel >> (i + 1);
      upsampler.emplace_back(channels, half, c.upsample_kernel_sizes[i], c.upsample_rates[i]);
      channels = half;
      for (size_t j = 0; j < c.resblock_kernel_sizes.size(); ++j)
        resblocks.emplace_back(channels, c.resblock_kernel_sizes[j], c.dilations()[j], c.leaky_relu_slope);
    }
    conv_post = same_length(channels, 1, 7);
  }
  WeightMap weight_map() const override { return {}; }
  int64_t sampling_rate() const override { return config().sampling_rate; }
  VocoderOutput forward(const VocoderInputs& in) const override {
    Tensor x = in.spectrogram;
    if (!x || x.dim() != 3 || x.size(2) != config().model_in_dim)
      throw Error(ErrorKind::kInvalidArgument, "forward",
                  "the spectrogram is not [batch, frames, bands] of this vocoder",
                  "take the vocoder that belongs to the model");
    if (config().normalize_before) x = (x - mean) / scale;
    x = conv_pre(transpose(x, 1, 2));
    const size_t kernels = config().resblock_kernel_sizes.size();
    for (size_t i = 0; i < upsampler.size(); ++i) {
      x = upsampler[i](nn::leaky_relu(x, config().leaky_relu_slope));
      Tensor sum = resblocks[i * kernels](x);
      for (size_t j = 1; j < kernels; ++j) sum = sum + resblocks[i * kernels + j](x);
      x = sum / static_cast<double>(kernels);
    }
    return {.waveform = select(tanh(conv_post(nn::leaky_relu(x))), 1, 0)};
  }
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

namespace imago {

void register_speecht5_hifigan(Registry& registry) {
  using namespace speecht5_hifigan;
  registry.add<HifiGan>("SpeechT5HifiGan");
  registry.add<OlderHifiGan>("SpeechT5HifiGan");
}

}  // namespace imago
