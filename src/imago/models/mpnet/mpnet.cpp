// MPNet (Song et al. 2020, "MPNet: Masked and Permuted Pre-training for Language Understanding"). B batch, T tokens, D
// hidden.
#include <fmt/core.h>

#include "imago/base/error.h"
#include "imago/models/bert/bert.h"
#include "imago/nn/embeddings.h"
#include "imago/nn/registry.h"
#include "imago/nn/relative_position_bias.h"
#include "imago/ops/operators.h"

namespace imago::mpnet {

// The reference has these in its code, whatever config.json says.
constexpr int64_t kPadding = 1, kBuckets = 32, kMaxDistance = 128;

struct MPNetConfig : bert::DropoutConfig {
  static constexpr const char* kModelType = "mpnet";
  int64_t relative_attention_num_buckets = 32;
  FIELDS_AND(DropoutConfig, relative_attention_num_buckets)

  MPNetConfig() {
    vocab_size = 30527;
    pad_token_id = 1;
    bos_token_id = 0;
    eos_token_id = {2};
  }
  void validate() const override {
    require_heads("hidden_size", hidden_size, "num_attention_heads", num_attention_heads);
    if (is_decoder || add_cross_attention)
      throw Error(ErrorKind::kUnsupported, "config.json", "is_decoder", "MPNet is an encoder only");
    if (relative_attention_num_buckets == kBuckets) return;
    throw Error(ErrorKind::kUnsupported, "config.json",
                fmt::format("relative_attention_num_buckets {}", relative_attention_num_buckets),
                "distances fall into 32 buckets in the reference, whatever the table's size");
  }
  double head_dropout() const override { return hidden_dropout_prob; }
};

// Of words and positions; the latter begin behind kPadding, over what is not padding.
struct Embeddings : Module {
  nn::Embedding word_embeddings, position_embeddings;
  nn::LayerNorm LayerNorm;
  FIELDS(word_embeddings, position_embeddings, LayerNorm)

  explicit Embeddings(const MPNetConfig& c)
      : word_embeddings(c.vocab_size, c.hidden_size, kPadding),
        position_embeddings(c.max_position_embeddings, c.hidden_size, kPadding),
        LayerNorm(c.hidden_size, c.layer_norm_eps),
        dropped(c.hidden_dropout_prob) {}
  Tensor operator()(const TextInputs& in) const {
    const Tensor words_BTD = nn::embed(in, word_embeddings);
    const Tensor positions = nn::position_ids_behind_padding(in, words_BTD, kPadding);
    const Tensor places = nn::position_embeddings(positions, position_embeddings, "max_position_embeddings");
    return nn::dropout(LayerNorm(words_BTD + places), dropped);
  }

  double dropped;
};

// LayerNorm(attn(x) + x)
struct Attention : Module {
  nn::MultiHeadAttention<"q", "k", "v", "o"> attn;
  nn::LayerNorm LayerNorm;
  FIELDS(attn, LayerNorm)

  explicit Attention(const MPNetConfig& c)
      : attn({.hidden_size = c.hidden_size, .heads = c.num_attention_heads}),
        LayerNorm(c.hidden_size, c.layer_norm_eps),
        dropped(c.hidden_dropout_prob) {}
  Tensor operator()(const Tensor& x_BTD, const nn::AttentionContext& context) const {
    return LayerNorm(nn::dropout(attn(x_BTD, context), dropped) + x_BTD);
  }

  double dropped;
};

struct Layer : Module {
  Attention attention;
  bert::Intermediate intermediate;
  bert::Output output;
  FIELDS(attention, intermediate, output)

  explicit Layer(const MPNetConfig& c) : attention(c), intermediate(c), output(c) {}
  Tensor operator()(const Tensor& x_BTD, const nn::AttentionContext& context) const {
    const Tensor h_BTD = attention(x_BTD, context);
    return output(intermediate(h_BTD), h_BTD);
  }
};

// Each distance between query and key adds a number per head to the scores, the same in all layers.
struct Encoder : Module {
  std::vector<Layer> layer;
  nn::Embedding relative_attention_bias;
  FIELDS(layer, relative_attention_bias)

  explicit Encoder(const MPNetConfig& c)
      : layer(static_cast<size_t>(c.num_hidden_layers), Layer(c)),
        relative_attention_bias(c.relative_attention_num_buckets, c.num_attention_heads) {}
  BaseModelOutput operator()(Tensor x_BTD, const TextInputs& in, const MPNetConfig& c) const {
    nn::Recorder record(in);
    nn::AttentionContext context = nn::full_attention(in, x_BTD, record);
    context.mask.bias = nn::relative_position_bias(relative_attention_bias, /*bidirectional=*/true, kMaxDistance,
                                                   nullptr, x_BTD.size(1));
    const nn::AttentionDropout attention_dropout(c.attention_probs_dropout_prob);
    for (const Layer& each : layer) x_BTD = each(record(x_BTD), context);
    return record.finish(x_BTD);
  }
};

using MPNetModel = bert::PooledEncoder<MPNetConfig, Embeddings, "mpnet", Encoder, nn::Pooler, TextModel>;
using MPNetWithoutPooler = bert::WithoutPooler<MPNetModel>;

// Its activation is always gelu.
struct LMHead : nn::TransformedLMHead<"dense", "layer_norm"> {
  explicit LMHead(const MPNetConfig& c) : TransformedLMHead(c) { activation = nn::activation("gelu"); }
};

using MPNetForMaskedLM =
    nn::AlsoServes<nn::ForMaskedLM<MPNetWithoutPooler, LMHead, "lm_head">, "AutoModelForPreTraining">;
using MPNetForSequenceClassification =
    nn::ForSequenceClassification<MPNetWithoutPooler, nn::Pooling::kFirstToken, nn::ClassificationHead>;
using MPNetForMultipleChoice = nn::ForMultipleChoice<MPNetModel>;
using MPNetForTokenClassification = nn::ForTokenClassification<MPNetWithoutPooler>;
using MPNetForQuestionAnswering = nn::ForQuestionAnswering<MPNetWithoutPooler>;

}  // namespace imago::mpnet

REGISTER_MODELS(mpnet, MPNetModel, MPNetForMaskedLM, MPNetForSequenceClassification, MPNetForMultipleChoice,
                MPNetForTokenClassification, MPNetForQuestionAnswering)
