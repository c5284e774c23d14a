// Attention as layers use it. B batch, T tokens, H heads, K head size, D = H * K hidden.
#pragma once

#include "imago/nn/model.h"
#include "imago/ops/scaled_dot_product_attention/scaled_dot_product_attention.h"

namespace imago::nn {

// What the attention of all layers shares during one forward pass.
struct AttentionContext {
  AttentionMask mask;
  KeyValueCache* cache = nullptr;
  AttentionImplementation implementation = AttentionImplementation::kSdpa;
  Tensors* weights = nullptr;  // where each layer puts its attention weights, if they were asked for

  bool is_eager() const { return implementation == AttentionImplementation::kEager || weights != nullptr; }
};

// [B, T, H * K] -> [B, H, T, K], a view; and back.
Tensor split_heads(const Tensor& x_BTD, int64_t heads);
Tensor merge_heads(const Tensor& x_BHTK);

// softmax(q k^T * scale) v as the context says; `bias` is added to the mask's own.
Tensor attend(const Tensor& q_BHTK, const Tensor& k_BHTK, const Tensor& v_BHTK, const AttentionContext& context,
              const AttentionOptions& options = {});

// The context of a decoder's self attention on `tokens` new tokens, behind those of the cache.
// Throws Error kInvalidArgument when the attention mask is not of all tokens.
AttentionContext causal_attention(const TextInputs& inputs, int64_t batch, int64_t tokens, Tensors* weights);

// The context of an encoder's self attention, or (with the encoder's mask) of a decoder's cross attention.
AttentionContext full_attention(const TextInputs& inputs, const Tensor& attention_mask, int64_t batch, int64_t keys,
                                Tensors* weights);

// Where `weights` are wanted they go to `list`.
inline Tensors* wanted(bool weights, Tensors& list) { return weights ? &list : nullptr; }

// Positions of the new tokens where the caller gave none: [1, tokens], counted on from the cache.
Tensor positions_or_default(const TextInputs& inputs, int64_t tokens);

// The same, for learned positions, of which there are `limit`; `name` is the limit's key in config.json. Throws Error
// kInvalidArgument for a position beyond it.
Tensor learned_positions(const TextInputs& inputs, int64_t tokens, int64_t limit, std::string_view name);

// The embeddings that the caller gave, or those of the ids. Throws Error kInvalidArgument unless there is one of both.
Tensor embeddings_or_lookup(const Tensor& inputs_embeds, const Tensor& input_ids, const Tensor& table);

}  // namespace imago::nn
