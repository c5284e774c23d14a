#include "imago/nn/speech_heads.h"

#include <algorithm>

#include "imago/base/error.h"
#include "imago/nn/dropout.h"
#include "imago/nn/losses.h"
#include "imago/nn/speech_frames.h"
#include "imago/ops/binary/binary.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/compare/compare.h"
#include "imago/ops/concat/concat.h"
#include "imago/ops/convolution/convolution.h"
#include "imago/ops/matmul/matmul.h"
#include "imago/ops/one_hot/one_hot.h"
#include "imago/ops/operators.h"
#include "imago/ops/permute/permute.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/slice/slice.h"
#include "imago/ops/unary/unary.h"

namespace imago::nn {
namespace {

LogitsOutput logits_of(Tensor logits, Tensor loss, SpeechModelOutput below) {
  LogitsOutput out;
  out.logits = std::move(logits);
  out.loss = std::move(loss);
  take_states(out, std::move(below));
  return out;
}

// Of each row's first frames, [B, D] each: their mean, and their deviation with one frame less in the denominator.
Tensor mean_and_deviation(const Tensor& x_BTD, const std::vector<int64_t>& frames) {
  Tensors rows;
  for (int64_t row = 0; row < x_BTD.size(0); ++row) {
    const int64_t count = std::clamp<int64_t>(frames[static_cast<size_t>(row)], 0, x_BTD.size(1));
    const Tensor x_TD = narrow(select(x_BTD, 0, row), 0, 0, count);
    const Tensor mean_D = mean(x_TD, {0}, true);
    const Tensor from_mean = x_TD - mean_D;
    const Tensor variance = sum(from_mean * from_mean, {0}, true) / static_cast<double>(count - 1);
    rows.push_back(concat({mean_D, sqrt(variance)}, 1));
  }
  return concat(rows, 0);
}

// Cosines to each label's weight, that of the right one made smaller, as scores.
Tensor margin_loss(const Tensor& x_BD, const Tensor& weight_DL, const Tensor& labels) {
  constexpr double kScale = 30, kMargin = 0.4;
  const auto unit = [](const Tensor& x, int64_t dim) { return x / clamp(norm(x, 2, {dim}, true), 1e-12); };
  const Tensor cosines = matmul(unit(x_BD, 1), unit(weight_DL, 0));
  const Tensor right = cast(one_hot(flatten(labels, 0, -1), weight_DL.size(1)), cosines.dtype());
  return token_loss((cosines - right * kMargin) * kScale, labels);
}

}  // namespace

LayerStates::LayerStates(bool weighted, int64_t layers) {
  if (weighted) layer_weights = parameter({layers + 1});
}

SpeechModelOutput LayerStates::run(const FrameModel& base, const SpeechInputs& in, Tensor& states) const {
  SpeechInputs asked = in;
  if (layer_weights) asked.output_hidden_states = true;
  SpeechModelOutput below = base.forward(asked);
  states = layer_weights ? weighted_layers(layer_weights, below.hidden_states) : below.last_hidden_state;
  if (!in.output_hidden_states) below.hidden_states.clear();
  return below;
}

int64_t LetterScores::letters(std::optional<int64_t> vocab_size) {
  if (!vocab_size) throw Error(ErrorKind::kInvalidFile, "config.json", "vocab_size, the number of letters, is missing");
  return *vocab_size;
}

LogitsOutput spell(const FrameModel& base, const Linear& head, const SpeechInputs& in, const CtcOptions& options,
                   double dropped) {
  SpeechModelOutput below = base.forward(in);
  const Tensor logits = head(dropout(below.last_hidden_state, dropped));
  return logits_of(logits, ctc_loss(logits, in.labels, base.heard_frames(in), options), std::move(below));
}

LogitsOutput classify_sound(const FrameModel& base, const SoundScores& head, const SpeechInputs& in) {
  Tensor states;
  SpeechModelOutput below = head.run(base, in, states);
  const Tensor x_BTD = head.projector(states);
  Tensor pooled_BD = mean(x_BTD, {1});
  if (in.attention_mask) {
    const Tensor heard = cast(unsqueeze(first_frames(base.heard_frames(in), x_BTD.size(1)), 2), x_BTD.dtype());
    pooled_BD = sum(x_BTD * heard, {1}) / sum(heard, {1});
  }
  const Tensor logits = head.classifier(pooled_BD);
  return logits_of(logits, token_loss(logits, in.labels), std::move(below));
}

// Labels are one-hot, [B, T, labels].
LogitsOutput classify_frames(const FrameModel& base, const FrameScores& head, const SpeechInputs& in) {
  Tensor states;
  SpeechModelOutput below = head.run(base, in, states);
  const Tensor logits = head.classifier(states);
  const Tensor loss = in.labels ? token_loss(logits, argmax(in.labels, -1)) : Tensor();
  return logits_of(logits, loss, std::move(below));
}

TimeDelayLayer::TimeDelayLayer(int64_t in_size, int64_t out_size, int64_t tap_count, int64_t tap_dilation)
    : kernel(in_size * tap_count, out_size), taps(tap_count), dilation(tap_dilation) {}

Tensor TimeDelayLayer::operator()(const Tensor& x_BTD) const {
  const Tensor weight = transpose(reshape(kernel.weight, {kernel.weight.size(0), taps, -1}), 1, 2);
  return relu(transpose(convolution(transpose(x_BTD, 1, 2), weight, kernel.bias, {1}, {0}, {dilation}), 1, 2));
}

VoiceScores::VoiceScores(LayerStates states, int64_t hidden_size, const std::vector<int64_t>& dims,
                         const std::vector<int64_t>& taps, const std::vector<int64_t>& dilations, int64_t output_size,
                         int64_t labels)
    : LayerStates(std::move(states)) {
  if (dims.empty() || dims.size() != taps.size() || dims.size() != dilations.size())
    throw Error(ErrorKind::kInvalidFile, "config.json",
                "tdnn_dim, tdnn_kernel and tdnn_dilation are not of one length");
  projector = Linear(hidden_size, dims[0]);
  for (size_t i = 0; i < dims.size(); ++i) tdnn.emplace_back(dims[i > 0 ? i - 1 : 0], dims[i], taps[i], dilations[i]);
  feature_extractor = Linear(2 * dims.back(), output_size);
  classifier = Linear(output_size, output_size);
  objective.weight = parameter({output_size, labels});
}

XVectorOutput describe_voice(const FrameModel& base, const VoiceScores& head, const SpeechInputs& in) {
  Tensor x_BTD;
  SpeechModelOutput below = head.run(base, in, x_BTD);
  x_BTD = head.projector(x_BTD);
  for (const TimeDelayLayer& layer : head.tdnn) x_BTD = layer(x_BTD);
  // As in the reference, what the layers' dilation takes of the frames is not counted.
  std::vector<int64_t> frames(static_cast<size_t>(x_BTD.size(0)), x_BTD.size(1));
  if (in.attention_mask) {
    frames = base.heard_frames(in);
    for (int64_t& count : frames) {
      for (const TimeDelayLayer& layer : head.tdnn) count -= layer.taps - 1;
    }
  }
  XVectorOutput out;
  out.embeddings = head.feature_extractor(mean_and_deviation(x_BTD, frames));
  out.logits = head.classifier(out.embeddings);
  if (in.labels) out.loss = margin_loss(out.logits, head.objective.weight, in.labels);
  take_states(out, std::move(below));
  return out;
}

}  // namespace imago::nn
