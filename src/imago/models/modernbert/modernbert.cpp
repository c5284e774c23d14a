// ModernBERT (Warner et al. 2024, "Smarter, Better, Faster, Longer: A Modern Bidirectional Encoder for Fast, Memory
// Efficient, and Long Context Finetuning and Inference"). B batch, T tokens, D hidden, H heads, K head size.
#include <fmt/core.h>

#include "imago/base/error.h"
#include "imago/nn/activations.h"
#include "imago/nn/backbone.h"
#include "imago/nn/dropout.h"
#include "imago/nn/embeddings.h"
#include "imago/nn/gated_activation.h"
#include "imago/nn/grouped_query_attention.h"
#include "imago/nn/heads/classification.h"
#include "imago/nn/heads/question_answering.h"
#include "imago/nn/layer_window.h"
#include "imago/nn/losses.h"
#include "imago/nn/registry.h"
#include "imago/nn/rotary.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/operators.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/slice/slice.h"

namespace imago::modernbert {

struct ModernBertConfig : Config {
  static constexpr const char* kModelType = "modernbert";
  int64_t vocab_size = 50368, hidden_size = 768, intermediate_size = 1152, num_hidden_layers = 22;
  int64_t num_attention_heads = 12, max_position_embeddings = 8192, local_attention = 128;
  std::string hidden_activation = "gelu", classifier_activation = "gelu", classifier_pooling = "cls";
  double norm_eps = 1e-5, attention_dropout = 0, embedding_dropout = 0, mlp_dropout = 0, classifier_dropout = 0;
  bool norm_bias = false, attention_bias = false, mlp_bias = false, decoder_bias = true, classifier_bias = false;
  bool sparse_prediction = false;
  int64_t global_attn_every_n_layers = 3;
  std::optional<std::vector<std::string>> layer_types;
  double global_rope_theta = 160000, local_rope_theta = 10000;
  JsonText rope_parameters;
  // Of no effect: training, and what early files have beside the keys that count.
  JsonText deterministic_flash_attn, sparse_pred_ignore_index, reference_compile, repad_logits_with_grad,
      initializer_cutoff_factor, layer_norm_eps;
  FIELDS_AND(Config, vocab_size, hidden_size, intermediate_size, num_hidden_layers, num_attention_heads,
             max_position_embeddings, local_attention, hidden_activation, classifier_activation, classifier_pooling,
             norm_eps, attention_dropout, embedding_dropout, mlp_dropout, classifier_dropout, norm_bias, attention_bias,
             mlp_bias, decoder_bias, classifier_bias, sparse_prediction, global_attn_every_n_layers, layer_types,
             global_rope_theta, local_rope_theta, rope_parameters, deterministic_flash_attn, sparse_pred_ignore_index,
             reference_compile, repad_logits_with_grad, initializer_cutoff_factor, layer_norm_eps)

  ModernBertConfig() {
    pad_token_id = 50283;
    eos_token_id = {50282};
    bos_token_id = 50281;
  }
  void validate() const override {
    require_heads("hidden_size", hidden_size, "num_attention_heads", num_attention_heads);
    if (classifier_pooling != "cls" && classifier_pooling != "mean")
      throw Error(ErrorKind::kUnsupported, "config.json", fmt::format("classifier_pooling \"{}\"", classifier_pooling),
                  "use cls or mean");
    if (sparse_prediction)
      throw Error(ErrorKind::kUnsupported, "config.json", "sparse_prediction",
                  "logits are of all tokens: set it false");
    if (global_attn_every_n_layers < 1 || local_attention < 0)
      throw Error(ErrorKind::kInvalidFile, "config.json",
                  fmt::format("global_attn_every_n_layers {}, local_attention {}", global_attn_every_n_layers,
                              local_attention));
  }
  // How far a layer's tokens see to either side, their own position included; all the way where absent.
  std::optional<int64_t> window(int64_t layer) const {
    return nn::layer_window(layer_types, layer, local_attention / 2 + 1, layer % global_attn_every_n_layers != 0);
  }
  nn::RotaryConfig rotary(bool sliding) const {
    const JsonText own = nn::rope_parameters_of(sliding ? "sliding_attention" : "full_attention", rope_parameters);
    return nn::RotaryConfig::read(own, {}, sliding ? local_rope_theta : global_rope_theta,
                                  hidden_size / num_attention_heads, max_position_embeddings);
  }
  nn::LayerNorm norm() const { return {hidden_size, norm_eps, norm_bias}; }
};

struct Embeddings : Module {
  nn::Embedding tok_embeddings;
  nn::LayerNorm norm;
  FIELDS(tok_embeddings, norm)

