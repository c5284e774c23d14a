// What stands before and behind a decoder of spectra (Shen et al. 2018, "Natural TTS Synthesis by Conditioning WaveNet
// on Mel Spectrogram Predictions"). B batch, S steps, F frames, D hidden, M mel bands, C channels.
#pragma once

#include <optional>
#include <vector>

#include "imago/nn/convolution_1d.h"
#include "imago/nn/layers.h"
#include "imago/nn/torch_generator.h"
#include "imago/nn/vision/convolution_layers.h"

namespace imago::nn {

// x + alpha * positions, sines beside cosines (Li et al. 2019, "Neural Speech Synthesis with Transformer Network").
struct ScaledPositions : Module {
  Tensor alpha;
  FIELDS(alpha)

  ScaledPositions() : alpha(parameter({})) {}
  // x [B, S, D] begins at position `first`.
  Tensor operator()(const Tensor& x_BSD, int64_t first = 0) const;
};

struct SpectrogramPrenetOptions {
  int64_t mel_bins = 0, hidden_size = 0, layers = 0, units = 0, speaker_size = 0;
  double dropout = 0;  // the part that is kept, and 1 - dropout what it is divided by: so the reference has it
};

// Frames to what the decoder reads. Part of it is dropped even outside of training, in all rows alike: without that,
// the decoder would copy its input.
struct SpectrogramPrenet : Module {
  std::vector<Linear> layers;
  Linear final_layer;
  ScaledPositions encode_positions;
  Linear speaker_embeds_layer;
  FIELDS(layers, final_layer, encode_positions, speaker_embeds_layer)

  explicit SpectrogramPrenet(const SpectrogramPrenetOptions& o);
  template <class C>  // a configuration with the Hub's names
  explicit SpectrogramPrenet(const C& c)
      : SpectrogramPrenet(SpectrogramPrenetOptions{.mel_bins = c.num_mel_bins,
                                                   .hidden_size = c.hidden_size,
                                                   .layers = c.speech_decoder_prenet_layers,
                                                   .units = c.speech_decoder_prenet_units,
                                                   .speaker_size = c.speaker_embedding_dim,
                                                   .dropout = c.speech_decoder_prenet_dropout}) {}
  // frames [B, S, M], voices [B, size] or undefined. With `last_only` the result is that of the last step alone, [B, 1,
  // D], and the generator goes on as if all had been computed.
  Tensor operator()(const Tensor& frames_BSM, const Tensor& voices, TorchGenerator& generator,
                    bool last_only = false) const;

  double dropout;
};

struct SpectrogramPostnetOptions {
  int64_t hidden_size = 0, mel_bins = 0, reduction_factor = 1, layers = 0, units = 0, kernel = 5;
};

struct NormalisedConvolution : Module {
  Conv1d conv;
  BatchNorm2d batch_norm;
  FIELDS(conv, batch_norm)
};

// What the decoder says: frames, several of each step, whether it ends, and what convolutions add to the frames.
struct SpectrogramPostnet : Module {
  Linear feat_out, prob_out;
  std::vector<NormalisedConvolution> layers;
  FIELDS(feat_out, prob_out, layers)

  explicit SpectrogramPostnet(const SpectrogramPostnetOptions& o);
  template <class C>
  explicit SpectrogramPostnet(const C& c)
      : SpectrogramPostnet(SpectrogramPostnetOptions{.hidden_size = c.hidden_size,
                                                     .mel_bins = c.num_mel_bins,
                                                     .reduction_factor = c.reduction_factor,
                                                     .layers = c.speech_decoder_postnet_layers,
                                                     .units = c.speech_decoder_postnet_units,
                                                     .kernel = c.speech_decoder_postnet_kernel}) {}
  Tensor frames(const Tensor& x_BSD) const;        // [B, S * reduction_factor, M]
  Tensor refined(const Tensor& frames_BFM) const;  // [B, F, M]

  int64_t mel_bins;
};

struct SpectrogramLossOptions {
  int64_t reduction_factor = 1;
  // Of guided attention (Tachibana et al. 2018); no heads for none.
  int64_t guided_heads = 0;
  double sigma = 0.4, scale = 10;
};

// Of frames before and behind the postnet [B, F, M] and of stops [B, F] against labels [B, F, M], in which -100 is
// padding. cross_attentions [B, H, S, T] per layer and the encoder's mask [B, T] are for guided attention.
Tensor spectrogram_loss(const Tensor& before, const Tensor& after, const Tensor& stops, const Tensor& labels,
                        const Tensors& cross_attentions, const Tensor& encoder_mask,
                        const SpectrogramLossOptions& options);

}  // namespace imago::nn
