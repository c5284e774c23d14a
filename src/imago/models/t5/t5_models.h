// T5 with its heads: an encoder and a decoder, or the encoder by itself.
#pragma once

#include "imago/models/t5/t5.h"
#include "imago/nn/model_with_head.h"

namespace imago::t5 {

// What T5Model and the heads that stand beside its parts, not above it, have in common.
struct EncoderDecoder {
  T5Config config_;
  nn::Embedding shared;
  Stack encoder, decoder;
  FIELDS(shared, encoder, decoder)

  explicit EncoderDecoder(const T5Config& c);
  BaseModelOutput encode(const TextInputs& in) const;
  // The decoder runs on decoder_input_ids; where there are none, on `shifted`, moved right by the start token.
  Seq2SeqOutput encode_and_decode(const TextInputs& in, const Tensor& shifted) const;
  WeightMap weight_map() const;
};

struct T5Model : Seq2SeqModel, EncoderDecoder {
  using ConfigType = T5Config;
  static constexpr const char* kBaseModelPrefix = "transformer";
  FIELDS_AND(EncoderDecoder)

  explicit T5Model(const T5Config& c) : EncoderDecoder(c) {}
  const T5Config& config() const override { return config_; }
  WeightMap weight_map() const override { return EncoderDecoder::weight_map(); }
  BaseModelOutput encode(const TextInputs& in) const override { return EncoderDecoder::encode(in); }
  Seq2SeqOutput forward(const TextInputs& in) const override { return encode_and_decode(in, {}); }
};

struct T5ForConditionalGeneration : Seq2SeqLM, EncoderDecoder {
  using ConfigType = T5Config;
  nn::Linear lm_head;
  FIELDS_AND(EncoderDecoder, lm_head)

  explicit T5ForConditionalGeneration(const T5Config& c) : EncoderDecoder(c), lm_head(c.d_model, c.vocab_size, false) {}
  const T5Config& config() const override { return config_; }
  WeightMap weight_map() const override;
  BaseModelOutput encode(const TextInputs& in) const override { return EncoderDecoder::encode(in); }
  Seq2SeqOutput forward(const TextInputs& in) const override;
};

struct T5ForQuestionAnswering : Seq2SeqModel, EncoderDecoder {
  using ConfigType = T5Config;
  nn::Linear qa_outputs;
  FIELDS_AND(EncoderDecoder, qa_outputs)

  explicit T5ForQuestionAnswering(const T5Config& c) : EncoderDecoder(c), qa_outputs(c.d_model, 2) {}
  const T5Config& config() const override { return config_; }
  WeightMap weight_map() const override { return EncoderDecoder::weight_map(); }
  BaseModelOutput encode(const TextInputs& in) const override { return EncoderDecoder::encode(in); }
  Seq2SeqOutput forward(const TextInputs& in) const override;
};

struct ClassificationHead : Module {
  nn::Linear dense, out_proj;
  FIELDS(dense, out_proj)

  explicit ClassificationHead(const T5Config& c);
  Tensor operator()(const Tensor& x_BD) const;
};

// Judges by the decoder's state at the last end-of-sequence token of input_ids.
struct T5ForSequenceClassification : nn::ModelWithHead<Seq2SeqModel, T5Model> {
  ClassificationHead classification_head;
  FIELDS_AND(ModelWithHead, classification_head)

  explicit T5ForSequenceClassification(const T5Config& c) : ModelWithHead(c), classification_head(c) {}
  BaseModelOutput encode(const TextInputs& in) const override { return base.encode(in); }
  Seq2SeqOutput forward(const TextInputs& in) const override;
};

struct T5EncoderModel : TextModel {
  using ConfigType = T5Config;
  static constexpr const char* kBaseModelPrefix = "transformer";
  nn::Embedding shared;
  Stack encoder;
  FIELDS(shared, encoder)

  explicit T5EncoderModel(const T5Config& c);
  const T5Config& config() const override { return config_; }
  WeightMap weight_map() const override;
  BaseModelOutput forward(const TextInputs& in) const override { return encoder(in); }

 private:
  T5Config config_;
};

}  // namespace imago::t5
