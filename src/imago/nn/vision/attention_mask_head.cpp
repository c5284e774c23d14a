#include "imago/nn/vision/attention_mask_head.h"

#include <algorithm>
#include <cmath>

#include "imago/nn/attention.h"
#include "imago/nn/keep_finite.h"
#include "imago/ops/concat/concat.h"
#include "imago/ops/expand/expand.h"
#include "imago/ops/group_norm/group_norm.h"
#include "imago/ops/interpolate/interpolate.h"
#include "imago/ops/matmul/matmul.h"
#include "imago/ops/operators.h"
#include "imago/ops/permute/permute.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/softmax/softmax.h"
#include "imago/ops/where/where.h"

namespace imago::nn {
namespace {

constexpr int64_t kGroups = 8;

// [B, ...] -> [B * Q, ...]: the same for every query.
Tensor for_each_query(const Tensor& x, int64_t queries) {
  Shape shape = x.shape();
  shape.insert(1, queries);
  return flatten(expand(unsqueeze(x, 1), shape), 0, 1);
}

}  // namespace

AttentionMap::AttentionMap(int64_t hidden_size, int64_t head_count)
    : q_proj(hidden_size, hidden_size), k_proj(hidden_size, hidden_size), heads(head_count) {}

Tensor AttentionMap::operator()(const Tensor& queries_BQD, const Tensor& map_BDHW, const Tensor& visible_BHW) const {
  const int64_t batch = map_BDHW.size(0), queries = queries_BQD.size(1), height = map_BDHW.size(2),
                width = map_BDHW.size(3);
  const Tensor q_BHQK = split_heads(q_proj(queries_BQD), heads);
  const Tensor k_BHNK = split_heads(k_proj(to_tokens(map_BDHW)), heads);
  const double scale = 1 / std::sqrt(static_cast<double>(q_BHQK.size(3)));
  Tensor scores_BQHN = transpose(matmul(q_BHQK * scale, transpose(k_BHNK, 2, 3)), 1, 2);
  const DType dtype = scores_BQHN.dtype();
  const Tensor bias = where(visible_BHW, Tensor::zeros({}, dtype), Tensor::full({}, lowest(dtype), dtype));
  scores_BQHN = scores_BQHN + reshape(bias, {batch, 1, 1, height * width});
  return reshape(softmax(flatten(scores_BQHN, 2, 3), -1), {batch, queries, heads, height, width});
}

NormedConv::NormedConv(int64_t in, int64_t out, Activation act)
    : conv(in, out, 3, {.padding = 1}), norm{{}, parameter({out}), parameter({out})}, activation(act) {}

Tensor NormedConv::operator()(const Tensor& x) const {
  return activation(group_norm(conv(x), std::min(kGroups, norm.weight.size(0)), norm.weight, norm.bias));
}

AttentionMaskHead::Stage::Stage(int64_t channels, int64_t in, int64_t out, Activation act)
    : fpn_adapter(channels, in, 1), refine(in, out, act) {}

Tensor AttentionMaskHead::Stage::operator()(const Tensor& x, const Tensor& finer) const {
  const Tensor seen = fpn_adapter(finer);  // once for all queries, whose number then is that of x
  const Tensor larger = interpolate(x, {.size = {seen.size(2), seen.size(3)}});
  return refine(for_each_query(seen, x.size(0) / seen.size(0)) + larger);
}

AttentionMaskHead::AttentionMaskHead(int64_t hidden_size, int64_t heads, const std::vector<int64_t>& channels,
                                     Activation act)
    : conv1(hidden_size + heads, hidden_size + heads, act),
      conv2(hidden_size + heads, hidden_size / 2, act),
      output_conv(hidden_size / 16, 1, 3, {.padding = 1}) {
  int64_t size = hidden_size / 2;
  for (const int64_t each : channels) {
    fpn_stages.emplace_back(each, size, size / 2, act);
    size /= 2;
  }
}

Tensor AttentionMaskHead::operator()(const Tensor& map_BDHW, const Tensor& attention_BQHhw,
                                     const Tensors& finer) const {
  const int64_t batch = attention_BQHhw.size(0), queries = attention_BQHhw.size(1);
  Tensor x = concat({for_each_query(map_BDHW, queries), flatten(attention_BQHhw, 0, 1)}, 1);
  x = conv2(conv1(x));
  for (size_t i = 0; i < fpn_stages.size(); ++i) x = fpn_stages[i](x, finer[i]);
  const Tensor masks = output_conv(x);
  return reshape(masks, {batch, queries, masks.size(2), masks.size(3)});
}

std::vector<WeightRule> older_mask_head_names(const std::string& head, const std::string& map) {
  std::vector<WeightRule> rules;
  const auto rename = [&](const std::string& from, const std::string& to) {
    rules.push_back({"*" + from + ".*", "*" + to + ".*"});
  };
  rename(map + ".q_linear", map + ".q_proj");
  rename(map + ".k_linear", map + ".k_proj");
  for (int i = 1; i <= 2; ++i) {
    const std::string number = std::to_string(i);
    rename(head + ".lay" + number, head + ".conv" + number + ".conv");
    rename(head + ".gn" + number, head + ".conv" + number + ".norm");
  }
  for (int i = 0; i < 3; ++i) {
    const std::string stage = head + ".fpn_stages." + std::to_string(i), number = std::to_string(i + 3);
    rename(head + ".adapter" + std::to_string(i + 1), stage + ".fpn_adapter");
    rename(head + ".lay" + number, stage + ".refine.conv");
    rename(head + ".gn" + number, stage + ".refine.norm");
  }
  rename(head + ".out_lay", head + ".output_conv");
  return rules;
}

}  // namespace imago::nn
