// B batch, M mel bands, F frames, D hidden.
#include "imago/models/whisper/whisper.h"

#include <fmt/core.h>

#include "imago/base/error.h"
#include "imago/nn/embeddings.h"
#include "imago/nn/registry.h"
#include "imago/nn/speech_frames.h"
#include "imago/ops/gelu/gelu.h"
#include "imago/ops/operators.h"
#include "imago/ops/permute/permute.h"
#include "imago/ops/reduce/reduce.h"

namespace imago::whisper {

WhisperConfig::WhisperConfig() {
  is_encoder_decoder = true;
  pad_token_id = bos_token_id = 50256;
  eos_token_id = {50256};
  decoder_start_token_id = 50257;
}

void WhisperConfig::validate() const {
  require_heads("d_model", d_model, "encoder_attention_heads", encoder_attention_heads);
  require_heads("d_model", d_model, "decoder_attention_heads", decoder_attention_heads);
}

nn::StackOptions WhisperConfig::stack(bool decodes) const {
  return {.decodes = decodes,
          .vocab_size = decodes ? vocab_size : 0,
          .hidden_size = d_model,
          .layers = decodes ? decoder_layers : encoder_layers,
          .heads = decodes ? decoder_attention_heads : encoder_attention_heads,
          .intermediate_size = decodes ? decoder_ffn_dim : encoder_ffn_dim,
          .activation = activation_function,
          .norm_first = true,
          .padding_idx = pad_token_id,
          .key_bias = false};
}

Encoder::Encoder(const WhisperConfig& c)
    : EncoderDecoderStack(c.stack(false)),
      conv1(c.num_mel_bins, c.d_model, 3, {.padding = 1}),
      conv2(c.d_model, c.d_model, 3, {.stride = 2, .padding = 1}),
      embed_positions(c.max_source_positions, c.d_model),
      layer_norm(c.d_model, 1e-5) {}

BaseModelOutput Encoder::operator()(const TextInputs& in) const {
  const Tensor& features = in.inputs_embeds;
  const int64_t frames = 2 * embed_positions.weight.size(0);
  if (!features || features.dim() != 3 || features.size(2) != frames) {
    throw Error(ErrorKind::kInvalidArgument, "forward",
                fmt::format("input_features are {}, and the model hears {} frames",
                            features ? features.describe() : "missing", frames),
                "pad the sound to the whole window");
  }
  const Tensor x_BFD = transpose(gelu(conv2(gelu(conv1(features)))), 1, 2);
  return run(x_BFD + embed_positions.weight, in, layer_norm);
}

Decoder::Decoder(const WhisperConfig& c)
    : EncoderDecoderStack(c.stack(true)),
      embed_positions(c.max_target_positions, c.d_model),
      layer_norm(c.d_model, 1e-5) {}

BaseModelOutput Decoder::operator()(const TextInputs& in) const {
  const Tensor words_BTD = embed_words(in);
  const Tensor positions = nn::positions_behind_cache(in, words_BTD);
  TextInputs without_mask = in;
  without_mask.encoder_attention_mask = {};  // silence is heard, too
  return run(words_BTD + nn::position_embeddings(positions, embed_positions, "max_target_positions"), without_mask,
             layer_norm);
}

WhisperForAudioClassification::WhisperForAudioClassification(const WhisperConfig& c)
    : Backbone(c),
      encoder(c),
      projector(c.d_model, c.classifier_proj_size),
      classifier(c.classifier_proj_size, c.num_labels()) {
  if (c.use_weighted_layer_sum) layer_weights = parameter({c.encoder_layers + 1});
}

LogitsOutput WhisperForAudioClassification::forward(const SpeechInputs& in) const {
  TextInputs text = nn::as_text_inputs(in);
  if (layer_weights) text.output_hidden_states = true;
  BaseModelOutput below = encoder(text);
  Tensor x_BFD = below.last_hidden_state;
  if (layer_weights) x_BFD = nn::weighted_layers(layer_weights, below.hidden_states);
  const Tensor logits = classifier(mean(projector(x_BFD), {1}));
  if (!in.output_hidden_states) below.hidden_states.clear();
  return logits_output(logits, nn::token_loss(logits, in.labels), std::move(below));
}

}  // namespace imago::whisper

namespace imago {

void register_whisper(Registry& registry) {
  using namespace whisper;
  registry.add<WhisperModel>("WhisperModel");
  registry.add<WhisperForConditionalGeneration>("WhisperForConditionalGeneration");
  registry.add<WhisperForAudioClassification>("WhisperForAudioClassification");
}

}  // namespace imago
