// B batch, N samples, T tokens or frames, S steps, D hidden, M mel bands.
#include "imago/models/speecht5/speecht5.h"

#include <cmath>

#include "imago/base/error.h"
#include "imago/nn/dropout.h"
#include "imago/nn/embeddings.h"
#include "imago/nn/encoder_decoder_stack.h"
#include "imago/nn/losses.h"
#include "imago/nn/registry.h"
#include "imago/nn/sinusoidal_positions.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/compare/compare.h"
#include "imago/ops/operators.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/where/where.h"
#include "imago/tensor/grad_meta.h"

namespace imago::speecht5 {
namespace {

// Rows that begin behind that of padding, which is zero.
Tensor counted_positions(const Tensor& ids, int64_t padding, const Tensor& like_BTD) {
  const Tensor angles = nn::sinusoidal_positions(ids, like_BTD.size(2), nn::Sinusoids::kTensor2Tensor);
  return cast(masked_fill(angles, unsqueeze(eq(ids, static_cast<double>(padding)), -1), 0), like_BTD.dtype());
}

WeightMap weights() {
  return {.rules = nn::positional_convolution_rules(),
          // Positions that are computed; older releases saved them.
          .ignored = {"*.encode_positions.pe", "*.pos_sinusoidal_embed.weights", "*prenet.embed_positions.weights"},
          .optional = {"*masked_spec_embed"}};
}

}  // namespace

SpeechT5Config::SpeechT5Config() {
  is_encoder_decoder = true;
  bos_token_id = 0;
  pad_token_id = 1;
  eos_token_id = {2};
  decoder_start_token_id = 2;
}

nn::RelativeStackOptions SpeechT5Config::stack(bool decodes) const {
  return {.hidden_size = hidden_size,
          .layers = decodes ? decoder_layers : encoder_layers,
          .heads = decodes ? decoder_attention_heads : encoder_attention_heads,
          .intermediate_size = decodes ? decoder_ffn_dim : encoder_ffn_dim,
          .activation = hidden_act,
          .eps = layer_norm_eps,
          .max_distance = encoder_max_relative_position,
          .dropout = dropout(decodes ? decoder_layerdrop : encoder_layerdrop)};
}

nn::FrameOptions SpeechT5Config::frame_options() const {
  return {conv_dim, conv_stride, conv_kernel, conv_bias, feat_extract_norm, feat_extract_activation};
}

void SpeechT5Config::validate() const {
  require_heads("hidden_size", hidden_size, "encoder_attention_heads", encoder_attention_heads);
  require_heads("hidden_size", hidden_size, "decoder_attention_heads", decoder_attention_heads);
  require_heads("hidden_size", hidden_size, "num_conv_pos_embedding_groups", num_conv_pos_embedding_groups);
  frame_options().validate();
  if (pad_token_id != 1)
    throw Error(ErrorKind::kUnsupported, "config.json", "pad_token_id is not 1, by which the reference tells frames");
  if (reduction_factor < 1 || encoder_max_relative_position < 1 || num_mel_bins < 1 || speech_decoder_prenet_layers < 0)
    throw Error(ErrorKind::kInvalidFile, "config.json", "a size is below 1");
  if (!(speech_decoder_prenet_dropout >= 0 && speech_decoder_prenet_dropout < 1))
    throw Error(ErrorKind::kInvalidFile, "config.json", "speech_decoder_prenet_dropout is no probability below 1");
}

SpeechEncoderPrenet::SpeechEncoderPrenet(const SpeechT5Config& c)
    : feature_encoder(c.frame_options()),
      feature_projection(c.conv_dim.back(), c.hidden_size, c.layer_norm_eps),
      masked_spec_embed(parameter({c.hidden_size})),
      pos_conv_embed(c.hidden_size, c.num_conv_pos_embeddings, c.num_conv_pos_embedding_groups,
                     c.feat_extract_activation),
      config(c) {}

Prepared SpeechEncoderPrenet::operator()(const Tensor& samples_BN, const Tensor& attention_mask) const {
  const Tensor frames = feature_encoder(samples_BN);
  Tensor x_BTD =
      nn::dropout(feature_projection.projection(feature_projection.layer_norm(frames)), config.feat_proj_dropout);
  const std::vector<int64_t> counts = heard_frames(samples_BN, attention_mask);
  x_BTD = nn::hide_spans(config, x_BTD, {}, masked_spec_embed, attention_mask ? counts : std::vector<int64_t>());
  x_BTD = x_BTD + pos_conv_embed(x_BTD);
  const Tensor heard = nn::first_frames(counts, x_BTD.size(1));
  const int64_t padding = *config.pad_token_id;
  const Tensor places = unsqueeze(Tensor::arange(1, static_cast<double>(x_BTD.size(1) + 1)), 0);
  const Tensor ids = places * cast(heard, DType::i64) + static_cast<double>(padding);
  return {x_BTD + counted_positions(ids, padding, x_BTD), attention_mask ? heard : Tensor()};
}

Prepared TextEncoderPrenet::operator()(const Tensor& ids_BT, const Tensor& attention_mask) const {
  nn::require_input(ids_BT, "input_ids");
  return {encode_positions(embed_tokens(ids_BT)), attention_mask ? ne(attention_mask, 0) : Tensor()};
}

TextDecoderPrenet::TextDecoderPrenet(const SpeechT5Config& c)
    : embed_tokens(c.vocab_size, c.hidden_size, c.pad_token_id),
      scale(c.scale_embedding ? std::sqrt(static_cast<double>(c.hidden_size)) : 1),
      dropped(c.positional_dropout) {}

Tensor TextDecoderPrenet::operator()(const TextInputs& in) const {
  const Tensor x_BTD = embed_tokens(in.input_ids) * scale;
  const int64_t padding = *embed_tokens.padding_idx;
  return nn::dropout(x_BTD + counted_positions(nn::position_ids_behind_padding(in, x_BTD, padding), padding, x_BTD),
                     dropped);
}

SpeechT5ForSpeechToText::SpeechT5ForSpeechToText(const SpeechT5Config& c) : Backbone(c), speecht5(c) {
  text_decoder_postnet.lm_head = nn::Linear(c.hidden_size, c.vocab_size, false);
}

WeightMap SpeechT5ForSpeechToText::weight_map() const {
  WeightMap map = weights();
  if (config().tie_word_embeddings)
    map.tied = {{"text_decoder_postnet.lm_head.weight", "speecht5.decoder.prenet.embed_tokens.weight"}};
  return map;
}

BaseModelOutput SpeechT5ForSpeechToText::encode(const SpeechInputs& in) const {
  const Prepared prepared = speecht5.encoder.prenet(in.input_values, in.attention_mask);
  return speecht5.encoder.wrapped_encoder(prepared.x_BTD, prepared.mask, nn::asked_of(in));
}

Seq2SeqOutput SpeechT5ForSpeechToText::forward(const SpeechInputs& in) const {
  BaseModelOutput encoded;
  encoded.last_hidden_state = in.encoder_last_hidden_state;
  if (!encoded.last_hidden_state) encoded = encode(in);
  TextInputs text = nn::asked_of(in);
  text.input_ids = in.decoder_input_ids || !in.labels ? in.decoder_input_ids : nn::shift_right(in.labels, config());
  nn::require_input(text.input_ids, "decoder_input_ids");
  text.attention_mask = in.decoder_attention_mask;
  text.encoder_hidden_states = encoded.last_hidden_state;
  if (in.attention_mask && in.input_values) {
    const auto heard = speecht5.encoder.prenet.heard_frames(in.input_values, in.attention_mask);
    text.encoder_attention_mask = cast(nn::first_frames(heard, encoded.last_hidden_state.size(1)), DType::i64);
  }
  BaseModelOutput decoded = speecht5.decoder.wrapped_decoder(speecht5.decoder.prenet(text), text);
  const Tensor x_BTD = nn::keep_last(decoded.last_hidden_state, in.logits_to_keep);
  Seq2SeqOutput out = nn::joined(std::move(encoded), std::move(decoded));
  out.last_hidden_state = {};
  out.logits = text_decoder_postnet.lm_head(x_BTD);
  out.loss = nn::token_loss(out.logits, in.labels);
  return out;
}

template <class Interface, class EncoderPrenet>
SpeakingModel<Interface, EncoderPrenet>::SpeakingModel(const SpeechT5Config& c)
    : nn::Backbone<SpeechT5Config, Interface>(c), speecht5(c), speech_decoder_postnet(c) {}

template <class Interface, class EncoderPrenet>
WeightMap SpeakingModel<Interface, EncoderPrenet>::weight_map() const {
  return weights();
}

template <class Interface, class EncoderPrenet>
Prepared SpeakingModel<Interface, EncoderPrenet>::prepare(const SpeakingInputs& in, const Tensor& mask) const {
  if constexpr (std::is_same_v<EncoderPrenet, TextEncoderPrenet>) {
    return speecht5.encoder.prenet(in.input_ids, mask);
  } else {
    return speecht5.encoder.prenet(in.input_values, mask);
  }
}

template <class Interface, class EncoderPrenet>
SpectrogramOutput SpeakingModel<Interface, EncoderPrenet>::forward(const SpeakingInputs& in) const {
  const Prepared prepared = prepare(in, in.attention_mask);
  TextInputs asked = nn::asked_of(in);
  asked.output_attentions = asked.output_attentions || speaker().guides(in);
  return speaker().forward(in, speecht5.encoder.wrapped_encoder(prepared.x_BTD, prepared.mask, asked), prepared.mask);
}

template <class Interface, class EncoderPrenet>
Tensors SpeakingModel<Interface, EncoderPrenet>::generate_speech(const SpeakingInputs& in,
                                                                 const SpeakingOptions& options) const {
  const NoGrad no_grad;
  const Tensor& given = std::is_same_v<EncoderPrenet, TextEncoderPrenet> ? in.input_ids : in.input_values;
  nn::require_input(given, "input_ids or input_values");
  // As in the reference, what is not said to be padding is told by its value.
  const Tensor mask = in.attention_mask
                          ? in.attention_mask
                          : cast(ne(given, static_cast<double>(*this->config().pad_token_id)), DType::i64);
  const Prepared prepared = prepare(in, mask);
  const Tensor encoded = speecht5.encoder.wrapped_encoder(prepared.x_BTD, prepared.mask, {}).last_hidden_state;
  return speaker().generate(in, encoded, prepared.mask, options);
}

}  // namespace imago::speecht5

REGISTER_MODELS(speecht5, SpeechT5Model, SpeechT5ForSpeechToText, SpeechT5ForTextToSpeech, SpeechT5ForSpeechToSpeech)
