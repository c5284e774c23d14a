// RWKV 4 (Peng et al. 2023, "RWKV: Reinventing RNNs for the Transformer Era"). B batch, T tokens, D hidden, A channels
// of attention.
#include <cmath>

#include "imago/nn/activations.h"
#include "imago/nn/backbone.h"
#include "imago/nn/embeddings.h"
#include "imago/nn/heads/language_model.h"
#include "imago/nn/recorder.h"
#include "imago/nn/registry.h"
#include "imago/ops/binary/binary.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/concat/concat.h"
#include "imago/ops/operators.h"
#include "imago/ops/slice/slice.h"
#include "imago/ops/unary/unary.h"

namespace imago::rwkv {

// Each token's predecessor; `last` is that of the first (zeros where undefined) and becomes that of the next.
Tensor shifted(const Tensor& x_BTD, Tensor& last) {
  if (!last) last = Tensor::zeros({x_BTD.size(0), 1, x_BTD.size(2)}, x_BTD.dtype());
  const int64_t tokens = x_BTD.size(1);
  const Tensor before = concat({last, narrow(x_BTD, 1, 0, tokens - 1)}, 1);
  last = narrow(x_BTD, 1, tokens - 1, 1);
  return before;
}

Tensor mix(const Tensor& x, const Tensor& before, const Tensor& share) { return x * share + before * (1.0 - share); }

struct RwkvConfig : Config {
  static constexpr const char* kModelType = "rwkv";
  int64_t vocab_size = 50277, hidden_size = 4096, num_hidden_layers = 32;
  std::optional<int64_t> attention_hidden_size, intermediate_size;
  double layer_norm_epsilon = 1e-5;
  int64_t rescale_every = 6;                         // hidden states are halved behind so many layers; 0 for never
  JsonText context_length, max_position_embeddings;  // of no effect: the length that it was trained on
  FIELDS_AND(Config, vocab_size, hidden_size, num_hidden_layers, attention_hidden_size, intermediate_size,
             layer_norm_epsilon, rescale_every, context_length, max_position_embeddings)

  RwkvConfig() {
    tie_word_embeddings = false;
    bos_token_id = 0;
    eos_token_id = {0};
  }
  Tensor time_mix() const { return parameter({1, 1, hidden_size}); }
};

// A mean of the values of all tokens so far whose weights are exp(key), falling by the channel's decay with each token.
struct SelfAttention : Module {
  Tensor time_decay, time_first, time_mix_key, time_mix_value, time_mix_receptance;
  nn::Linear key, value, receptance, output;
  FIELDS(time_decay, time_first, time_mix_key, time_mix_value, time_mix_receptance, key, value, receptance, output)

  explicit SelfAttention(const RwkvConfig& c)
      : time_mix_key(c.time_mix()), time_mix_value(c.time_mix()), time_mix_receptance(c.time_mix()) {
    const int64_t size = c.attention_hidden_size.value_or(c.hidden_size);
    time_decay = parameter({size});
    time_first = parameter({size});
    for (nn::Linear* linear : {&key, &value, &receptance}) *linear = nn::Linear(c.hidden_size, size, false);
    output = nn::Linear(size, c.hidden_size, false);
  }
  // `last` is what came in at the token before [B, 1, D], `sums` the state of the mean; both undefined at the first.
  Tensor operator()(const Tensor& x_BTD, Tensor& last, Tensors& sums) const {
    const Tensor before = shifted(x_BTD, last);
    const Tensor gate = sigmoid(receptance(mix(x_BTD, before, time_mix_receptance)));
    return output(gate * mean(key(mix(x_BTD, before, time_mix_key)), value(mix(x_BTD, before, time_mix_value)), sums));
  }

 private:
  // Sums of values and of weights are kept as multiples of exp(largest), which would overflow.
  Tensor mean(const Tensor& key_BTA, const Tensor& value_BTA, Tensors& sums) const {
    const Tensor k = widen(key_BTA), v = widen(value_BTA), decay = -exp(widen(time_decay)), first = widen(time_first);
    const Shape one{k.size(0), k.size(2)};
    if (sums.empty())
      sums = {Tensor::zeros(one, k.dtype()), Tensor::zeros(one, k.dtype()), Tensor::full(one, -1e38, k.dtype())};
    Tensor &values = sums[0], &weights = sums[1], &largest = sums[2];
    Tensors outputs;
    for (int64_t t = 0; t < k.size(1); ++t) {
      const Tensor k_BA = select(k, 1, t), v_BA = select(v, 1, t);
      const Tensor own = k_BA + first, top = maximum(largest, own);
      const Tensor before = exp(largest - top), now = exp(own - top);
      outputs.push_back((before * values + now * v_BA) / (before * weights + now));
      const Tensor faded = largest + decay;
      largest = maximum(faded, k_BA);
      const Tensor kept = exp(faded - largest), added = exp(k_BA - largest);
      values = kept * values + added * v_BA;
      weights = kept * weights + added;
    }
    return cast(stack(outputs, 1), key_BTA.dtype());
  }
};

struct FeedForward : Module {
  Tensor time_mix_key, time_mix_receptance;
  nn::Linear key, receptance, value;
  FIELDS(time_mix_key, time_mix_receptance, key, receptance, value)

