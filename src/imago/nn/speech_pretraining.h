// Pre-training on speech without words: a frame that was hidden is to be told from others by what stands for it in a
// book of codes (Baevski et al. 2020, "wav2vec 2.0"). B batch, T frames, C channels, G groups of V codes, K others.
#pragma once

#include "imago/nn/heads/with_head.h"
#include "imago/nn/speech_model.h"

namespace imago {

struct SpeechPreTrainingInputs : SpeechInputs {
  Tensor mask_time_indices;         // bool [B, T] the frames that are hidden
  Tensor sampled_negative_indices;  // [B, T, K] of all B * T frames, those that each is to be told from: gives a loss
  FIELDS_AND(SpeechInputs, mask_time_indices, sampled_negative_indices)
};

struct SpeechPreTrainingOutput : ModelOutput {
  Tensor projected_states;            // [B, T, size]
  Tensor projected_quantized_states;  // [B, T, size] of what was heard, by its codes
  Tensor codevector_perplexity;       // how many codes are in use
  Tensor contrastive_loss, diversity_loss;
  FIELDS_AND(ModelOutput, projected_states, projected_quantized_states, codevector_perplexity, contrastive_loss,
             diversity_loss)
};

struct SpeechPreTraining : CallableModel<SpeechPreTrainingInputs, SpeechPreTrainingOutput> {
  static constexpr const char* kAutoClass = "AutoModelForPreTraining";
};

namespace nn {

struct CodeBookOptions {
  int64_t groups = 2, codes = 320;        // of each group
  int64_t codevector_dim = 256;           // of all groups' codes together
  int64_t frame_size = 512;               // of what is to be coded
  int64_t hidden_size = 768, size = 256;  // of the model's states, and of what is compared
  double temperature = 0.1;               // of the comparison
  double diversity_weight = 0.1;          // of that loss
  double dropout = 0;                     // of what is to be coded
  // Throws Error kInvalidFile for sizes that are not whole or not positive.
  void validate() const;
};

// A code of each group, the likeliest one; in training one that is drawn (Jang et al. 2016, "Categorical
// Reparameterization with Gumbel-Softmax").
struct CodeBook : Module {
  Tensor codevectors;  // [1, G V, codevector_dim / G]
  Linear weight_proj;
  FIELDS(codevectors, weight_proj)

  explicit CodeBook(const CodeBookOptions& o);
  // Of frames [B, T, C]; `perplexity` becomes that of the hidden ones, or of all where `hidden` is undefined.
  Tensor operator()(const Tensor& frames_BTC, const Tensor& hidden_BT, Tensor& perplexity) const;

  int64_t groups;
  double gumbel_temperature = 2;
};

struct CodeContrast : Module {
  CodeBook quantizer;
  Linear project_hid, project_q;
  FIELDS(quantizer, project_hid, project_q)

  explicit CodeContrast(const CodeBookOptions& o);
  template <class C>
  explicit CodeContrast(const C& c) : CodeContrast(c.code_book()) {}
  SpeechPreTrainingOutput operator()(SpeechModelOutput heard, const SpeechPreTrainingInputs& in) const;

  CodeBookOptions options;
};

// Base reads with hear(inputs, hidden frames), and its configuration has code_book().
template <class Base>
struct ForSpeechPreTraining : WithHead<SpeechPreTraining, Base, CodeContrast, ""> {
  using ForSpeechPreTraining::WithHead::WithHead;
  WeightMap weight_map() const override {
    WeightMap map = ForSpeechPreTraining::WithHead::weight_map();
    map.ignored.clear();  // which are this head's
    return map;
  }
  SpeechPreTrainingOutput forward(const SpeechPreTrainingInputs& in) const override {
    return this->head(this->base.hear(in, in.mask_time_indices), in);
  }
};

}  // namespace nn
}  // namespace imago
