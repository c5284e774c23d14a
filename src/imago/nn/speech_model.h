// Models that hear: their inputs, and what pipelines ask of them. B batch, T frames or samples, S tokens.
#pragma once

#include "imago/nn/model.h"

namespace imago {

// The inputs of models of sound; each takes one of the first two.
struct SpeechInputs {
  Tensor input_features;             // [B, bands, T] or [B, T, bands], as the model's features are
  Tensor input_values;               // [B, T] samples, or what stands for them
  Tensor attention_mask;             // [B, T] 0 is padding
  Tensor decoder_input_ids;          // [B, S]
  Tensor decoder_attention_mask;     // [B, S]
  Tensor decoder_inputs_embeds;      // [B, S, D]
  Tensor encoder_last_hidden_state;  // [B, frames, D] instead of running the encoder
  Tensor labels;                     // give a loss
  KeyValueCache* past_key_values = nullptr;
  bool output_hidden_states = false, output_attentions = false;
  int64_t logits_to_keep = 0;
  AttentionImplementation attention = AttentionImplementation::kSdpa;
  FIELDS(input_features, input_values, attention_mask, decoder_input_ids, decoder_attention_mask, decoder_inputs_embeds,
         encoder_last_hidden_state, labels)
};

struct SpeechModelOutput : ModelOutput {
  Tensor last_hidden_state;  // [B, frames, D]
  Tensor pooler_output;      // [B, D]
  Tensor extract_features;   // [B, frames, D'] before the layers
  FIELDS_AND(ModelOutput, last_hidden_state, pooler_output, extract_features)
};

struct SpeechModel : CallableModel<SpeechInputs, SpeechModelOutput> {
  static constexpr const char* kAutoClass = "AutoModel";
};
// A score per frame of each letter and of none.
struct CTC : CallableModel<SpeechInputs, LogitsOutput> {
  static constexpr const char* kAutoClass = "AutoModelForCTC";
};
struct AudioFrameClassification : CallableModel<SpeechInputs, LogitsOutput> {
  static constexpr const char* kAutoClass = "AutoModelForAudioFrameClassification";
};
struct SpeechSeq2SeqModel : CallableModel<SpeechInputs, Seq2SeqOutput> {
  static constexpr const char* kAutoClass = "AutoModel";
};
// The encoder runs by itself for generation.
struct SpeechSeq2SeqLM : CallableModel<SpeechInputs, Seq2SeqOutput> {
  static constexpr const char* kAutoClass = "AutoModelForSpeechSeq2Seq";
  virtual BaseModelOutput encode(const SpeechInputs& inputs) const = 0;
};
struct AudioClassification : CallableModel<SpeechInputs, LogitsOutput> {
  static constexpr const char* kAutoClass = "AutoModelForAudioClassification";
};

// Of a model that tells speakers apart.
struct XVectorOutput : ModelOutput {
  Tensor logits;      // [B, xvector_output_dim]
  Tensor embeddings;  // [B, xvector_output_dim] of the voice
  FIELDS_AND(ModelOutput, logits, embeddings)
};
struct AudioXVector : CallableModel<SpeechInputs, XVectorOutput> {
  static constexpr const char* kAutoClass = "AutoModelForAudioXVector";
};

namespace nn {

// A text model whose encoder hears: what it is given in the place of words is input_features.
TextInputs as_text_inputs(const SpeechInputs& in);

// `Text` under another interface.
template <class Interface, class Text>
struct HearingModel : Interface {
  using ConfigType = typename Text::ConfigType;
  Text text;

  explicit HearingModel(const ConfigType& c) : text(c) {}
  const ConfigType& config() const override { return text.config(); }
  void each_field(FieldVisitor& visitor) override { text.each_field(visitor); }
  WeightMap weight_map() const override { return text.weight_map(); }
  Seq2SeqOutput forward(const SpeechInputs& in) const override { return text.forward(as_text_inputs(in)); }
};

template <class Text>
struct HearingSeq2SeqLM : HearingModel<SpeechSeq2SeqLM, Text> {
  using HearingModel<SpeechSeq2SeqLM, Text>::HearingModel;
  BaseModelOutput encode(const SpeechInputs& in) const override { return this->text.encode(as_text_inputs(in)); }
};

}  // namespace nn
}  // namespace imago
