// Decision Transformer (Chen et al. 2021, "Decision Transformer: Reinforcement Learning via Sequence Modeling").
// B batch, T steps, D hidden.
#pragma once

#include "imago/models/gpt2/gpt2.h"
#include "imago/nn/default_dropout.h"

namespace imago::decision_transformer {

struct DecisionTransformerConfig : Config, nn::DropsByDefault {
  static constexpr const char* kModelType = "decision_transformer";
  int64_t state_dim = 17, act_dim = 4, hidden_size = 128, max_ep_len = 4096;
  bool action_tanh = true;
  int64_t vocab_size = 1, n_positions = 1024, n_layer = 3, n_head = 1;
  std::optional<int64_t> n_inner;
  std::string activation_function = "relu";
  double layer_norm_epsilon = 1e-5;
  bool scale_attn_weights = true, scale_attn_by_inverse_layer_idx = false, reorder_and_upcast_attn = false;
  bool add_cross_attention = false;
  FIELDS_AND(Config, state_dim, act_dim, hidden_size, max_ep_len, action_tanh, vocab_size, n_positions, n_layer, n_head,
             n_inner, activation_function, layer_norm_epsilon, scale_attn_weights, scale_attn_by_inverse_layer_idx,
             reorder_and_upcast_attn, add_cross_attention)

  void validate() const override;
  gpt2::GPT2Config gpt2() const;
  std::vector<nn::DroppedByDefault> dropped_by_default() const override {
    return {{"resid_pdrop", 0.1}, {"embd_pdrop", 0.1}, {"attn_pdrop", 0.1}};
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
  nn::Linear predict_state, predict_return;
  std::vector<nn::Linear> predict_action;
  FIELDS(encoder, embed_timestep, embed_return, embed_state, embed_action, embed_ln, predict_state, predict_action,
         predict_return)

  explicit DecisionTransformerModel(const DecisionTransformerConfig& c);
  WeightMap weight_map() const override;
  DecisionTransformerOutput forward(const EpisodeInputs& in) const override;
};

}  // namespace imago::decision_transformer