  explicit FeedForward(const RwkvConfig& c)
      : time_mix_key(c.time_mix()),
        time_mix_receptance(c.time_mix()),
        key(c.hidden_size, c.intermediate_size.value_or(4 * c.hidden_size), false),
        receptance(c.hidden_size, c.hidden_size, false),
        value(c.intermediate_size.value_or(4 * c.hidden_size), c.hidden_size, false) {}
  Tensor operator()(const Tensor& x_BTD, Tensor& last) const {
    const Tensor before = shifted(x_BTD, last);
    const Tensor gate = sigmoid(receptance(mix(x_BTD, before, time_mix_receptance)));
    return gate * value(nn::relu_squared(key(mix(x_BTD, before, time_mix_key))));
  }
};

struct Block : Module {
  nn::LayerNorm pre_ln, ln1, ln2;
  SelfAttention attention;
  FeedForward feed_forward;
  FIELDS(pre_ln, ln1, ln2, attention, feed_forward)

  Block(const RwkvConfig& c, int64_t layer_index)
      : ln1(c.hidden_size, c.layer_norm_epsilon),
        ln2(c.hidden_size, c.layer_norm_epsilon),
        attention(c),
        feed_forward(c),
        layer(layer_index),
        scale(1),
        scale_after(1) {
    if (layer == 0) pre_ln = nn::LayerNorm(c.hidden_size, c.layer_norm_epsilon);
    if (c.rescale_every <= 0) return;
    scale = std::exp2(-static_cast<double>(layer / c.rescale_every));
    if ((layer + 1) % c.rescale_every == 0) scale_after = 0.5;
  }
  Tensor operator()(const Tensor& x_BTD, KeyValueCache* cache, Tensors* attentions) const {
    Tensors states = cache != nullptr ? cache->state(layer) : Tensors{};
    Tensors sums(states.begin() + (states.empty() ? 0 : 2), states.end());
    states.resize(2);
    const Tensor x = pre_ln.weight ? pre_ln(x_BTD) : x_BTD;
    const Tensor attended = attention(ln1(x), states[0], sums) * scale;
    if (attentions != nullptr) attentions->push_back(attended);
    const Tensor h_BTD = x + attended;
    const Tensor y_BTD = h_BTD + feed_forward(ln2(h_BTD), states[1]) * scale;
    states.insert(states.end(), sums.begin(), sums.end());
    if (cache != nullptr) cache->set_state(layer, states, x_BTD.size(1));
    return y_BTD * scale_after;
  }

  int64_t layer;
  double scale, scale_after;  // of what the parts add, and of the sum
};

struct RwkvModel : nn::Backbone<RwkvConfig> {
  static constexpr nn::FieldName kBaseModelPrefix = "rwkv";
  static constexpr const char* kInputEmbeddings = "embeddings.weight";
  nn::Embedding embeddings;
  std::vector<Block> blocks;
  nn::LayerNorm ln_out;
  FIELDS(embeddings, blocks, ln_out)

  explicit RwkvModel(const RwkvConfig& c)
      : Backbone(c), embeddings(c.vocab_size, c.hidden_size), ln_out(c.hidden_size, 1e-5) {
    for (int64_t layer = 0; layer < c.num_hidden_layers; ++layer) blocks.emplace_back(c, layer);
  }
  WeightMap weight_map() const override {
    return {.base_model_prefix = "rwkv", .keep_in_float32 = {"*time_decay", "*time_first"}};
  }
  BaseModelOutput forward(const TextInputs& in) const override {
    nn::Recorder record(in);
    Tensor x_BTD = nn::embed(in, embeddings);
    // The reference's hidden states are what comes out of each layer, not what goes in.
    for (const Block& block : blocks) x_BTD = record(block(x_BTD, in.past_key_values, record.attentions()));
    return record.finish(ln_out(x_BTD));
  }
};

using RwkvForCausalLM = nn::AlsoServes<nn::ForCausalLM<RwkvModel, nn::LMHead, "head">, "AutoModelForPreTraining">;

}  // namespace imago::rwkv

REGISTER_MODELS(rwkv, RwkvModel, RwkvForCausalLM)
