// Whisper (Radford et al. 2022, "Robust Speech Recognition via Large-Scale Weak Supervision").
// B batch, M mel bands, F frames, T tokens, D hidden.
#include <fmt/core.h>

#include <utility>

#include "imago/base/error.h"
#include "imago/nn/convolution_1d.h"
#include "imago/nn/dropout.h"
#include "imago/nn/embeddings.h"
#include "imago/nn/registry.h"
#include "imago/nn/speech_frames.h"
#include "imago/nn/speech_model.h"
#include "imago/nn/stack_config.h"
#include "imago/ops/gelu/gelu.h"
#include "imago/ops/operators.h"
#include "imago/ops/permute/permute.h"
#include "imago/ops/reduce/reduce.h"

namespace imago::whisper {

struct WhisperConfig : nn::StackConfig {
  static constexpr const char* kModelType = "whisper";
  int64_t vocab_size = 51865, num_mel_bins = 80, max_source_positions = 1500, max_target_positions = 448;
  bool scale_embedding = false, use_weighted_layer_sum = false;
  int64_t classifier_proj_size = 256;
  // Of training, of generation, and of early files: nothing is computed from them here.
  JsonText median_filter_width, num_hidden_layers, forced_decoder_ids;
  FIELDS_AND(StackConfig, vocab_size, num_mel_bins, max_source_positions, max_target_positions, scale_embedding,
             use_weighted_layer_sum, classifier_proj_size, median_filter_width, num_hidden_layers, forced_decoder_ids)

  WhisperConfig() {
    d_model = 384;
    encoder_layers = decoder_layers = 4, encoder_attention_heads = decoder_attention_heads = 6;
    encoder_ffn_dim = decoder_ffn_dim = 1536;
    pad_token_id = bos_token_id = 50256, eos_token_id = {50256}, decoder_start_token_id = 50257;
  }
  nn::StackOptions stack(bool decodes) const {
    nn::StackOptions options = stack_options(decodes);
    options.vocab_size = decodes ? vocab_size : 0;
    options.padding_idx = pad_token_id;
    options.norm_first = true;
    options.key_bias = false;
    return options;
  }
};

// Two convolutions, of which the second halves the frames, and learned positions. Reads inputs_embeds [B, M, F].
struct Encoder : nn::EncoderDecoderStack {
  nn::Conv1d conv1, conv2;
  nn::Embedding embed_positions;
  nn::LayerNorm layer_norm;
  FIELDS_AND(EncoderDecoderStack, conv1, conv2, embed_positions, layer_norm)

  explicit Encoder(const WhisperConfig& c)
      : EncoderDecoderStack(c.stack(false)),
        conv1(c.num_mel_bins, c.d_model, 3, {.padding = 1}),
        conv2(c.d_model, c.d_model, 3, {.stride = 2, .padding = 1}),
        embed_positions(c.max_source_positions, c.d_model),
        layer_norm(c.d_model, 1e-5),
        frames_dropped(std::exchange(dropped, 0)) {}
  BaseModelOutput operator()(const TextInputs& in) const {
    const Tensor& features = in.inputs_embeds;
    const int64_t frames = 2 * embed_positions.weight.size(0);
    if (!features || features.dim() != 3 || features.size(2) != frames) {
      throw Error(ErrorKind::kInvalidArgument, "forward",
                  fmt::format("input_features are {}, and the model hears {} frames",
                              features ? features.describe() : "missing", frames),
                  "pad the sound to the whole window");
    }
    const Tensor x_BDF = gelu(conv2(gelu(conv1(features)))) + transpose(embed_positions.weight, 0, 1);
    return run(transpose(nn::dropout(x_BDF, frames_dropped), 1, 2), in, layer_norm);
  }

  double frames_dropped;  // whose masks are drawn channel by channel
};

struct Decoder : nn::EncoderDecoderStack {
  nn::Embedding embed_positions;
  nn::LayerNorm layer_norm;
  FIELDS_AND(EncoderDecoderStack, embed_positions, layer_norm)

  explicit Decoder(const WhisperConfig& c)
      : EncoderDecoderStack(c.stack(true)),
        embed_positions(c.max_target_positions, c.d_model),
        layer_norm(c.d_model, 1e-5) {}
  BaseModelOutput operator()(TextInputs in) const {
    const Tensor words_BTD = embed_words(in);
    const Tensor positions = nn::positions_behind_cache(in, words_BTD);
    in.encoder_attention_mask = {};  // silence is heard, too
    return run(words_BTD + nn::position_embeddings(positions, embed_positions, "max_target_positions"), in, layer_norm);
  }
};

struct TextModel : nn::EncoderDecoder<WhisperConfig> {
  static constexpr nn::FieldName kBaseModelPrefix = "model";
  static constexpr const char* kInputEmbeddings = "decoder.embed_tokens.weight";
  Encoder encoder;
  Decoder decoder;
  FIELDS(encoder, decoder)

  explicit TextModel(const WhisperConfig& c) : EncoderDecoder(c), encoder(c), decoder(c) {}
  WeightMap weight_map() const override { return {.base_model_prefix = "model"}; }
  BaseModelOutput encode(const TextInputs& in) const override { return encoder(in); }
  BaseModelOutput decode(const TextInputs& in) const override { return decoder(in); }
};

using WhisperModel = nn::HearingModel<SpeechSeq2SeqModel, TextModel>;
using WhisperForConditionalGeneration =
    nn::HearingSeq2SeqLM<nn::ForConditionalGeneration<TextModel, nn::LMHead, "proj_out">>;

// The mean over the frames of a projection of the encoder's output, or of a weighted sum of all its layers'.
struct WhisperForAudioClassification : nn::Backbone<WhisperConfig, AudioClassification> {
  Encoder encoder;
  Tensor layer_weights;
  nn::Linear projector, classifier;
  FIELDS(encoder, layer_weights, projector, classifier)

  explicit WhisperForAudioClassification(const WhisperConfig& c)
      : Backbone(c),
        encoder(c),
        projector(c.d_model, c.classifier_proj_size),
        classifier(c.classifier_proj_size, c.num_labels()) {
    if (c.use_weighted_layer_sum) layer_weights = parameter({c.encoder_layers + 1});
  }
  WeightMap weight_map() const override { return {}; }
  LogitsOutput forward(const SpeechInputs& in) const override {
    TextInputs text = nn::as_text_inputs(in);
    if (layer_weights) text.output_hidden_states = true;
    BaseModelOutput below = encoder(text);
    Tensor x_BFD = below.last_hidden_state;
    if (layer_weights) x_BFD = nn::weighted_layers(layer_weights, below.hidden_states);
    const Tensor logits = classifier(mean(projector(x_BFD), {1}));
    if (!in.output_hidden_states) below.hidden_states.clear();
    return logits_output(logits, nn::token_loss(logits, in.labels), std::move(below));
  }
};

}  // namespace imago::whisper

REGISTER_MODELS(whisper, WhisperModel, WhisperForConditionalGeneration, WhisperForAudioClassification)
