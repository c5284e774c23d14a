// OPT (Zhang et al. 2022, "OPT: Open Pre-trained Transformer Language Models").
#pragma once

#include "imago/nn/activations.h"
#include "imago/nn/backbone.h"
#include "imago/nn/default_dropout.h"
#include "imago/nn/heads/classification.h"
#include "imago/nn/heads/language_model.h"
#include "imago/nn/heads/question_answering.h"
#include "imago/nn/multi_head_attention.h"
#include "imago/nn/word_table.h"

namespace imago::opt {

struct OPTConfig : Config, nn::DropsByDefault {
  static constexpr const char* kModelType = "opt";
  int64_t vocab_size = 50272, hidden_size = 768, ffn_dim = 3072;
  int64_t num_hidden_layers = 12, num_attention_heads = 12, max_position_embeddings = 2048;
  std::optional<int64_t> word_embed_proj_dim;  // size of embeddings and of the output; hidden_size where absent
  bool do_layer_norm_before = true, _remove_final_layer_norm = false;
  std::string activation_function = "relu";
  bool enable_bias = true, layer_norm_elementwise_affine = true;
  // Of no effect: for training, and in the files of Galactica.
  JsonText layerdrop, init_std, activation_dropout, learned_embeddings, scale_embeddings;
  FIELDS_AND(Config, vocab_size, hidden_size, ffn_dim, num_hidden_layers, num_attention_heads, max_position_embeddings,
             word_embed_proj_dim, do_layer_norm_before, _remove_final_layer_norm, activation_function, enable_bias,
             layer_norm_elementwise_affine, layerdrop, init_std, activation_dropout, learned_embeddings,
             scale_embeddings)

  OPTConfig();
  void validate() const override {
    require_heads("hidden_size", hidden_size, "num_attention_heads", num_attention_heads);
  }
  int64_t output_size() const { return word_embed_proj_dim.value_or(hidden_size); }
  std::vector<nn::DroppedByDefault> dropped_by_default() const override { return {{"dropout", 0.1}}; }
};

// Without layer_norm_elementwise_affine it has no parameters.
struct LayerNorm : nn::LayerNorm {
  LayerNorm() = default;
  explicit LayerNorm(const OPTConfig& c);
};

struct DecoderLayer : Module {
  nn::MultiHeadAttention<"q_proj", "k_proj", "v_proj", "out_proj"> self_attn;
  LayerNorm self_attn_layer_norm, final_layer_norm;
  nn::Linear fc1, fc2;
  FIELDS(self_attn, self_attn_layer_norm, fc1, fc2, final_layer_norm)

  DecoderLayer(const OPTConfig& c, int64_t layer);
  Tensor operator()(const Tensor& x_BTD, const nn::AttentionContext& context) const;

  nn::Activation activation;
  bool norm_before;
};

struct Decoder : Module {
  nn::Embedding embed_tokens, embed_positions;
  nn::Linear project_in, project_out;  // where embeddings have another size than the layers
  LayerNorm final_layer_norm;
  std::vector<DecoderLayer> layers;
  FIELDS(embed_tokens, embed_positions, project_in, project_out, final_layer_norm, layers)

  explicit Decoder(const OPTConfig& c);
  BaseModelOutput operator()(const TextInputs& in) const;

  bool norm_at_end;
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
