// Masks of objects from where their queries look (Carion et al. 2020, "End-to-End Object Detection with Transformers",
// section 4.4). B batch, Q queries, H heads, D hidden.
#pragma once

#include "imago/nn/activations.h"
#include "imago/nn/layers.h"
#include "imago/nn/vision/convolution_layers.h"
#include "imago/nn/weight_map.h"

namespace imago::nn {

// Each head's attention of queries [B, Q, D] to a map [B, D, height, width], of whose places visible [B, height, width]
// are no padding: [B, Q, H, height, width], which sums to 1 over all heads and places.
struct AttentionMap : Module {
  Linear q_proj, k_proj;
  int64_t heads;
  FIELDS(q_proj, k_proj)

  AttentionMap(int64_t hidden_size, int64_t head_count);
  Tensor operator()(const Tensor& queries_BQD, const Tensor& map_BDHW, const Tensor& visible_BHW) const;
};

// activation(norm(conv(x))), of 3 x 3 pixels; normalised in at most 8 groups of channels.
struct NormedConv : Module {
  struct Norm : Module {
    Tensor weight, bias;
    FIELDS(weight, bias)
  };
  Conv2d conv;
  Norm norm;
  Activation activation;
  FIELDS(conv, norm)

  NormedConv(int64_t in, int64_t out, Activation act);
  Tensor operator()(const Tensor& x) const;
};

// Makes maps larger step by step, with what a backbone saw at that size.
struct AttentionMaskHead : Module {
  struct Stage : Module {
    Conv2d fpn_adapter;
    NormedConv refine;
    FIELDS(fpn_adapter, refine)

    Stage(int64_t channels, int64_t in, int64_t out, Activation act);
    Tensor operator()(const Tensor& x, const Tensor& finer) const;
  };
  NormedConv conv1, conv2;
  std::vector<Stage> fpn_stages;
  Conv2d output_conv;
  FIELDS(conv1, conv2, fpn_stages, output_conv)

  // `channels` of the three finer maps, the finest last.
  AttentionMaskHead(int64_t hidden_size, int64_t heads, const std::vector<int64_t>& channels, Activation act);
  // map [B, D, height, width], attention of an AttentionMap, and the finer maps [B, channels, ...], the finest last:
  // masks' logits [B, Q, height', width'] of the finest one's size.
  Tensor operator()(const Tensor& map_BDHW, const Tensor& attention_BQHhw, const Tensors& finer) const;
};

// What DETR's first files call the layers of the head and of the map that stand at these names.
std::vector<WeightRule> older_mask_head_names(const std::string& head, const std::string& map);

}  // namespace imago::nn
