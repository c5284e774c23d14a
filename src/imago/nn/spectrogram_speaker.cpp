#include "imago/nn/spectrogram_speaker.h"

#include "imago/base/error.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/compare/compare.h"
#include "imago/ops/concat/concat.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/slice/slice.h"
#include "imago/ops/unary/unary.h"
#include "imago/ops/where/where.h"

namespace imago::nn {

void require_input(const Tensor& input, const char* name) {
  if (!input) throw Error(ErrorKind::kInvalidArgument, "forward", std::string(name) + " are missing", "give them");
}

SpectrogramOutput SpectrogramSpeaker::forward(const SpeakingInputs& in, BaseModelOutput encoded,
                                              const Tensor& mask) const {
  const int64_t factor = loss.reduction_factor;
  TextInputs text = asked_of(in);
  Tensor frames_BSM = in.decoder_input_values;
  text.attention_mask = in.decoder_attention_mask;
  if (!frames_BSM && in.labels) {
    const Tensor last = slice(in.labels, 1, factor - 1, kEnd, factor);  // of each step
    const Tensor first = Tensor::zeros({last.size(0), 1, last.size(2)}, last.dtype());
    frames_BSM = concat({first, narrow(last, 1, 0, last.size(1) - 1)}, 1);
    frames_BSM = masked_fill(frames_BSM, eq(frames_BSM, -100), 0);
    if (text.attention_mask) text.attention_mask = slice(text.attention_mask, 1, factor - 1, kEnd, factor);
  }
  require_input(frames_BSM, "decoder_input_values");
  text.output_attentions = text.output_attentions || guides(in);
  text.encoder_hidden_states = encoded.last_hidden_state;
  if (mask) text.encoder_attention_mask = cast(mask, DType::i64);
  TorchGenerator own(0);
  const Tensor x_BSD = prenet(frames_BSM, in.speaker_embeddings, in.generator != nullptr ? *in.generator : own);
  BaseModelOutput decoded = decoder(x_BSD, text);
  SpectrogramOutput out;
  const Tensor before = postnet.frames(decoded.last_hidden_state);
  out.spectrogram = postnet.refined(before);
  if (has_loss && in.labels) {
    const Tensor stops = flatten(postnet.prob_out(decoded.last_hidden_state), 1, 2);
    out.loss =
        spectrogram_loss(before, out.spectrogram, stops, in.labels, decoded.cross_attentions, in.attention_mask, loss);
  }
  out.decoder_hidden_states = std::move(decoded.hidden_states);
  out.encoder_last_hidden_state = std::move(encoded.last_hidden_state);
  out.encoder_hidden_states = std::move(encoded.hidden_states);
  out.encoder_attentions = std::move(encoded.attentions);
  if (!text.output_attentions) return out;
  out.decoder_attentions = std::move(decoded.attentions);
  out.cross_attentions = std::move(decoded.cross_attentions);
  return out;
}

Tensors SpectrogramSpeaker::generate(const SpeakingInputs& in, const Tensor& encoded_BTD, const Tensor& mask,
                                     const SpeakingOptions& options) const {
  require_input(in.speaker_embeddings, "speaker_embeddings");
  const auto steps = [&](double ratio) {
    return static_cast<int64_t>(static_cast<double>(encoded_BTD.size(1)) * ratio /
                                static_cast<double>(loss.reduction_factor));
  };
  TorchGenerator generator(options.seed);
  KeyValueCache cache;
  TextInputs text;
  text.past_key_values = &cache;
  text.encoder_hidden_states = encoded_BTD;
  if (mask) text.encoder_attention_mask = cast(mask, DType::i64);
  const int64_t rows = encoded_BTD.size(0);
  Tensors said(static_cast<size_t>(rows)), frames;
  Tensor before_BSM = Tensor::zeros({rows, 1, postnet.mel_bins}, encoded_BTD.dtype());
  size_t done = 0;
  for (int64_t step = 1; done < said.size(); ++step) {
    const Tensor x_BD = decoder(prenet(before_BSM, in.speaker_embeddings, generator, true), text).last_hidden_state;
    frames.push_back(postnet.frames(x_BD));
    before_BSM = concat({before_BSM, slice(frames.back(), 1, loss.reduction_factor - 1)}, 1);
    if (step < steps(options.minlenratio)) continue;
    const std::vector<float> ends = cast(sum(sigmoid(postnet.prob_out(x_BD)), {1, 2}), DType::f32).to_vector<float>();
    for (size_t row = 0; row < said.size(); ++row) {
      if (said[row] || (step < steps(options.maxlenratio) && ends[row] < static_cast<float>(options.threshold)))
        continue;
      said[row] = select(postnet.refined(narrow(concat(frames, 1), 0, static_cast<int64_t>(row), 1)), 0, 0);
      ++done;
    }
  }
  return said;
}

}  // namespace imago::nn
