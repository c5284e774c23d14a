// A score per word of the vocabulary at every position. B batch, T tokens, D hidden, V vocabulary.
#pragma once

#include "imago/nn/activations.h"
#include "imago/nn/heads/with_head.h"

namespace imago::nn {

// One matrix, which is that of the input embeddings where tie_word_embeddings says so.
struct LMHead : Linear {
  bool tied;

  template <class ConfigType>
  explicit LMHead(const ConfigType& c) : Linear(hidden_size_of(c), c.vocab_size, false), tied(c.tie_word_embeddings) {}
  Ties ties(const std::string& name, const std::string& embeddings) const {
    return tied ? Ties{{name + ".weight", embeddings}} : Ties{};
  }
};

// decoder(norm(activation(dense(x)))), with vectors of `size` before the decoder. Its weight is that of the input
// embeddings and its bias is `bias`, when tied.
struct TransformedScores : Module {
  Linear dense, decoder;
  LayerNorm norm;
  Tensor bias;

  TransformedScores(int64_t hidden_size, int64_t size, int64_t vocab_size, std::string_view activation, double eps,
                    bool tied);
  Tensor operator()(const Tensor& x_BTD) const { return decoder(norm(activation(dense(x_BTD)))); }
  Ties ties(const std::string& name, const std::string& embeddings) const;

  Activation activation;
  bool tied;
};

// The same under an architecture's names for the first two modules.
template <FieldName dense_name, FieldName norm_name>
struct TransformedLMHead : TransformedScores {
  template <class ConfigType>
  explicit TransformedLMHead(const ConfigType& c)
      : TransformedScores(c.hidden_size, embedding_size_of(c), c.vocab_size, c.hidden_act, c.layer_norm_eps,
                          c.tie_word_embeddings) {}
  void each_field(FieldVisitor& visitor) {
    imago::internal::visit_field(visitor, dense_name, dense);
    imago::internal::visit_field(visitor, norm_name, norm);
    imago::internal::visit_fields(visitor, "decoder, bias", decoder, bias);
  }
};

// The same beside the bare model, under three names; the decoder's bias is its own.
template <FieldName dense_name, FieldName norm_name, FieldName decoder_name>
struct FlatLMHead : TransformedScores {
  template <class ConfigType>
  FlatLMHead(const ConfigType& c, std::string_view activation_name, double eps)
      : TransformedScores(hidden_size_of(c), embedding_size_of(c), c.vocab_size, activation_name, eps,
                          c.tie_word_embeddings) {
    bias = {};
  }
  void each_field(FieldVisitor& visitor) {
    imago::internal::visit_field(visitor, dense_name, dense);
    imago::internal::visit_field(visitor, norm_name, norm);
    imago::internal::visit_field(visitor, decoder_name, decoder);
  }
  Ties ties(const std::string&, const std::string& embeddings) const {
    return tied ? Ties{{decoder_name.string() + ".weight", embeddings}} : Ties{};
  }
};

// Token n + 1 is predicted at token n. With logits_to_keep only the last positions are computed.
LogitsOutput causal_lm(const TextModel& base, const HeadFunction& head, const TextInputs& in);
// A token is predicted at its own place; so is a label of it.
LogitsOutput predict_tokens(const TextModel& base, const HeadFunction& head, const TextInputs& in);

template <class Base, class Head = LMHead, FieldName name = "lm_head", FieldName prefix = Base::kBaseModelPrefix>
struct ForCausalLM : WithHead<CausalLM, Base, Head, name, prefix> {
  using ForCausalLM::WithHead::WithHead;
  LogitsOutput forward(const TextInputs& in) const override { return causal_lm(this->base, this->head_function(), in); }
};

template <class Base, class Head, FieldName name, FieldName prefix = Base::kBaseModelPrefix>
struct ForMaskedLM : WithHead<MaskedLM, Base, Head, name, prefix> {
  using ForMaskedLM::WithHead::WithHead;
  LogitsOutput forward(const TextInputs& in) const override {
    return predict_tokens(this->base, this->head_function(), in);
  }
};

}  // namespace imago::nn
