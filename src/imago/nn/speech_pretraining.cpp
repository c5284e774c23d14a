#include "imago/nn/speech_pretraining.h"

#include <cmath>
#include <limits>

#include "imago/base/error.h"
#include "imago/nn/dropout.h"
#include "imago/ops/binary/binary.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/compare/compare.h"
#include "imago/ops/concat/concat.h"
#include "imago/ops/cross_entropy/cross_entropy.h"
#include "imago/ops/index_select/index_select.h"
#include "imago/ops/matmul/matmul.h"
#include "imago/ops/one_hot/one_hot.h"
#include "imago/ops/operators.h"
#include "imago/ops/permute/permute.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/softmax/softmax.h"
#include "imago/ops/unary/unary.h"
#include "imago/ops/where/where.h"
#include "imago/tensor/grad_meta.h"

namespace imago::nn {
namespace {

// exp of the entropy of how often each code [N, G, V] is taken, summed over groups.
Tensor perplexity_of(const Tensor& probabilities, const Tensor& hidden_BT) {
  Tensor mean_GV;
  if (hidden_BT) {
    const Tensor counts = reshape(cast(hidden_BT, probabilities.dtype()), {-1, 1, 1});
    mean_GV = sum(probabilities * counts, {0}) / sum(counts);
  } else {
    mean_GV = mean(probabilities, {0});
  }
  const Tensor logs = log(masked_fill(mean_GV, eq(mean_GV, 0.0), 1));  // 0 log 0 is 0
  return sum(exp(-sum(mean_GV * logs, {-1})));
}

// The choice that Gumbel's noise makes, with the gradient of the softmax that it is made from.
Tensor drawn_codes(const Tensor& logits_NGV, double temperature, TorchGenerator& generator) {
  Tensor noise;
  {
    const NoGrad no_grad;
    std::vector<float> drawn(static_cast<size_t>(logits_NGV.numel()));
    for (float& each : drawn)
      each = static_cast<float>(-std::log1p(-generator.next_double()));  // tensor.exponential_()
    noise = -log(Tensor::from(drawn, logits_NGV.shape()));
  }
  const Tensor soft = softmax((widen(logits_NGV) + noise) / temperature, -1);
  const Tensor hard = cast(one_hot(argmax(soft.detach(), -1), soft.size(-1)), soft.dtype());
  return cast(hard - soft.detach() + soft, logits_NGV.dtype());
}

Tensor unit(const Tensor& x) { return x / clamp(sqrt(sum(square(x), {-1}, true)), 1e-8); }

}  // namespace

void CodeBookOptions::validate() const {
  if (groups >= 1 && codes >= 1 && codevector_dim >= 1 && size >= 1 && codevector_dim % groups == 0 && temperature > 0)
    return;
  throw Error(ErrorKind::kInvalidFile, "config.json",
              "num_codevector_groups, num_codevectors_per_group, codevector_dim (a multiple of the groups), "
              "proj_codevector_dim or contrastive_logits_temperature is out of range");
}

CodeBook::CodeBook(const CodeBookOptions& o)
    : codevectors(parameter({1, o.groups * o.codes, o.codevector_dim / o.groups})),
      weight_proj(o.frame_size, o.groups * o.codes),
      groups(o.groups) {}

Tensor CodeBook::operator()(const Tensor& frames_BTC, const Tensor& hidden_BT, Tensor& perplexity) const {
  const int64_t batch = frames_BTC.size(0), frames = frames_BTC.size(1);
  const Tensor logits_NGV = reshape(weight_proj(frames_BTC), {batch * frames, groups, -1});
  Tensor chosen_NGV;
  if (TorchGenerator* generator = training_generator()) {
    chosen_NGV = drawn_codes(logits_NGV, gumbel_temperature, *generator);
    perplexity = perplexity_of(softmax(widen(logits_NGV), -1), hidden_BT);
  } else {
    chosen_NGV = cast(one_hot(argmax(logits_NGV.detach(), -1), logits_NGV.size(-1)), logits_NGV.dtype());
    perplexity = perplexity_of(chosen_NGV, hidden_BT);
  }
  const Tensor codes_GVX = reshape(codevectors, {groups, -1, codevectors.size(2)});
  return reshape(transpose(matmul(transpose(chosen_NGV, 0, 1), codes_GVX), 0, 1), {batch, frames, -1});
}

CodeContrast::CodeContrast(const CodeBookOptions& o)
    : quantizer(o), project_hid(o.hidden_size, o.size), project_q(o.codevector_dim, o.size), options(o) {}

SpeechPreTrainingOutput CodeContrast::operator()(SpeechModelOutput heard, const SpeechPreTrainingInputs& in) const {
  SpeechPreTrainingOutput out;
  out.projected_states = project_hid(heard.last_hidden_state);
  const Tensor hidden_BT = in.mask_time_indices ? ne(in.mask_time_indices, 0) : Tensor();
  const Tensor frames_BTC = dropout(heard.extract_features, options.dropout);
  const Tensor codes_BTX = quantizer(frames_BTC, hidden_BT, out.codevector_perplexity);
  out.projected_quantized_states = project_q(codes_BTX);
  take_states(out, std::move(heard));
  if (!in.sampled_negative_indices) return out;
  const Shape& s = in.sampled_negative_indices.shape();
  const bool fits = s.size() == 3 && s[0] == codes_BTX.size(0) && s[1] == codes_BTX.size(1);
  if (!fits || !hidden_BT) {
    throw Error(ErrorKind::kInvalidArgument, "sampled_negative_indices", in.sampled_negative_indices.describe(),
                "give [batch, frames, negatives], together with mask_time_indices");
  }
  // [K, B, T, ...] of the others.
  const auto others = [&](const Tensor& x_BTX) {
    const Tensor rows = index_select(flatten(x_BTX, 0, 1), 0, reshape(in.sampled_negative_indices, {-1}));
    return permute(reshape(rows, {s[0], s[1], s[2], -1}), {2, 0, 1, 3});
  };
  const Tensor targets =
      concat({unsqueeze(out.projected_quantized_states, 0), others(out.projected_quantized_states)}, 0);
  Tensor logits = sum(unit(widen(out.projected_states)) * unit(widen(targets)), {-1}) / options.temperature;
  // One that has the same codes is no other.
  const Tensor same = all(eq(unsqueeze(codes_BTX, 0), others(codes_BTX)), {-1});
  const Tensor never = concat({Tensor::zeros({1, s[0], s[1]}, DType::boolean), same}, 0);
  logits = masked_fill(logits, never, -std::numeric_limits<double>::infinity());
  const Tensor counted = cast(hidden_BT, logits.dtype());
  const Tensor labels_BT = cast((cast(hidden_BT, DType::i64) - 1.0) * 100.0, DType::i64);  // 0, or -100: ignored
  out.contrastive_loss = cross_entropy(reshape(permute(logits, {1, 2, 0}), {s[0] * s[1], -1}), reshape(labels_BT, {-1}),
                                       {.ignore_index = -100, .reduction = "sum"});
  const auto all_codes = static_cast<double>(options.groups * options.codes);
  out.diversity_loss = (all_codes - out.codevector_perplexity) / all_codes * sum(counted);
  out.loss = out.contrastive_loss + out.diversity_loss * options.diversity_weight;
  return out;
}

}  // namespace imago::nn
