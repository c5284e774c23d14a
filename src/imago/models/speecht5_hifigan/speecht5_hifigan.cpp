// B batch, M mel bands, C channels, T time.
#include "imago/models/speecht5_hifigan/speecht5_hifigan.h"

#include <algorithm>

#include "imago/base/error.h"
#include "imago/nn/activations.h"
#include "imago/nn/registry.h"
#include "imago/ops/convolution/convolution.h"
#include "imago/ops/operators.h"
#include "imago/ops/permute/permute.h"
#include "imago/ops/slice/slice.h"
#include "imago/ops/unary/unary.h"

namespace imago::speecht5_hifigan {
namespace {

nn::Conv1d same_length(int64_t in, int64_t out, int64_t kernel_size, int64_t dilation = 1) {
  return {in, out, kernel_size, {.padding = (kernel_size - 1) * dilation / 2, .dilation = dilation}};
}

}  // namespace

std::vector<std::vector<int64_t>> HifiGanConfig::dilations() const {
  try {
    return parse_json(resblock_dilation_sizes.text, "config.json").get<std::vector<std::vector<int64_t>>>();
  } catch (const JsonError& error) {
    throw Error(ErrorKind::kInvalidFile, "config.json", std::string("resblock_dilation_sizes: ") + error.what());
  }
}

void HifiGanConfig::validate() const {
  const auto positive = [](const std::vector<int64_t>& sizes) {
    return !sizes.empty() && std::all_of(sizes.begin(), sizes.end(), [](int64_t size) { return size > 0; });
  };
  const auto of_kernels = dilations();
  if (upsample_rates.size() != upsample_kernel_sizes.size() || resblock_kernel_sizes.size() != of_kernels.size())
    throw Error(ErrorKind::kInvalidFile, "config.json", "rates, kernels and dilations are not of one length");
  if (!positive(upsample_rates) || !positive(upsample_kernel_sizes) || !positive(resblock_kernel_sizes) ||
      !std::all_of(of_kernels.begin(), of_kernels.end(), positive) || upsample_rates.size() > 30 ||
      upsample_initial_channel >> upsample_rates.size() < 1)
    throw Error(ErrorKind::kInvalidFile, "config.json", "a rate, a kernel or the number of channels is below 1");
}

TransposedConvolution::TransposedConvolution(int64_t in_channels, int64_t out_channels, int64_t kernel_size,
                                             int64_t rate)
    : weight(parameter({in_channels, out_channels, kernel_size})), bias(parameter({out_channels})), stride(rate) {}

Tensor TransposedConvolution::operator()(const Tensor& x_BCT) const {
  return convolution_transpose(x_BCT, weight, bias, {stride}, {(weight.size(2) - stride) / 2});
}

ResidualBlock::ResidualBlock(int64_t channels, int64_t kernel_size, const std::vector<int64_t>& dilations,
                             double leaky_slope)
    : slope(leaky_slope) {
  for (const int64_t dilation : dilations) {
    convs1.push_back(same_length(channels, channels, kernel_size, dilation));
    convs2.push_back(same_length(channels, channels, kernel_size));
  }
}

Tensor ResidualBlock::operator()(Tensor x_BCT) const {
  for (size_t i = 0; i < convs1.size(); ++i)
    x_BCT = x_BCT + convs2[i](nn::leaky_relu(convs1[i](nn::leaky_relu(x_BCT, slope)), slope));
  return x_BCT;
}

HifiGan::HifiGan(const HifiGanConfig& c)
    : Backbone(c),
      conv_pre(same_length(c.model_in_dim, c.upsample_initial_channel, 7)),
      mean(parameter({c.model_in_dim})),
      scale(parameter({c.model_in_dim})) {
  int64_t channels = c.upsample_initial_channel;
  const auto dilations = c.dilations();
  for (size_t i = 0; i < c.upsample_rates.size(); ++i) {
    const int64_t half = c.upsample_initial_channel >> (i + 1);
    upsampler.emplace_back(channels, half, c.upsample_kernel_sizes[i], c.upsample_rates[i]);
    channels = half;
    for (size_t j = 0; j < c.resblock_kernel_sizes.size(); ++j)
      resblocks.emplace_back(channels, c.resblock_kernel_sizes[j], dilations[j], c.leaky_relu_slope);
  }
  conv_post = same_length(channels, 1, 7);
}

VocoderOutput HifiGan::forward(const VocoderInputs& in) const {
  if (!in.spectrogram || in.spectrogram.dim() != 3 || in.spectrogram.size(2) != config().model_in_dim) {
    throw Error(ErrorKind::kInvalidArgument, "forward", "the spectrogram is not [batch, frames, bands] of this vocoder",
                "take the vocoder that belongs to the model");
  }
  Tensor x = in.spectrogram;
  if (config().normalize_before) x = (x - mean) / scale;
  x = conv_pre(transpose(x, 1, 2));
  const size_t kernels = config().resblock_kernel_sizes.size();
  for (size_t i = 0; i < upsampler.size(); ++i) {
    x = upsampler[i](nn::leaky_relu(x, config().leaky_relu_slope));
    Tensor sum = resblocks[i * kernels](x);
    for (size_t j = 1; j < kernels; ++j) sum = sum + resblocks[i * kernels + j](x);
    x = sum / static_cast<double>(kernels);
  }
  VocoderOutput out;
  out.waveform = select(tanh(conv_post(nn::leaky_relu(x))), 1, 0);
  return out;
}

}  // namespace imago::speecht5_hifigan

namespace imago {

void register_speecht5_hifigan(Registry& registry) {
  using namespace speecht5_hifigan;
  registry.add<HifiGan>("SpeechT5HifiGan");
  registry.add<OlderHifiGan>("SpeechT5HifiGan");
}

}  // namespace imago
