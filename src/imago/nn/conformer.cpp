#include "imago/nn/conformer.h"

#include <cmath>

#include "imago/nn/distance_scores.h"
#include "imago/nn/dropout.h"
#include "imago/ops/binary/binary.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/linear/linear.h"
#include "imago/ops/matmul/matmul.h"
#include "imago/ops/operators.h"
#include "imago/ops/pad/pad.h"
#include "imago/ops/permute/permute.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/rope/rope.h"
#include "imago/ops/slice/slice.h"
#include "imago/ops/unary/unary.h"

namespace imago::nn {
namespace {

// A convolution of one tap, which is a product with each frame.
Tensor pointwise(const Conv1d& conv, const Tensor& x_BTD) { return linear(x_BTD, select(conv.weight, 2, 0)); }

}  // namespace

Tensor gated_linear_unit(const Tensor& x, int64_t dim) {
  const int64_t half = x.size(dim) / 2;
  return narrow(x, dim, 0, half) * sigmoid(narrow(x, dim, half, half));
}

ConformerAttention::ConformerAttention(const ConformerAttentionOptions& o)
    : linear_q(o.hidden_size, o.hidden_size),
      linear_k(o.hidden_size, o.hidden_size),
      linear_v(o.hidden_size, o.hidden_size),
      linear_out(o.hidden_size, o.hidden_size),
      positions(o.positions),
      heads(o.heads),
      left(o.left),
      right(o.right) {
  const int64_t head_size = o.hidden_size / heads;
  if (positions == "relative") {
    linear_pos = Linear(o.hidden_size, o.hidden_size, false);
    pos_bias_u = pos_bias_v = parameter({heads, head_size});
  }
  if (positions == "relative_key") distance_embedding = Embedding(left + right + 1, head_size);
}

// Shaw et al. 2018, "Self-Attention with Relative Position Representations": a key's row of the table is that of its
// distance, as far as the table goes.
Tensor ConformerAttention::distance_scores(const Tensor& q_BHTK) const {
  const Tensor rows = clamp(distances(q_BHTK.size(2)), static_cast<double>(-left), static_cast<double>(right));
  return scores_of_rows(matmul(q_BHTK, transpose(distance_embedding.weight, 0, 1)), rows + static_cast<double>(left));
}

// Dai et al. 2019, "Transformer-XL".
Tensor ConformerAttention::sinusoid_scores(const Tensor& q_BHTK, const Tensor& sinusoids) const {
  const Tensor keys_1HKR = transpose(split_heads(linear_pos(sinusoids), heads), 2, 3);
  const Tensor scores = matmul(q_BHTK + unsqueeze(pos_bias_v, 1), keys_1HKR);
  const int64_t frames = q_BHTK.size(2);
  return scores_of_rows(scores, distances(frames) + static_cast<double>(frames - 1));
}

Tensor ConformerAttention::operator()(const Tensor& x_BTD, AttentionContext context,
                                      const ConformerPositions& at) const {
  Tensor turned_BTD = x_BTD;
  if (positions == "rotary") turned_BTD = merge_heads(rope(split_heads(x_BTD, heads), at.angles.cos, at.angles.sin));
  Tensor q_BHTK = split_heads(linear_q(turned_BTD), heads);
  const double scale = 1 / std::sqrt(static_cast<double>(q_BHTK.size(3)));
  if (positions == "relative_key") context.mask.bias = distance_scores(q_BHTK) * scale;
  if (positions == "relative") {
    context.mask.bias = sinusoid_scores(q_BHTK, at.sinusoids) * scale;
    q_BHTK = q_BHTK + unsqueeze(pos_bias_u, 1);
  }
  const KeysValues all{split_heads(linear_k(turned_BTD), heads), split_heads(linear_v(x_BTD), heads)};
  return linear_out(merge_heads(attend(q_BHTK, all, context)));
}

ConformerConvolution::ConformerConvolution(int64_t hidden_size, int64_t taps, std::string_view activation_name,
                                           double eps, double dropout)
    : layer_norm(hidden_size, eps),
      pointwise_conv1(hidden_size, 2 * hidden_size, 1, {.bias = false}),
      depthwise_conv(hidden_size, hidden_size, taps, {.groups = hidden_size, .bias = false}),
      depthwise_layer_norm(hidden_size, eps),
      pointwise_conv2(hidden_size, hidden_size, 1, {.bias = false}),
      activation(nn::activation(activation_name)),
      dropped(dropout) {}

// A frame hears only those before it.
Tensor ConformerConvolution::operator()(const Tensor& x_BTD, const Tensor& mask) const {
  Tensor y_BTD = layer_norm(x_BTD);
  if (mask) y_BTD = y_BTD * cast(unsqueeze(mask, 2), y_BTD.dtype());
  const Tensor y_BDT = transpose(gated_linear_unit(pointwise(pointwise_conv1, y_BTD), 2), 1, 2);
  y_BTD = transpose(depthwise_conv(pad(y_BDT, {depthwise_conv.weight.size(2) - 1, 0})), 1, 2);
  y_BTD = pointwise(pointwise_conv2, activation(depthwise_layer_norm(y_BTD)));
  return transpose(dropout(transpose(y_BTD, 1, 2), dropped), 1, 2);  // masks are drawn channel by channel
}

}  // namespace imago::nn
