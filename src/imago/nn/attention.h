// Attention as layers use it. B batch, T tokens, S tokens of an encoder, H heads, K head size, D = H * K hidden.
#pragma once

#include <functional>

#include "imago/nn/recorder.h"
#include "imago/ops/scaled_dot_product_attention/scaled_dot_product_attention.h"

namespace imago::nn {

// What the self attention, or the cross attention, of all layers shares during one forward pass.
struct AttentionContext {
  AttentionMask mask;
  KeyValueCache* cache = nullptr;
  AttentionImplementation implementation = AttentionImplementation::kSdpa;
  Tensors* weights = nullptr;    // where each layer puts its attention weights, if they were asked for
  Tensor encoder_hidden_states;  // [B, S, D]: set in cross attention, which takes its keys and values from there

  bool is_eager() const { return implementation == AttentionImplementation::kEager || weights != nullptr; }
};

// Of a decoder's layers.
struct DecoderContext {
  AttentionContext self, cross;
  bool has_encoder() const { return cross.encoder_hidden_states.defined(); }
};

// [B, T, H * K] -> [B, H, T, K], a view; and back.
Tensor split_heads(const Tensor& x_BTD, int64_t heads);
Tensor merge_heads(const Tensor& x_BHTK);

// The keys and values that layer number `layer` attends to: in self attention `project` of x, behind those of the
// cache that the context's window lets a query see; in cross attention `project` of the encoder's output, computed once
// per cache.
KeysValues keys_values(const AttentionContext& context, int64_t layer, const Tensor& x_BTD,
                       const std::function<KeysValues(const Tensor&)>& project);

// softmax(q k^T * scale) v as the context says.
Tensor attend(const Tensor& q_BHTK, const KeysValues& all, const AttentionContext& context,
              const AttentionOptions& options = {});

// The contexts of attention on x [B, T, D]. Each throws Error kInvalidArgument when a mask is not of all tokens.
// Of an encoder's layers: every token sees every token.
AttentionContext full_attention(const TextInputs& inputs, const Tensor& x_BTD, Recorder& record);
// Of a decoder's self attention: new tokens see those before them, of the cache and their own.
AttentionContext causal_attention(const TextInputs& inputs, const Tensor& x_BTD, Recorder& record);
// Of a decoder's attention to inputs.encoder_hidden_states; of nothing where there are none.
AttentionContext cross_attention(const TextInputs& inputs, Recorder& record);
// Both of the latter. Throws Error kInvalidArgument for an encoder's output that nothing attends to.
DecoderContext decoder_attention(const TextInputs& inputs, const Tensor& x_BTD, Recorder& record,
                                 bool has_cross_attention);

}  // namespace imago::nn
