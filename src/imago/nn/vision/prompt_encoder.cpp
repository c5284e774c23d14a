#include "imago/nn/vision/prompt_encoder.h"

#include <numbers>

#include "imago/ops/cast/cast.h"
#include "imago/ops/compare/compare.h"
#include "imago/ops/concat/concat.h"
#include "imago/ops/matmul/matmul.h"
#include "imago/ops/operators.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/unary/unary.h"
#include "imago/ops/where/where.h"

namespace imago::nn {
namespace {

constexpr int64_t kNoPoint = -1, kPadding = -10, kPointKinds = 4;

}  // namespace

Tensor PositionalEmbedding::operator()(const Tensor& places) const {
  const Tensor centered = cast(places * 2.0 - 1.0, positional_embedding.dtype());
  const Tensor angles = matmul(centered, positional_embedding) * (2 * std::numbers::pi);
  return concat({sin(angles), cos(angles)}, -1);
}

Tensor PositionalEmbedding::grid(int64_t side) const {
  std::vector<double> places;
  for (int64_t i = 0; i < side * side; ++i) {
    for (const int64_t at : {i % side, i / side})
      places.push_back((static_cast<double>(at) + 0.5) / static_cast<double>(side));
  }
  return (*this)(cast(Tensor::from(places, {1, side * side, 2}), positional_embedding.dtype()));
}

MaskEmbedding::MaskEmbedding(const PromptEncoderOptions& o)
    : conv1(1, o.mask_channels / 4, 2, {.stride = 2}),
      conv2(o.mask_channels / 4, o.mask_channels, 2, {.stride = 2}),
      conv3(o.mask_channels, o.hidden_size, 1),
      layer_norm1(o.mask_channels / 4, o.layer_norm_eps),
      layer_norm2(o.mask_channels / 4 * 4, o.layer_norm_eps),
      activation(nn::activation(o.hidden_act)) {}

Tensor MaskEmbedding::operator()(const Tensor& masks) const {
  return conv3(activation(layer_norm2(conv2(activation(layer_norm1(conv1(masks)))))));
}

PromptEncoder::PromptEncoder(const PromptEncoderOptions& o)
    : shared_embedding(o.position_features),
      mask_embed(o),
      no_mask_embed(1, o.hidden_size),
      not_a_point_embed(1, o.hidden_size),
      image_size(o.image_size) {
  for (int64_t i = 0; i < kPointKinds; ++i) point_embed.emplace_back(1, o.hidden_size);
}

// Of the middle of each pixel.
Tensor PromptEncoder::places(const Tensor& pixels) const {
  return shared_embedding((pixels + 0.5) / static_cast<double>(image_size));
}

Tensor PromptEncoder::points(const MaskPrompts& in) const {
  Tensor at = in.input_points;
  Tensor kind = in.input_labels ? cast(in.input_labels, DType::i64)
                                : Tensor::ones({at.size(0), at.size(1), at.size(2)}, DType::i64);
  Tensor embedded = places(at);
  if (!in.input_boxes) {  // a point that is none takes the place of the box
    const Tensor one = Tensor::zeros({at.size(0), at.size(1), 1, embedded.size(3)}, embedded.dtype());
    embedded = concat({embedded, one}, 2);
    kind = concat({kind, Tensor::full({at.size(0), at.size(1), 1}, kNoPoint, DType::i64)}, 2);
  }
  const auto is = [&](int64_t label) { return unsqueeze(eq(kind, static_cast<double>(label)), -1); };
  embedded = where(is(kNoPoint), not_a_point_embed.weight, embedded);
  embedded = masked_fill(embedded, is(kPadding), 0);
  embedded = where(is(0), embedded + point_embed[0].weight, embedded);
  return where(is(1), embedded + point_embed[1].weight, embedded);
}

Tensor PromptEncoder::sparse(const MaskPrompts& in) const {
  Tensors all;
  if (in.input_points) all.push_back(points(in));
  if (in.input_boxes) {
    const Tensor corners = reshape(in.input_boxes, {in.input_boxes.size(0), in.input_boxes.size(1), 2, 2});
    all.push_back(places(corners) + concat({point_embed[2].weight, point_embed[3].weight}, 0));
  }
  return all.empty() ? Tensor() : concat(all, 2);
}

Tensor PromptEncoder::dense(const MaskPrompts& in) const {
  return in.input_masks ? mask_embed(in.input_masks) : reshape(no_mask_embed.weight, {1, -1, 1, 1});
}

}  // namespace imago::nn
