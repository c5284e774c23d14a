// OPT (Zhang et al. 2022, "OPT: Open Pre-trained Transformer Language Models"). B batch, T tokens, D hidden.
#include "imago/nn/activations.h"
#include "imago/nn/backbone.h"
#include "imago/nn/dropout.h"
#include "imago/nn/embeddings.h"
#include "imago/nn/heads/classification.h"
#include "imago/nn/heads/question_answering.h"
#include "imago/nn/multi_head_attention.h"
#include "imago/nn/registry.h"
#include "imago/nn/word_table.h"
#include "imago/ops/operators.h"

namespace imago::opt {

// The first rows of the table are of positions before the first: row 1 is of padding, row 2 of the first token.
constexpr int64_t kFirstPosition = 2;

struct OPTConfig : Config {
  static constexpr const char* kModelType = "opt";
  int64_t vocab_size = 50272, hidden_size = 768, ffn_dim = 3072;
  int64_t num_hidden_layers = 12, num_attention_heads = 12, max_position_embeddings = 2048;
  std::optional<int64_t> word_embed_proj_dim;  // size of embeddings and of the output; hidden_size where absent
  bool do_layer_norm_before = true, _remove_final_layer_norm = false;
  std::string activation_function = "relu";
  bool enable_bias = true, layer_norm_elementwise_affine = true;
  double dropout = 0.1, attention_dropout = 0;
  // Of no effect: for training, and in the files of Galactica.
  JsonText layerdrop, init_std, activation_dropout, learned_embeddings, scale_embeddings;
  FIELDS_AND(Config, vocab_size, hidden_size, ffn_dim, num_hidden_layers, num_attention_heads, max_position_embeddings,
             word_embed_proj_dim, do_layer_norm_before, _remove_final_layer_norm, activation_function, enable_bias,
             layer_norm_elementwise_affine, dropout, attention_dropout, layerdrop, init_std, activation_dropout,
             learned_embeddings, scale_embeddings)

  OPTConfig() {
    pad_token_id = 1;
    bos_token_id = 2;
    eos_token_id = {2};
  }
  void validate() const override {
    require_heads("hidden_size", hidden_size, "num_attention_heads", num_attention_heads);
  }
  int64_t output_size() const { return word_embed_proj_dim.value_or(hidden_size); }
};

// Without layer_norm_elementwise_affine it has no parameters.
struct LayerNorm : nn::LayerNorm {
  explicit LayerNorm(const OPTConfig& c) : nn::LayerNorm(c.hidden_size, 1e-5) {
    if (!c.layer_norm_elementwise_affine) weight = bias = {};
  }
};

struct DecoderLayer : Module {
  nn::MultiHeadAttention<"q_proj", "k_proj", "v_proj", "out_proj"> self_attn;
  LayerNorm self_attn_layer_norm, final_layer_norm;
  nn::Linear fc1, fc2;
  FIELDS(self_attn, self_attn_layer_norm, fc1, fc2, final_layer_norm)

  DecoderLayer(const OPTConfig& c, int64_t layer)
      : self_attn(
            {.hidden_size = c.hidden_size, .heads = c.num_attention_heads, .layer = layer, .bias = c.enable_bias}),
        self_attn_layer_norm(c),
        final_layer_norm(c),
        fc1(c.hidden_size, c.ffn_dim, c.enable_bias),
        fc2(c.ffn_dim, c.hidden_size, c.enable_bias),
        activation(nn::activation(c.activation_function)),
        norm_before(c.do_layer_norm_before),
        dropped(c.dropout) {}
  Tensor operator()(const Tensor& x_BTD, const nn::AttentionContext& context) const {
    const auto attend = [&](const Tensor& x) { return nn::dropout(self_attn(x, context), dropped); };
    const auto mlp = [&](const Tensor& x) { return nn::dropout(fc2(activation(fc1(x))), dropped); };
    if (norm_before) {
      const Tensor h_BTD = x_BTD + attend(self_attn_layer_norm(x_BTD));
      return h_BTD + mlp(final_layer_norm(h_BTD));
    }
    const Tensor h_BTD = self_attn_layer_norm(x_BTD + attend(x_BTD));
    return final_layer_norm(h_BTD + mlp(h_BTD));
  }

  nn::Activation activation;
  bool norm_before;
  double dropped;
};

struct Decoder : Module {
  nn::Embedding embed_tokens, embed_positions;
  nn::Linear project_in, project_out;  // where embeddings have another size than the layers
  std::optional<LayerNorm> final_layer_norm;
  std::vector<DecoderLayer> layers;
  FIELDS(embed_tokens, embed_positions, project_in, project_out, final_layer_norm, layers)

  explicit Decoder(const OPTConfig& c)
      : embed_tokens(c.vocab_size, c.output_size(), c.pad_token_id),
        embed_positions(c.max_position_embeddings + kFirstPosition, c.hidden_size),
        attention_dropped(c.attention_dropout) {
    if (c.do_layer_norm_before && !c._remove_final_layer_norm) final_layer_norm.emplace(c);
    if (c.output_size() != c.hidden_size) {
      project_in = nn::Linear(c.output_size(), c.hidden_size, false);
      project_out = nn::Linear(c.hidden_size, c.output_size(), false);
    }
    for (int64_t layer = 0; layer < c.num_hidden_layers; ++layer) layers.emplace_back(c, layer);
  }
  BaseModelOutput operator()(const TextInputs& in) const {
    nn::Recorder record(in);
    const Tensor words = nn::embed(in, embed_tokens);
    const Tensor places = nn::unpadded_position_ids(in, words) + static_cast<double>(kFirstPosition);
    Tensor x_BTD = (project_in.weight ? project_in(words) : words) +
                   nn::position_embeddings(places, embed_positions, "max_position_embeddings + 2");
    const nn::AttentionContext context = nn::causal_attention(in, x_BTD, record);
    const nn::AttentionDropout attention_dropout(attention_dropped);
    for (const DecoderLayer& layer : layers) x_BTD = layer(record(x_BTD), context);
    if (final_layer_norm) x_BTD = (*final_layer_norm)(x_BTD);
    return record.finish(project_out.weight ? project_out(x_BTD) : x_BTD);
  }

  double attention_dropped;
};

struct OPTModel : nn::Backbone<OPTConfig> {
  static constexpr nn::FieldName kBaseModelPrefix = "model";
  static constexpr const char* kInputEmbeddings = "decoder.embed_tokens.weight";
  Decoder decoder;
  FIELDS(decoder)

  explicit OPTModel(const OPTConfig& c) : Backbone(c), decoder(c) {}
  WeightMap weight_map() const override { return {.base_model_prefix = "model"}; }
  BaseModelOutput forward(const TextInputs& in) const override { return decoder(in); }
};

struct OPTForCausalLM : nn::ForCausalLM<OPTModel>, nn::WordTable {
  using nn::ForCausalLM<OPTModel>::ForCausalLM;
  const nn::Embedding& word_embeddings() const override { return base.decoder.embed_tokens; }
  std::string word_embeddings_name() const override { return "model.decoder.embed_tokens.weight"; }
};
using OPTForSequenceClassification = nn::ScoreAtLastToken<OPTModel>;
using OPTForQuestionAnswering = nn::ForQuestionAnswering<OPTModel>;

}  // namespace imago::opt

REGISTER_MODELS(opt, OPTModel, OPTForCausalLM, OPTForSequenceClassification, OPTForQuestionAnswering)
