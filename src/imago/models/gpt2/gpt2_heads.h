// GPT-2's heads, but for those that every architecture shares.
#pragma once

#include "imago/models/gpt2/gpt2.h"
#include "imago/nn/model_with_head.h"

namespace imago::gpt2 {

struct GPT2LMHeadModel : nn::ModelWithHead<CausalLM, GPT2Model> {
  nn::Linear lm_head;
  FIELDS_AND(ModelWithHead, lm_head)

  explicit GPT2LMHeadModel(const GPT2Config& c) : ModelWithHead(c), lm_head(c.n_embd, c.vocab_size, false) {}
  WeightMap weight_map() const override;
  LogitsOutput forward(const TextInputs& in) const override;
};

struct GPT2ForSequenceClassification : nn::ModelWithHead<SequenceClassification, GPT2Model> {
  nn::Linear score;
  FIELDS_AND(ModelWithHead, score)

  explicit GPT2ForSequenceClassification(const GPT2Config& c)
      : ModelWithHead(c), score(c.n_embd, c.num_labels(), false) {}
  LogitsOutput forward(const TextInputs& in) const override;
};

// A vector per choice, the token's at cls_index, of which a linear layer makes a score. The other summary types take
// the first, last or mean choice instead, which is what the reference's, made for sequences, come to here.
struct SequenceSummary : Module {
  nn::Linear summary;
  FIELDS(summary)

  explicit SequenceSummary(const GPT2Config& c);
  // [B, C, T, D] -> [B, C], or [B, C, D] where the configuration says not to project to labels.
  Tensor operator()(const Tensor& x_BCTD, const Tensor& cls_index) const;

  std::string summary_type;
  nn::Activation activation = nullptr;
};

// A language model and, over the choices of input_ids [B, choices, T], the score of each at mc_token_ids [B, choices].
struct GPT2DoubleHeadsModel : nn::ModelWithHead<CallableModel<TextInputs, DoubleHeadsOutput>, GPT2Model> {
  nn::Linear lm_head;
  SequenceSummary multiple_choice_head;
  FIELDS_AND(ModelWithHead, lm_head, multiple_choice_head)

  explicit GPT2DoubleHeadsModel(const GPT2Config& c)
      : ModelWithHead(c), lm_head(c.n_embd, c.vocab_size, false), multiple_choice_head(c) {}
  WeightMap weight_map() const override;
  DoubleHeadsOutput forward(const TextInputs& in) const override;
};

}  // namespace imago::gpt2
