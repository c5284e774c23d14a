#include "imago/nn/series_patches.h"

#include "imago/nn/dropout.h"
#include "imago/ops/concat/concat.h"
#include "imago/ops/expand/expand.h"
#include "imago/ops/index_select/index_select.h"
#include "imago/ops/operators.h"
#include "imago/ops/permute/permute.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/slice/slice.h"

namespace imago::nn {

Tensor series_patches(const Tensor& x_BTC, int64_t length, int64_t stride) {
  const int64_t count = (x_BTC.size(1) - length) / stride + 1;
  const int64_t first = x_BTC.size(1) - length - stride * (count - 1);
  std::vector<int64_t> steps;
  for (int64_t patch = 0; patch < count; ++patch) {
    for (int64_t step = 0; step < length; ++step) steps.push_back(first + patch * stride + step);
  }
  const Tensor chosen = index_select(x_BTC, 1, Tensor::from(steps));
  return permute(reshape(chosen, {x_BTC.size(0), count, length, x_BTC.size(2)}), {0, 3, 1, 2});
}

PatchNorm::PatchNorm(std::string_view type, int64_t size, double eps) {
  if (type == "layernorm") {
    layer_norm = LayerNorm(size, eps);
  } else {
    batchnorm = BatchNorm2d(size, eps);
  }
}

void PatchNorm::each_field(FieldVisitor& visitor) {
  if (layer_norm.weight) return layer_norm.each_field(visitor);
  imago::internal::visit_field(visitor, "batchnorm", batchnorm);
}

Tensor PatchNorm::operator()(const Tensor& x) const {
  return layer_norm.weight ? layer_norm(x) : transpose(batchnorm(transpose(x, 1, 2)), 1, 2);
}

PatchEmbedder::PatchEmbedder(int64_t channels, int64_t patch_length, int64_t size) : shared(channels == 0) {
  for (int64_t i = 0; i < (shared ? 1 : channels); ++i) input_embedding.emplace_back(patch_length, size);
}

void PatchEmbedder::each_field(FieldVisitor& visitor) {
  shared ? imago::internal::visit_field(visitor, "input_embedding", input_embedding[0])
         : imago::internal::visit_field(visitor, "input_embedding", input_embedding);
}

Tensor PatchEmbedder::operator()(const Tensor& patches_BCNL) const {
  if (shared) return input_embedding[0](patches_BCNL);
  Tensors channels;
  for (size_t i = 0; i < input_embedding.size(); ++i)
    channels.push_back(input_embedding[i](select(patches_BCNL, 1, static_cast<int64_t>(i))));
  return stack(channels, 1);
}

PatchPositions::PatchPositions(int64_t patches, int64_t size, bool use_cls_token)
    : position_enc(parameter({patches + (use_cls_token ? 1 : 0), size})) {
  if (use_cls_token) cls_token = parameter({1, 1, 1, size});
}

Tensor PatchPositions::operator()(const Tensor& x_BCND, double dropped) const {
  if (!cls_token) return dropout(x_BCND + position_enc, dropped);
  const Tensor first = cls_token + narrow(position_enc, 0, 0, 1);
  const Shape& s = x_BCND.shape();
  return concat({expand(first, {s[0], s[1], 1, s[3]}), dropout(x_BCND + slice(position_enc, 0, 1), dropped)}, 2);
}

}  // namespace imago::nn
