// Decision Transformer (Chen et al. 2021, "Decision Transformer: Reinforcement Learning via Sequence Modeling").
// B batch, T steps, D hidden.
#include "imago/base/error.h"
#include "imago/models/gpt2/gpt2.h"
#include "imago/nn/named_fields.h"
#include "imago/nn/registry.h"
#include "imago/ops/concat/concat.h"
#include "imago/ops/operators.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/slice/slice.h"
#include "imago/ops/unary/unary.h"

namespace imago::decision_transformer {

// GPT-2's, but for the name of its hidden size and what asks for a summary.
struct DecisionTransformerConfig : gpt2::GPT2Config {
  static constexpr const char* kModelType = "decision_transformer";
  int64_t state_dim = 17, act_dim = 4, hidden_size = 128, max_ep_len = 4096;
  bool action_tanh = true;
  FIELDS_AND(Config, state_dim, act_dim, hidden_size, max_ep_len, action_tanh, vocab_size, n_positions, n_layer, n_head,
             n_inner, activation_function, layer_norm_epsilon, scale_attn_weights, scale_attn_by_inverse_layer_idx,
             reorder_and_upcast_attn, add_cross_attention, resid_pdrop, embd_pdrop, attn_pdrop)

  DecisionTransformerConfig() { vocab_size = 1, n_layer = 3, n_head = 1, activation_function = "relu"; }
  void validate() const override {
    require_heads("hidden_size", hidden_size, "n_head", n_head);
    if (add_cross_attention)
      throw Error(ErrorKind::kUnsupported, "config.json", "add_cross_attention of a decision transformer");
  }
  gpt2::GPT2Config gpt2() const {
    gpt2::GPT2Config c = *this;
    c.n_embd = hidden_size;
    return c;
  }
};

// What was seen and done in an episode; rewards are not looked at.
struct EpisodeInputs {
  Tensor states;          // [B, T, state_dim]
  Tensor actions;         // [B, T, act_dim]
  Tensor rewards;         // [B, T, 1]
  Tensor returns_to_go;   // [B, T, 1] what is still to be gained
  Tensor timesteps;       // [B, T] int64
  Tensor attention_mask;  // [B, T] 0 is padding
  bool output_hidden_states = false, output_attentions = false;
  AttentionImplementation attention = AttentionImplementation::kSdpa;
  FIELDS(states, actions, rewards, returns_to_go, timesteps, attention_mask)
};

struct DecisionTransformerOutput : ModelOutput {
  Tensor state_preds, action_preds, return_preds;  // [B, T, state_dim], [B, T, act_dim], [B, T, 1]
  Tensor last_hidden_state;                        // [B, 3 T, D]
  FIELDS_AND(ModelOutput, state_preds, action_preds, return_preds, last_hidden_state)
};

struct Episodes : CallableModel<EpisodeInputs, DecisionTransformerOutput> {
  static constexpr const char* kAutoClass = "AutoModel";
};

// GPT-2 without positions: an embedding of the time step is in each of the three vectors that a step is.
struct DecisionTransformerModel : nn::Backbone<DecisionTransformerConfig, Episodes> {
  gpt2::GPT2Model encoder;
  nn::Embedding embed_timestep;
  nn::Linear embed_return, embed_state, embed_action;
  nn::LayerNorm embed_ln;
  nn::Linear predict_state, predict_return, predict_action;
  FIELDS_NAMED(
      "encoder, embed_timestep, embed_return, embed_state, embed_action, embed_ln, predict_state, predict_action.0, "
      "predict_return",
      encoder, embed_timestep, embed_return, embed_state, embed_action, embed_ln, predict_state, predict_action,
      predict_return)

  explicit DecisionTransformerModel(const DecisionTransformerConfig& c)
      : Backbone(c),
        encoder(c.gpt2()),
        embed_timestep(c.max_ep_len, c.hidden_size),
        embed_return(1, c.hidden_size),
        embed_state(c.state_dim, c.hidden_size),
        embed_action(c.act_dim, c.hidden_size),
        embed_ln(c.hidden_size, 1e-5),
        predict_state(c.hidden_size, c.state_dim),
        predict_return(c.hidden_size, 1),
        predict_action(c.hidden_size, c.act_dim) {}
  WeightMap weight_map() const override {
    WeightMap map = encoder.weight_map();
    map.base_model_prefix = "decision_transformer";
    return map;
  }
  DecisionTransformerOutput forward(const EpisodeInputs& in) const override {
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
    out.action_preds = predict_action(behind_state);
    if (config().action_tanh) out.action_preds = tanh(out.action_preds);
    out.last_hidden_state = below.last_hidden_state;
    take_states(out, std::move(below));
    return out;
  }
};

}  // namespace imago::decision_transformer

REGISTER_MODELS(decision_transformer, DecisionTransformerModel)