  explicit Embeddings(const ModernBertConfig& c)
      : tok_embeddings(c.vocab_size, c.hidden_size, c.pad_token_id), norm(c.norm()) {}
};

struct Attention : Module {
  nn::Linear Wqkv, Wo;
  FIELDS(Wqkv, Wo)

  Attention(const ModernBertConfig& c, int64_t layer)
      : Wqkv(c.hidden_size, 3 * c.hidden_size, c.attention_bias),
        Wo(c.hidden_size, c.hidden_size, c.attention_bias),
        heads(c.num_attention_heads),
        window(c.window(layer)),
        dropped(c.attention_dropout) {}
  Tensor operator()(const Tensor& x_BTD, const nn::RotaryContext& context) const {
    const Tensors parts = chunk(Wqkv(x_BTD), 3, -1);
    const Tensor q_BHTK = nn::rotate(nn::split_heads(parts[0], heads), context.angles);
    const Tensor k_BHTK = nn::rotate(nn::split_heads(parts[1], heads), context.angles);
    const KeysValues all{k_BHTK, nn::split_heads(parts[2], heads)};
    const Tensor attended = nn::attend(q_BHTK, all, nn::within(context.attention, window));
    return nn::dropout(Wo(nn::merge_heads(attended)), dropped);
  }

  int64_t heads;
  std::optional<int64_t> window;
  double dropped;
};

// Wo(activation(a) b), a and b being the halves of Wi x.
struct MLP : Module {
  nn::Linear Wi, Wo;
  FIELDS(Wi, Wo)

  explicit MLP(const ModernBertConfig& c)
      : Wi(c.hidden_size, 2 * c.intermediate_size, c.mlp_bias),
        Wo(c.intermediate_size, c.hidden_size, c.mlp_bias),
        activation(c.hidden_activation),
        dropped(c.mlp_dropout) {
    nn::activation(activation);  // a name that is unknown is told now
  }
  Tensor operator()(const Tensor& x_BTD) const {
    const Tensors halves = chunk(Wi(x_BTD), 2, -1);
    return Wo(nn::dropout(nn::gated_activation(activation, halves[0], halves[1]), dropped));
  }

  std::string activation;
  double dropped;
};

struct EncoderLayer : Module {
  nn::LayerNorm attn_norm;  // not in the first layer, whose input is normalised
  Attention attn;
  nn::LayerNorm mlp_norm;
  MLP mlp;
  FIELDS(attn_norm, attn, mlp_norm, mlp)

  EncoderLayer(const ModernBertConfig& c, int64_t layer) : attn(c, layer), mlp_norm(c.norm()), mlp(c) {
    if (layer > 0) attn_norm = c.norm();
  }
  Tensor operator()(const Tensor& x_BTD, const nn::RotaryContext& context) const {
    const Tensor h_BTD = x_BTD + attn(attn_norm.weight ? attn_norm(x_BTD) : x_BTD, context);
    return h_BTD + mlp(mlp_norm(h_BTD));
  }
};

struct ModernBertModel : nn::Backbone<ModernBertConfig> {
  static constexpr nn::FieldName kBaseModelPrefix = "model";
  static constexpr const char* kInputEmbeddings = "embeddings.tok_embeddings.weight";
  Embeddings embeddings;
  std::vector<EncoderLayer> layers;
  nn::LayerNorm final_norm;
  FIELDS(embeddings, layers, final_norm)

  explicit ModernBertModel(const ModernBertConfig& c)
      : Backbone(c), embeddings(c), final_norm(c.norm()), local_(c.rotary(true)), global_(c.rotary(false)) {
    for (int64_t layer = 0; layer < c.num_hidden_layers; ++layer) layers.emplace_back(c, layer);
  }
  WeightMap weight_map() const override { return {.base_model_prefix = "model"}; }
  BaseModelOutput forward(const TextInputs& in) const override {
    nn::Recorder record(in);
    Tensor x_BTD = nn::dropout(embeddings.norm(nn::embed(in, embeddings.tok_embeddings)), config().embedding_dropout);
    const nn::AttentionContext attention = nn::full_attention(in, x_BTD, record);
    const Tensor positions = nn::position_ids(in, x_BTD);
    const nn::RotaryContext local{local_(positions, x_BTD.dtype()), attention};
    const nn::RotaryContext global{global_(positions, x_BTD.dtype()), attention};
    const nn::AttentionDropout attention_dropout(config().attention_dropout);
    for (const EncoderLayer& layer : layers) x_BTD = layer(record(x_BTD), layer.attn.window ? local : global);
    return record.finish(final_norm(x_BTD));
  }

