// B batch, T steps, D hidden.
#include "imago/models/decision_transformer/decision_transformer.h"

#include "imago/base/error.h"
#include "imago/nn/registry.h"
#include "imago/ops/concat/concat.h"
#include "imago/ops/operators.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/slice/slice.h"
#include "imago/ops/unary/unary.h"

namespace imago::decision_transformer {

void DecisionTransformerConfig::validate() const {
  require_heads("hidden_size", hidden_size, "n_head", n_head);
  if (add_cross_attention)
    throw Error(ErrorKind::kUnsupported, "config.json", "add_cross_attention of a decision transformer");
}

gpt2::GPT2Config DecisionTransformerConfig::gpt2() const {
  gpt2::GPT2Config c;
  c.vocab_size = vocab_size;
  c.n_positions = n_positions;
  c.n_embd = hidden_size;
  c.n_layer = n_layer;
  c.n_head = n_head;
  c.n_inner = n_inner;
  c.activation_function = activation_function;
  c.layer_norm_epsilon = layer_norm_epsilon;
  c.scale_attn_weights = scale_attn_weights;
  c.scale_attn_by_inverse_layer_idx = scale_attn_by_inverse_layer_idx;
  c.reorder_and_upcast_attn = reorder_and_upcast_attn;
  return c;
}

DecisionTransformerModel::DecisionTransformerModel(const DecisionTransformerConfig& c)
    : Backbone(c),
      encoder(c.gpt2()),
      embed_timestep(c.max_ep_len, c.hidden_size),
      embed_return(1, c.hidden_size),
      embed_state(c.state_dim, c.hidden_size),
      embed_action(c.act_dim, c.hidden_size),
      embed_ln(c.hidden_size, 1e-5),
      predict_state(c.hidden_size, c.state_dim),
      predict_return(c.hidden_size, 1) {
  predict_action.emplace_back(c.hidden_size, c.act_dim);
}

WeightMap DecisionTransformerModel::weight_map() const {
  WeightMap map = encoder.weight_map();
  map.base_model_prefix = "decision_transformer";
  return map;
}

DecisionTransformerOutput DecisionTransformerModel::forward(const EpisodeInputs& in) const {
  if (!in.states || !in.actions || !in.returns_to_go || !in.timesteps) {
    throw Error(ErrorKind::kInvalidArgument, "forward",
                "the model takes states, actions, returns_to_go and timesteps, and one is missing");
  }
  const int64_t batch = in.states.size(0), steps = in.states.size(1);
  const Tensor time_BTD = embed_timestep(in.timesteps);
  const Tensor steps_BT3D = stack({embed_return(in.returns_to_go) + time_BTD, embed_state(in.states) + time_BTD,
                                   embed_action(in.actions) + time_BTD},
                                  2);
  TextInputs tokens;
  tokens.inputs_embeds = embed_ln(reshape(steps_BT3D, {batch, 3 * steps, -1}));
  if (const Tensor& mask = in.attention_mask)
    tokens.attention_mask = reshape(stack({mask, mask, mask}, 2), {batch, 3 * steps});
  tokens.position_ids = Tensor::zeros({1, 3 * steps}, DType::i64);
  tokens.output_hidden_states = in.output_hidden_states;
  tokens.output_attentions = in.output_attentions;
  tokens.attention = in.attention;
  BaseModelOutput below = encoder.forward(tokens);

  const Tensor x_BT3D = reshape(below.last_hidden_state, {batch, steps, 3, -1});
  const Tensor behind_state = select(x_BT3D, 2, 1), behind_action = select(x_BT3D, 2, 2);
  DecisionTransformerOutput out;
  out.return_preds = predict_return(behind_action);
  out.state_preds = predict_state(behind_action);
  out.action_preds = predict_action[0](behind_state);
  if (config().action_tanh) out.action_preds = tanh(out.action_preds);
  out.last_hidden_state = below.last_hidden_state;
  take_states(out, std::move(below));
  return out;
}

}  // namespace imago::decision_transformer

namespace imago {

void register_decision_transformer(Registry& registry) {
  registry.add<decision_transformer::DecisionTransformerModel>("DecisionTransformerModel");
}

}  // namespace imago
