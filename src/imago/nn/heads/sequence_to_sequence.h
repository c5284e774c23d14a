// An encoder, a decoder that attends to it, and heads on the decoder. B batch, T tokens, S tokens of the decoder.
#pragma once

#include "imago/nn/backbone.h"
#include "imago/nn/heads/language_model.h"
#include "imago/nn/heads/pooling.h"

namespace imago::nn {

// The parts that encode_and_decode joins.
struct EncoderDecoderModel : Seq2SeqModel {
  // `in` is the decoder's own: its input_ids, attention_mask and inputs_embeds, with encoder_hidden_states.
  virtual BaseModelOutput decode(const TextInputs& in) const = 0;
};

// The decoder runs on decoder_input_ids; where there are none, on `shifted`, moved right by the start token. The
// encoder does not run where its output is given.
Seq2SeqOutput encode_and_decode(const EncoderDecoderModel& model, const TextInputs& in, const Tensor& shifted = {});

// What both stacks gave, as one.
Seq2SeqOutput joined(BaseModelOutput encoded, BaseModelOutput decoded);

// ids [B, S] moved right by one, behind the start token; labels that do not count become padding.
Tensor shift_right(const Tensor& ids, const Config& config);

Seq2SeqOutput generate_conditionally(const EncoderDecoderModel& base, const HeadFunction& head, const TextInputs& in);
Seq2SeqOutput classify_sequence(const EncoderDecoderModel& base, const HeadFunction& head, const TextInputs& in);
Seq2SeqOutput answer_question(const EncoderDecoderModel& base, const HeadFunction& head, const TextInputs& in);

// A bare encoder and decoder: encode() and decode() say the rest.
template <class C>
struct EncoderDecoder : Backbone<C, EncoderDecoderModel> {
  using EncoderDecoder::Backbone::Backbone;
  Seq2SeqOutput forward(const TextInputs& in) const override { return encode_and_decode(*this, in); }
};

// The encoder by itself. Base keeps its decoder in a std::optional, and reads the checkpoints of all its heads.
template <class Base>
struct EncoderOnly : TextEncoder {
  using ConfigType = typename Base::ConfigType;
  static constexpr FieldName kBaseModelPrefix = Base::kBaseModelPrefix;
  Base model;

  explicit EncoderOnly(const ConfigType& c) : model(c) { model.decoder.reset(); }
  const ConfigType& config() const override { return model.config(); }
  void each_field(FieldVisitor& visitor) override { model.each_field(visitor); }
  WeightMap weight_map() const override {
    WeightMap map = model.weight_map();
    map.ignored.insert(map.ignored.end(), {"decoder.*", kBaseModelPrefix.string() + ".decoder.*"});
    return map;
  }
  BaseModelOutput forward(const TextInputs& in) const override { return model.encode(in); }
};

template <class Interface, class Base, class Head, FieldName name, FieldName prefix>
struct Seq2SeqWithHead : WithHead<Interface, Base, Head, name, prefix> {
  using Seq2SeqWithHead::WithHead::WithHead;
  BaseModelOutput encode(const TextInputs& in) const override { return this->base.encode(in); }
};

template <class Base, class Head = LMHead, FieldName name = "lm_head", FieldName prefix = Base::kBaseModelPrefix>
struct ForConditionalGeneration : Seq2SeqWithHead<Seq2SeqLM, Base, Head, name, prefix> {
  using ForConditionalGeneration::Seq2SeqWithHead::Seq2SeqWithHead;
  Seq2SeqOutput forward(const TextInputs& in) const override {
    return generate_conditionally(this->base, this->head_function(), in);
  }
};

// Judges by the decoder's state at the last end-of-sequence token of input_ids.
template <class Base, class Head, FieldName name = "classification_head", FieldName prefix = Base::kBaseModelPrefix>
struct Seq2SeqForSequenceClassification : Seq2SeqWithHead<Seq2SeqModel, Base, Head, name, prefix> {
  static constexpr const char* kAutoClass = SequenceClassification::kAutoClass;
  using Seq2SeqForSequenceClassification::Seq2SeqWithHead::Seq2SeqWithHead;
  Seq2SeqOutput forward(const TextInputs& in) const override {
    return classify_sequence(this->base, this->head_function(), in);
  }
};

template <class Base, FieldName name = "qa_outputs", FieldName prefix = Base::kBaseModelPrefix>
struct Seq2SeqForQuestionAnswering : Seq2SeqWithHead<Seq2SeqModel, Base, Scores<2>, name, prefix> {
  static constexpr const char* kAutoClass = QuestionAnswering::kAutoClass;
  using Seq2SeqForQuestionAnswering::Seq2SeqWithHead::Seq2SeqWithHead;
  Seq2SeqOutput forward(const TextInputs& in) const override {
    return answer_question(this->base, this->head_function(), in);
  }
};

}  // namespace imago::nn
