// B batch, T tokens, D hidden.
#include "imago/models/opt/opt.h"

#include "imago/nn/embeddings.h"
#include "imago/nn/registry.h"
#include "imago/ops/operators.h"

namespace imago::opt {
namespace {

// The first rows of the table are of positions before the first: row 1 is of padding, row 2 of the first token.
constexpr int64_t kFirstPosition = 2;

}  // namespace

OPTConfig::OPTConfig() {
  pad_token_id = 1;
  bos_token_id = 2;
  eos_token_id = {2};
}

LayerNorm::LayerNorm(const OPTConfig& c) : nn::LayerNorm(c.hidden_size, 1e-5) {
  if (!c.layer_norm_elementwise_affine) weight = bias = {};
}

DecoderLayer::DecoderLayer(const OPTConfig& c, int64_t layer)
    : self_attn({.hidden_size = c.hidden_size, .heads = c.num_attention_heads, .layer = layer, .bias = c.enable_bias}),
      self_attn_layer_norm(c),
      final_layer_norm(c),
      fc1(c.hidden_size, c.ffn_dim, c.enable_bias),
      fc2(c.ffn_dim, c.hidden_size, c.enable_bias),
      activation(nn::activation(c.activation_function)),
      norm_before(c.do_layer_norm_before) {}

Tensor DecoderLayer::operator()(const Tensor& x_BTD, const nn::AttentionContext& context) const {
  const auto mlp = [this](const Tensor& x) { return fc2(activation(fc1(x))); };
  if (norm_before) {
    const Tensor h_BTD = x_BTD + self_attn(self_attn_layer_norm(x_BTD), context);
    return h_BTD + mlp(final_layer_norm(h_BTD));
  }
  const Tensor h_BTD = self_attn_layer_norm(x_BTD + self_attn(x_BTD, context));
  return final_layer_norm(h_BTD + mlp(h_BTD));
}

Decoder::Decoder(const OPTConfig& c)
    : embed_tokens(c.vocab_size, c.output_size(), c.pad_token_id),
      embed_positions(c.max_position_embeddings + kFirstPosition, c.hidden_size),
      norm_at_end(c.do_layer_norm_before && !c._remove_final_layer_norm) {
  if (norm_at_end) final_layer_norm = LayerNorm(c);
  if (c.output_size() != c.hidden_size) {
    project_in = nn::Linear(c.output_size(), c.hidden_size, false);
    project_out = nn::Linear(c.hidden_size, c.output_size(), false);
  }
  for (int64_t layer = 0; layer < c.num_hidden_layers; ++layer) layers.emplace_back(c, layer);
}

BaseModelOutput Decoder::operator()(const TextInputs& in) const {
  nn::Recorder record(in);
  Tensor x_BTD = nn::embed(in, embed_tokens);
  TextInputs positions = in;
  positions.position_ids = nn::unpadded_position_ids(in, x_BTD) + static_cast<double>(kFirstPosition);
  if (project_in.weight) x_BTD = project_in(x_BTD);
  x_BTD = x_BTD + nn::position_embeddings(positions, x_BTD, embed_positions, "max_position_embeddings + 2");
  const nn::AttentionContext context = nn::causal_attention(in, x_BTD, record);
  for (const DecoderLayer& layer : layers) x_BTD = layer(record(x_BTD), context);
  if (norm_at_end) x_BTD = final_layer_norm(x_BTD);
  if (project_out.weight) x_BTD = project_out(x_BTD);
  return record.finish(x_BTD);
}

}  // namespace imago::opt

REGISTER_MODELS(opt, OPTModel, OPTForCausalLM, OPTForSequenceClassification, OPTForQuestionAnswering)
