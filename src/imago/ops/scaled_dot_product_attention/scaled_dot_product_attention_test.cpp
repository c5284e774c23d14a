// Expected values are torch's, in float64 unless a test says otherwise.
#include "imago/ops/scaled_dot_product_attention/scaled_dot_product_attention.h"

#include <gtest/gtest.h>

#include "imago/ops/cast/cast.h"
#include "imago/ops/expect.h"
#include "imago/ops/op_table.h"
#include "imago/ops/scaled_dot_product_attention/score_matrix.h"

namespace imago {
namespace {

// By decomposition in float64, and by the kernel in float32 and bfloat16.
void expect_attention(const Tensor& q, const Tensor& k, const Tensor& v, const AttentionMask& mask,
                      const AttentionOptions& options, const Shape& shape, const std::vector<double>& expected) {
  const auto attend = [&](DType dtype) {
    AttentionOptions cast_options = options;
    if (options.sinks.defined()) cast_options.sinks = cast(options.sinks, dtype);
    return scaled_dot_product_attention(cast(q, dtype), cast(k, dtype), cast(v, dtype), mask, cast_options);
  };
  expect_tensor(attend(DType::f64), shape, expected, 1e-14);
  expect_tensor(attend(DType::f32), shape, expected, 1e-6);
  expect_tensor(attend(DType::bf16), shape, expected, 2e-2);
  expect_tensor(attention_with_weights(q, k, v, mask, options)[0], shape, expected, 1e-14);
}

TEST(Attention, IsTorchs) {
  const Tensor q = sample_values({1, 4, 2, 4}), k = sample_values({1, 2, 3, 4}, -2, 2, 2);
  const Tensor v = sample_values({1, 2, 3, 2}, -2, 2, 3);
  expect_attention(q, k, v, {}, {}, {1, 4, 2, 2},
                   {0.034885834815251066, 0.3478570222768596, 0.6692431553037003, -0.5114217820214678,
                    0.15360858960323837, -0.2571218509444141, 0.2779088647431157, -0.5797674031521661,
                    1.3850604018794557, -0.24773637988953817, 0.4616994370895635, 0.19763596016631144,
                    0.8829891852254619, 0.10351440572426032, -0.026761294671309128, 0.721498038316511});
}

TEST(Attention, Causal) {
  const Tensor q = sample_values({1, 2, 3, 4}), k = sample_values({1, 1, 5, 4}, -2, 2, 2);
  const Tensor v = sample_values({1, 1, 5, 2}, -2, 2, 3);
  AttentionMask mask;
  mask.causal = true;
  expect_attention(q, k, v, mask, {}, {1, 2, 3, 2},
                   {0.03488583481525112, 0.3478570222768595, 0.5456755111083662, -0.3408941544300197,
                    0.13304313784430677, -0.1704412328211479, 0.2779088647431156, -0.5797674031521659,
                    0.3468759358614903, -0.7204106098730751, 0.8227187596495498, -0.6360148397556336});
}

TEST(Attention, CausalWindow) {
  const Tensor q = sample_values({1, 2, 3, 4}), k = sample_values({1, 1, 5, 4}, -2, 2, 2);
  const Tensor v = sample_values({1, 1, 5, 2}, -2, 2, 3);
  AttentionMask mask;
  mask.causal = true;
  mask.window = 2;
  expect_attention(q, k, v, mask, {}, {1, 2, 3, 2},
                   {0.747130253636713, -1.3515090283608906, -0.09229731162184396, -0.15600042772144762,
                    -0.09173145178759712, 0.7769534850816637, 0.6800549136619435, -1.719770393780411,
                    0.42115272554414834, -1.2398251857775093, 0.4050343700003298, 0.215663051270642});
}

TEST(Attention, WindowOnBothSides) {
  const Tensor q = sample_values({1, 2, 3, 4}), k = sample_values({1, 1, 5, 4}, -2, 2, 2);
  const Tensor v = sample_values({1, 1, 5, 2}, -2, 2, 3);
  AttentionMask mask;
  mask.window = 2;
  expect_attention(q, k, v, mask, {}, {1, 2, 3, 2},
                   {0.023460943665810474, -0.05682725543395051, 0.9400198031013639, -0.6572928050305872,
                    -0.09173145178759712, 0.7769534850816637, 0.25416005192792696, -0.8372061163238793,
                    0.8400340779739845, -1.069609381465118, 0.4050343700003298, 0.215663051270642});
}

TEST(Attention, Prefix) {
  const Tensor q = sample_values({1, 2, 3, 4}), k = sample_values({1, 1, 5, 4}, -2, 2, 2);
  const Tensor v = sample_values({1, 1, 5, 2}, -2, 2, 3);
  AttentionMask mask;
  mask.causal = true;
  mask.query_offset = 0;
  mask.prefix = 2;
  expect_attention(q, k, v, mask, {}, {1, 2, 3, 2},
                   {-0.18783411295569097, 1.0882731972369823, 0.6690227334275407, -0.3766419587269863,
                    0.15360858960323837, -0.2571218509444141, -0.3873354324850265, 1.4293482646148339,
                    0.17756518184662218, 0.46357262187967285, 0.8361665805442298, -0.6634355718258428});
}

TEST(Attention, QueriesInTheMiddle) {
  const Tensor q = sample_values({1, 2, 3, 4}), k = sample_values({1, 1, 5, 4}, -2, 2, 2);
  const Tensor v = sample_values({1, 1, 5, 2}, -2, 2, 3);
  AttentionMask mask;
  mask.causal = true;
  mask.query_offset = 1;
  expect_attention(q, k, v, mask, {}, {1, 2, 3, 2},
                   {-0.18783411295569097, 1.0882731972369823, 0.6692431553037003, -0.5114217820214679,
                    0.09095691272369721, -0.14673739824837273, -0.3873354324850265, 1.4293482646148339,
                    0.5037627056439747, -1.010674369705788, 0.812472153475516, -0.6317237890811337});
}

TEST(Attention, QueriesInTheMiddleOfAWindow) {
  const Tensor q = sample_values({1, 2, 3, 4}), k = sample_values({1, 1, 5, 4}, -2, 2, 2);
  const Tensor v = sample_values({1, 1, 5, 2}, -2, 2, 3);
  AttentionMask mask;
  mask.window = 2;
  mask.query_offset = 1;
  expect_attention(q, k, v, mask, {}, {1, 2, 3, 2},
                   {0.03488583481525112, 0.3478570222768595, 0.6879118719208693, -0.607959565203283, 0.5623020110268756,
                    -1.4043329141065417, 0.2779088647431156, -0.5797674031521659, 0.5002395551232691,
                    -1.1451934975814577, 0.41108220267171447, 0.17061015235929833});
}

TEST(Attention, AQueryWithoutKeysGetsZeros) {
  const Tensor q = sample_values({1, 2, 3, 4}), k = sample_values({1, 1, 5, 4}, -2, 2, 2);
  const Tensor v = sample_values({1, 1, 5, 2}, -2, 2, 3);
  AttentionMask mask;
  mask.causal = true;
  mask.query_offset = -1;
  expect_attention(q, k, v, mask, {}, {1, 2, 3, 2},
                   {0, 0, -0.49690397666802566, 1.616670828083966, -0.4765989693219743, 1.5819566128346585, 0, 0,
                    -0.49690397666802566, 1.616670828083966, 0.8362900424634908, -0.6626085319513785});
}

TEST(Attention, Padding) {
  const Tensor q = sample_values({1, 2, 3, 4}), k = sample_values({1, 1, 5, 4}, -2, 2, 2);
  const Tensor v = sample_values({1, 1, 5, 2}, -2, 2, 3);
  AttentionMask mask;
  mask.causal = true;
  mask.key_padding = cast(Tensor::from<int64_t>({0, 0, 1, 1, 1}, {1, 5}), DType::boolean);
  expect_attention(q, k, v, mask, {}, {1, 2, 3, 2},
                   {0.671297943054356, -1.7678484796179457, -0.09229731162184396, -0.15600042772144762,
                    0.5623020110268756, -1.4043329141065417, 0.671297943054356, -1.7678484796179457,
                    0.42115272554414834, -1.2398251857775093, 0.41108220267171447, 0.17061015235929833});
}

TEST(Attention, BiasPerHead) {
  const Tensor q = sample_values({1, 2, 3, 4}), k = sample_values({1, 1, 5, 4}, -2, 2, 2);
  const Tensor v = sample_values({1, 1, 5, 2}, -2, 2, 3);
  AttentionMask mask;
  mask.bias = sample_values({2, 1, 5}, -1, 1, 4);
  expect_attention(q, k, v, mask, {}, {1, 2, 3, 2},
                   {-0.05840687298207803, 0.7250483033509143, 0.7725971312305479, -0.46967952585169487,
                    -0.08066825926623383, 0.4836380078108284, 0.4154113909761338, -0.9191382413158974,
                    0.759123559797469, -1.10284675001157, 0.8516861661989552, -0.6871270340918407});
}

TEST(Attention, SoftcapScaleAndSinks) {
  const Tensor q = sample_values({1, 2, 3, 4}), k = sample_values({1, 1, 5, 4}, -2, 2, 2);
  const Tensor v = sample_values({1, 1, 5, 2}, -2, 2, 3);
  AttentionMask mask;
  mask.causal = true;
  const AttentionOptions options{0.3, 1.5, sample_values({2}, -1, 1, 4)};
  expect_attention(q, k, v, mask, options, {1, 2, 3, 2},
                   {0.11269268370129462, 0.027270737499973274, 0.1379842519712275, -0.027840625636533528,
                    0.09382849166850338, -0.014574196299599516, 0.15820996248533814, -0.23998343176409476,
                    0.09263922742597559, -0.12872292591470266, 0.40464311868985336, -0.15165763043888675});
}

TEST(Attention, ShowsItsWeights) {
  const Tensor q = sample_values({1, 2, 3, 4}), k = sample_values({1, 1, 5, 4}, -2, 2, 2);
  const Tensor v = sample_values({1, 1, 5, 2}, -2, 2, 3);
  expect_tensor(
      attention_with_weights(q, k, v)[1], {1, 2, 3, 5},
      {0.40544571699082,     0.11913763361671471,  0.18358415079827495,   0.20522687661870856,  0.08660562197548191,
       0.08566584019843572,  0.5123088675936949,   0.06414614207495695,   0.05146774709923885,  0.2864114030336736,
       0.4070206495603718,   0.006164900652921048, 0.5029901720929975,    0.05057482182208358,  0.03324945587162624,
       0.25734611132714863,  0.022533855856139904, 0.4732936483045271,    0.16266973053881506,  0.08415665397336947,
       0.09837153759417225,  0.09665909789671566,  0.3797321169272396,    0.06483184567857422,  0.3604054019032981,
       0.019700011878741434, 0.9483831664074658,   0.0007249493233844214, 0.012365079872727471, 0.01882679251768082});
}

TEST(Attention, GradientsByExampleAreThoseOfTheBatch) {
  const op::ScaledDotProductAttention op{0.5, 2, true, 3, 0, 1};
  const Tensors inputs = {sample_values({3, 4, 4, 2}),           sample_values({3, 2, 5, 2}, -2, 2, 2),
                          sample_values({3, 2, 5, 3}, -2, 2, 3), cast(sample_indices({3, 5}, 2), DType::boolean),
                          sample_values({4, 4, 5}, -1, 1, 4),    sample_values({4}, -1, 1, 5)};
  const Tensors outputs = {apply_multiple(op, inputs)};
  const Tensors grads = {sample_values({3, 4, 4, 3}, -1, 1, 6)};
  const Backward b{inputs, outputs, grads, {true, true, true, false, true, true}};
  const Tensors whole = attention_gradients(op, b, 1 << 20), parts = attention_gradients(op, b, 0);
  for (size_t i : {0, 1, 2, 4, 5}) expect_tensor(parts[i], inputs[i].shape(), whole[i].to_vector<double>());
  EXPECT_FALSE(parts[3].defined());
}

TEST(Attention, NamesWhatDoesNotFit) {
  const Tensor q = Tensor::ones({1, 4, 2, 8});
  const auto attend = [&](const Shape& key, const Shape& value, const AttentionMask& mask = {}) {
    return scaled_dot_product_attention(q, Tensor::ones(key), Tensor::ones(value), mask);
  };
  const auto kind = ErrorKind::kInvalidArgument;
  expect_error(kind, "do not meet", [&] { attend({1, 3, 5, 8}, {1, 3, 5, 8}); });
  expect_error(kind, "do not meet", [&] { attend({1, 2, 5, 8}, {1, 2, 4, 8}); });
  expect_error(kind, "do not meet", [&] { attend({1, 2, 5, 6}, {1, 2, 5, 6}); });
  AttentionMask mask;
  mask.key_padding = Tensor::ones({1, 5});
  expect_error(kind, "not bool", [&] { attend({1, 2, 5, 8}, {1, 2, 5, 8}, mask); });
  mask.key_padding = Tensor::ones({1, 4}, DType::boolean);
  expect_error(kind, "key_padding is bool [1, 4]", [&] { attend({1, 2, 5, 8}, {1, 2, 5, 8}, mask); });
  mask.key_padding = {};
  mask.bias = Tensor::ones({3, 5});
  expect_error(kind, "shapes [3, 5] and [1, 4, 2, 5] do not broadcast", [&] {
    attend({1, 2, 5, 8}, {1, 2, 5, 8}, mask);
  });
}

}  // namespace
}  // namespace imago