 private:
  nn::Rotary local_, global_;
};

struct LMHead : nn::FlatLMHead<"head.dense", "head.norm", "decoder"> {
  explicit LMHead(const ModernBertConfig& c) : FlatLMHead(c, c.classifier_activation, c.norm_eps) {
    if (!c.classifier_bias) dense.bias = {};
    if (!c.norm_bias) norm.bias = {};
    if (!c.decoder_bias) decoder.bias = {};
  }
};

// classifier(norm(activation(dense x)))
template <class Scores>
struct PredictionScores : Module {
  nn::Linear dense;
  nn::LayerNorm norm;
  Scores classifier;
  void each_field(FieldVisitor& visitor) {
    imago::internal::visit_field(visitor, "head.dense", dense);
    imago::internal::visit_field(visitor, "head.norm", norm);
    imago::internal::visit_field(visitor, "classifier", classifier);
  }

  explicit PredictionScores(const ModernBertConfig& c)
      : dense(c.hidden_size, c.hidden_size, c.classifier_bias),
        norm(c.norm()),
        classifier(c),
        activation(nn::activation(c.classifier_activation)),
        dropped(c.classifier_dropout) {}
  Tensor operator()(const Tensor& x) const { return classifier(nn::dropout(norm(activation(dense(x))), dropped)); }

  nn::Activation activation;
  double dropped;
};

template <class Interface, class Scores>
using Predicting = nn::WithHead<Interface, ModernBertModel, PredictionScores<Scores>, "">;

// [B, D]: the token at `first`, or the mean of those that are no padding.
Tensor pooled(const ModernBertConfig& c, const Tensor& x_BTD, const TextInputs& in, bool first_visible) {
  const Tensor& mask = in.attention_mask;
  if (c.classifier_pooling == "mean") {
    if (!mask) return mean(x_BTD, {1});
    const Tensor tokens_BT = cast(mask, x_BTD.dtype());
    return sum(x_BTD * unsqueeze(tokens_BT, 2), {1}) / sum(tokens_BT, {1}, true);
  }
  return first_visible && mask ? nn::at_positions(x_BTD, argmax(mask, 1)) : select(x_BTD, 1, 0);
}

struct ModernBertForSequenceClassification : Predicting<SequenceClassification, nn::LabelScores<true>> {
  using WithHead::WithHead;
  LogitsOutput forward(const TextInputs& in) const override {
    BaseModelOutput below = base.forward(in);
    Tensor logits = head(pooled(config(), below.last_hidden_state, in, /*first_visible=*/false));
    Tensor loss = nn::sequence_classification_loss(logits, in.labels, config());
    return logits_output(std::move(logits), std::move(loss), std::move(below));
  }
};

struct ModernBertForMultipleChoice : Predicting<MultipleChoice, nn::Scores<1>> {
  using WithHead::WithHead;
  LogitsOutput forward(const TextInputs& in) const override {
    const TextInputs rows = nn::flatten_choices(in);
    BaseModelOutput below = base.forward(rows);
    Tensor logits = reshape(head(pooled(config(), below.last_hidden_state, rows, /*first_visible=*/true)),
                            {-1, nn::number_of_choices(in)});
    Tensor loss = nn::token_loss(logits, in.labels);
    return logits_output(std::move(logits), std::move(loss), std::move(below));
  }
};

struct ModernBertForTokenClassification : Predicting<TokenClassification, nn::LabelScores<true>> {
  using WithHead::WithHead;
  LogitsOutput forward(const TextInputs& in) const override { return nn::predict_tokens(base, head_function(), in); }
};

struct ModernBertForQuestionAnswering : Predicting<QuestionAnswering, nn::Scores<2>> {
  using WithHead::WithHead;
  QuestionAnsweringOutput forward(const TextInputs& in) const override {
    return nn::answer_question(base, head_function(), in);
  }
};

using ModernBertForMaskedLM = nn::ForMaskedLM<ModernBertModel, LMHead, "">;

}  // namespace imago::modernbert

REGISTER_MODELS(modernbert, ModernBertModel, ModernBertForMaskedLM, ModernBertForSequenceClassification,
                ModernBertForMultipleChoice, ModernBertForTokenClassification, ModernBertForQuestionAnswering)
