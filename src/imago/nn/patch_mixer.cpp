#include "imago/nn/patch_mixer.h"

#include "imago/nn/dropout.h"
#include "imago/ops/gelu/gelu.h"
#include "imago/ops/operators.h"
#include "imago/ops/permute/permute.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/softmax/softmax.h"

namespace imago::nn {

MixerNorm::MixerNorm(const PatchMixerOptions& o) : norm(o.norm, o.size, o.norm_eps) {}

Tensor MixerNorm::operator()(const Tensor& x_BCND) const {
  return reshape(norm(flatten(x_BCND, 0, 1)), x_BCND.shape());
}

Tensor MixerMLP::operator()(const Tensor& x) const { return dropout(fc2(dropout(gelu(fc1(x)), dropped)), dropped); }

MixerBlock::MixerBlock(const PatchMixerOptions& o, int64_t size) : norm(o) {
  mlp.fc1 = Linear(size, size * o.expansion);
  mlp.fc2 = Linear(size * o.expansion, size);
  mlp.dropped = o.dropout;
  if (o.gated) gating_block.emplace().attn_layer = Linear(size, size);
}

Tensor MixerBlock::gated(const Tensor& x) const {
  return gating_block ? x * softmax(gating_block->attn_layer(x), -1) : x;
}

PatchMixer::PatchMixer(const PatchMixerOptions& o) : MixerBlock(o, o.patches) {
  if (o.attention_heads == 0) return;
  self_attn_layer.emplace(MultiHeadOptions{.hidden_size = o.size, .heads = o.attention_heads});
  norm_attn.emplace(o);
}

MixerLayer::MixerLayer(const PatchMixerOptions& o) : patch_mixer(o), feature_mixer(o, o.size), dropped(o.dropout) {
  if (o.mixes_channels) channel_feature_mixer.emplace(o, o.channels);
}

Tensor MixerLayer::operator()(const Tensor& x_BCND, const AttentionContext& context) const {
  Tensor x = x_BCND;
  if (const auto& block = channel_feature_mixer)
    x = x + permute(block->mlp(block->gated(permute(block->norm(x), {0, 3, 2, 1}))), {0, 3, 2, 1});
  const Tensor normed = patch_mixer.norm(x);
  Tensor attended;  // before the others, in whose order masks of dropout are drawn
  if (const auto& attention = patch_mixer.self_attn_layer) {
    const AttentionDropout attention_dropout(dropped);
    attended = reshape((*attention)(flatten(normed, 0, 1), context), normed.shape());
  }
  Tensor mixed = transpose(patch_mixer.gated(patch_mixer.mlp(transpose(normed, 2, 3))), 2, 3);
  if (attended) mixed = (*patch_mixer.norm_attn)(mixed + attended);
  x = x + mixed;
  return x + feature_mixer.gated(feature_mixer.mlp(feature_mixer.norm(x)));
}

}  // namespace imago::nn
