#include "imago/nn/spectrogram_layers.h"

#include "imago/base/error.h"
#include "imago/nn/activations.h"
#include "imago/nn/sinusoidal_positions.h"
#include "imago/ops/binary/binary.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/compare/compare.h"
#include "imago/ops/concat/concat.h"
#include "imago/ops/expand/expand.h"
#include "imago/ops/operators.h"
#include "imago/ops/permute/permute.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/slice/slice.h"
#include "imago/ops/unary/unary.h"
#include "imago/ops/where/where.h"

namespace imago::nn {
namespace {

constexpr double kPadding = -100;

// The mean over what the mask [..., 1 or more] shows.
Tensor masked_mean(const Tensor& x, const Tensor& mask) {
  const Tensor counted = cast(mask, x.dtype());
  return sum(x * counted) / sum(expand(counted, x.shape()));
}

// How far a step's attention is from the diagonal, [B, S, T], by each row's numbers of steps and tokens [B].
Tensor off_diagonal(const Tensor& steps_B, const Tensor& tokens_B, int64_t steps, int64_t tokens, double sigma,
                    DType dtype) {
  const auto places = [&](int64_t count, const Tensor& of) {
    return cast(Tensor::arange(0, static_cast<double>(count)), dtype) / unsqueeze(cast(of, dtype), 1);
  };
  const Tensor apart = unsqueeze(places(tokens, tokens_B), 1) - unsqueeze(places(steps, steps_B), 2);
  return exp(apart * apart * (-1 / (2 * sigma * sigma))) * -1.0 + 1.0;
}

Tensor guided_attention_loss(const Tensors& cross_attentions, const Tensor& encoder_mask, const Tensor& shown_BF,
                             const SpectrogramLossOptions& o) {
  if (!encoder_mask)
    throw Error(ErrorKind::kInvalidArgument, "forward", "guided attention needs an attention_mask",
                "give it, or set use_guided_attention_loss to false");
  Tensors heads;
  for (const Tensor& layer_BHST : cross_attentions)
    heads.push_back(narrow(layer_BHST, 1, 0, std::min(o.guided_heads, layer_BHST.size(1))));
  const Tensor weights_BHST = concat(heads, 1);
  const Tensor tokens_BT = eq(encoder_mask, 1),
               steps_BS = slice(shown_BF, 1, o.reduction_factor - 1, kEnd, o.reduction_factor);
  const auto count = [](const Tensor& mask) { return sum(cast(mask, DType::i64), {1}); };
  const Tensor far_BST = off_diagonal(count(steps_BS), count(tokens_BT), steps_BS.size(1), tokens_BT.size(1), o.sigma,
                                      weights_BHST.dtype());
  const Tensor mask = logical_and(unsqueeze(steps_BS, 2), unsqueeze(tokens_BT, 1));
  return masked_mean(weights_BHST * unsqueeze(far_BST, 1), unsqueeze(mask, 1)) * o.scale;
}

}  // namespace

Tensor ScaledPositions::operator()(const Tensor& x_BSD, int64_t first) const {
  const Tensor places = Tensor::arange(static_cast<double>(first), static_cast<double>(first + x_BSD.size(1)));
  return x_BSD + alpha * cast(interleaved_sinusoidal_positions(places, x_BSD.size(2)), x_BSD.dtype());
}

SpectrogramPrenet::SpectrogramPrenet(const SpectrogramPrenetOptions& o)
    : final_layer(o.units, o.hidden_size),
      speaker_embeds_layer(o.speaker_size + o.hidden_size, o.hidden_size),
      dropout(o.dropout) {
  for (int64_t i = 0; i < o.layers; ++i) layers.emplace_back(i == 0 ? o.mel_bins : o.units, o.units);
}

Tensor SpectrogramPrenet::operator()(const Tensor& frames_BSM, const Tensor& voices, TorchGenerator& generator,
                                     bool last_only) const {
  const int64_t steps = frames_BSM.size(1), passed = last_only ? steps - 1 : 0;
  Tensor x_BSD = narrow(frames_BSM, 1, passed, steps - passed);
  for (const Linear& layer : layers) {
    x_BSD = relu(layer(x_BSD));
    for (int64_t i = 0; i < passed * x_BSD.size(2); ++i) generator.next64();
    const Tensor kept = generator.bernoulli({x_BSD.size(1), x_BSD.size(2)}, dropout);
    x_BSD = x_BSD * cast(kept, x_BSD.dtype()) / (1 - dropout);
  }
  x_BSD = encode_positions(final_layer(x_BSD), passed);
  if (!voices) return x_BSD;
  const Tensor unit = voices / clamp(norm(voices, 2, {1}, true), 1e-12);
  const Tensor voice_BSV = expand(unsqueeze(unit, 1), {x_BSD.size(0), x_BSD.size(1), unit.size(1)});
  return relu(speaker_embeds_layer(concat({x_BSD, voice_BSV}, 2)));
}

SpectrogramPostnet::SpectrogramPostnet(const SpectrogramPostnetOptions& o)
    : feat_out(o.hidden_size, o.mel_bins * o.reduction_factor),
      prob_out(o.hidden_size, o.reduction_factor),
      mel_bins(o.mel_bins) {
  for (int64_t i = 0; i < o.layers; ++i) {
    const int64_t in = i == 0 ? o.mel_bins : o.units, out = i == o.layers - 1 ? o.mel_bins : o.units;
    NormalisedConvolution& layer = layers.emplace_back();
    layer.conv = Conv1d(in, out, o.kernel, {.padding = (o.kernel - 1) / 2, .bias = false});
    layer.batch_norm = BatchNorm2d(out);
  }
}

Tensor SpectrogramPostnet::frames(const Tensor& x_BSD) const {
  return reshape(feat_out(x_BSD), {x_BSD.size(0), -1, mel_bins});
}

Tensor SpectrogramPostnet::refined(const Tensor& frames_BFM) const {
  Tensor x = transpose(frames_BFM, 1, 2);
  for (size_t i = 0; i < layers.size(); ++i) {
    x = layers[i].batch_norm(layers[i].conv(x));
    if (i + 1 < layers.size()) x = tanh(x);
  }
  return frames_BFM + transpose(x, 1, 2);
}

Tensor spectrogram_loss(const Tensor& before, const Tensor& after, const Tensor& stops, const Tensor& labels,
                        const Tensors& cross_attentions, const Tensor& encoder_mask, const SpectrogramLossOptions& o) {
  constexpr double kStopWeight = 5;
  const Tensor shown = ne(labels, kPadding), shown_BF = select(shown, 2, 0);
  Tensor loss = masked_mean(abs(after - labels), shown) + masked_mean(abs(before - labels), shown);
  // A frame ends the speech where the next one is padding, or there is none.
  const Tensor last = Tensor::ones({labels.size(0), 1}, stops.dtype());
  const Tensor padding = cast(logical_xor(shown_BF, Tensor::ones({}, DType::boolean)), stops.dtype());
  const Tensor ends = concat({slice(padding, 1, 1), last}, 1);
  loss =
      loss + masked_mean(ends * softplus(stops * -1.0) * kStopWeight + (ends * -1.0 + 1.0) * softplus(stops), shown_BF);
  if (o.guided_heads > 0) loss = loss + guided_attention_loss(cross_attentions, encoder_mask, shown_BF, o);
  return loss;
}

}  // namespace imago::nn
