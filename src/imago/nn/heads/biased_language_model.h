// An encoder-decoder's scores of words with a bias that is not trained.
#pragma once

#include "imago/nn/encoder_decoder_stack.h"

namespace imago::nn {

// lm_head(x) + final_logits_bias, which many checkpoints do not have.
struct BiasedLMHead : Module {
  LMHead lm_head;
  Tensor final_logits_bias;  // [1, V]
  FIELDS(lm_head, final_logits_bias)

  template <class ConfigType>
  explicit BiasedLMHead(const ConfigType& c) : lm_head(c), final_logits_bias(parameter({1, lm_head.weight.size(0)})) {}
  Tensor operator()(const Tensor& x_BTD) const;
  Ties ties(const std::string&, const std::string& embeddings) const { return lm_head.ties("lm_head", embeddings); }
};

template <class Base>
struct ForBiasedGeneration : ForConditionalGeneration<Base, BiasedLMHead, ""> {
  using ForBiasedGeneration::ForConditionalGeneration::ForConditionalGeneration;
  WeightMap weight_map() const override {
    WeightMap map = with_optional(ForBiasedGeneration::ForConditionalGeneration::weight_map(), this->base.weight_map());
    map.optional.push_back("final_logits_bias");
    return map;
  }
};

}  // namespace imago::nn
