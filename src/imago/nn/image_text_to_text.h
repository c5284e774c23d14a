// Models that read texts with pictures in them and write texts. B batch, T tokens, D hidden, V vocabulary.
#pragma once

#include <optional>

#include "imago/nn/backbone.h"
#include "imago/nn/default_dropout.h"
#include "imago/nn/field_name.h"
#include "imago/nn/heads/with_head.h"
#include "imago/nn/image_model.h"
#include "imago/nn/word_table.h"

namespace imago {

// A picture stands in input_ids as a run of the model's image token, one for each vector that is made of it; a video as
// one of its video token. With a cache both go with the first tokens only.
struct ImageTextToTextInputs {
  Tensor input_ids;       // [B, T]
  Tensor attention_mask;  // [B, T] 0 is padding; with a cache, of all tokens so far
  Tensor position_ids;    // [B, T], [1, T], or [3, B, T] of models whose pictures have positions in three directions
  Tensor pixel_values;    // the pictures, as the model's processor makes them
  Tensor pixel_attention_mask;    // where they are more than padding
  Tensor image_grid_thw;          // [pictures, 3]: how many patches lie in time, from top to bottom, from left to right
  Tensor pixel_values_videos;     // the videos, and how many patches lie in their time, height and width
  Tensor video_grid_thw;          // [videos, 3]
  Tensor mm_token_type_ids;       // [B, T]: 0 where text stands, 1 where a picture does, 2 where a video does
  Tensor decoder_input_ids;       // [B, S] of models that write with an encoder's decoder
  Tensor decoder_attention_mask;  // [B, S]
  Tensor labels;                  // gives a loss
  bool interpolate_pos_encoding = false;  // take pictures of another size than config.json's, where a model can
  KeyValueCache* past_key_values = nullptr;
  bool output_hidden_states = false, output_attentions = false;
  int64_t logits_to_keep = 0;  // logits of the last tokens only; 0 keeps all
  AttentionImplementation attention = AttentionImplementation::kSdpa;
  FIELDS(input_ids, attention_mask, position_ids, pixel_values, pixel_attention_mask, image_grid_thw,
         pixel_values_videos, video_grid_thw, mm_token_type_ids, decoder_input_ids, decoder_attention_mask, labels,
         interpolate_pos_encoding)

  TextInputs texts() const;  // but for the pictures
  ImageInputs images() const;
};

// What became of the pictures on their way to the text.
struct ImageFeaturesOutput {
  Tensor last_hidden_state;
  Tensors pooler_output;  // [vectors, D] each: what takes the place of image tokens, in their order
  Tensors hidden_states, attentions;
  FIELDS(last_hidden_state, pooler_output, hidden_states, attentions)
};

// Of a language model, which is a decoder, or an encoder with one.
struct LanguageModelOutput : Seq2SeqOutput {
  Tensors hidden_states, attentions;
  FIELDS_AND(Seq2SeqOutput, hidden_states, attentions)
};

struct ImageTextToTextOutput : ModelOutput {
  Tensor logits;             // [B, T, V], of a model with a head
  Tensor last_hidden_state;  // [B, T, D], of one without
  ImageFeaturesOutput image_outputs, video_outputs;
  BaseModelOutput vision_outputs, qformer_outputs;  // of models that show their parts
  LanguageModelOutput language_model_outputs;
  FIELDS_AND(ModelOutput, logits, last_hidden_state, image_outputs, video_outputs, vision_outputs, qformer_outputs,
             language_model_outputs)
};

// What an encoder reads, of which its decoder is to write.
struct EncoderPrompt {
  const Seq2SeqLM* model = nullptr;
  TextInputs inputs;
};

// What generation asks for.
struct ImageTextToText : CallableModel<ImageTextToTextInputs, ImageTextToTextOutput> {
  static constexpr const char* kAutoClass = "AutoModelForImageTextToText";
  // Where the tokens of a prompt stand: position_ids [B, T] or [3, B, T]. What follows stands behind the last of them.
  virtual Tensor prompt_positions(const ImageTextToTextInputs& in) const = 0;
  // Where an encoder reads the prompt: that, with the pictures among its words. Nothing where a decoder continues it.
  virtual std::optional<EncoderPrompt> encoder_prompt(const ImageTextToTextInputs& /*in*/) const { return {}; }
};

// The same without a head: a text model that finds pictures in the place of words.
struct ImageTextModelBase : CallableModel<ImageTextToTextInputs, ImageTextToTextOutput>, nn::HasConfiguredParts {
  static constexpr const char* kAutoClass = "AutoModel";

  virtual const TextModel& text_model() const = 0;
  virtual std::string text_model_field() const { return "language_model"; }
  virtual int64_t image_token() const = 0;
  virtual ImageFeaturesOutput image_features(const ImageTextToTextInputs& in) const = 0;
  // Of models that read videos. The others throw Error kUnsupported.
  virtual int64_t video_token() const;
  virtual ImageFeaturesOutput video_features(const ImageTextToTextInputs& in) const;
  // Those that padding does not count in.
  virtual Tensor prompt_positions(const ImageTextToTextInputs& in) const;

  ImageTextToTextOutput forward(const ImageTextToTextInputs& in) const override;
  void each_part(const PartVisit& visit) const override;  // the text model's "text_config"

  // The words, of which a head's size and perhaps its weight are, and the name of that.
  const nn::Embedding& words() const;
  std::string words_name() const;
};

namespace nn {

// The rows of `features` [N, D] in the place of the N `token` of ids [B, T], in x [B, T, D]. Throws Error
// kInvalidArgument where there are not as many of them.
Tensor put_features(const Tensor& x_BTD, const Tensor& ids_BT, int64_t token, const Tensor& features_ND);

// Throws Error kUnsupported where there is a video, for models that read none.
void refuse_videos(const ImageTextToTextInputs& in);

// Positions [B, T] of tokens, counted on where the mask is not 0; all count where it is undefined.
Tensor masked_positions(const Tensor& input_ids, const Tensor& attention_mask);

// Whether the head shares the words' weight: both configurations may say so.
bool shares_words(const ImageTextModelBase& base);

ImageTextToTextOutput write_about_images(const ImageTextModelBase& base, const HeadFunction& head,
                                         const ImageTextToTextInputs& in);

// Base, which is a bare model at "model", with a score for each word of its text model.
template <class Base>
struct ForImageTextToText : ImageTextToText, HasConfiguredParts {
  using ConfigType = typename Base::ConfigType;
  Base model;
  Linear lm_head;
  FIELDS(model, lm_head)

  explicit ForImageTextToText(const ConfigType& c)
      : model(c), lm_head(model.words().weight.size(1), model.words().weight.size(0), false) {}
  const Config& config() const override { return model.config(); }
  WeightMap weight_map() const override {
    WeightMap map = with_head(model.weight_map(), "model", "lm_head");
    if (shares_words(model)) map.tied.emplace_back("lm_head.weight", "model." + model.words_name());
    return map;
  }
  Tensor prompt_positions(const ImageTextToTextInputs& in) const override { return model.prompt_positions(in); }
  void each_part(const PartVisit& visit) const override { model.each_part(visit); }
  ImageTextToTextOutput forward(const ImageTextToTextInputs& in) const override {
    return write_about_images(
        model, [this](const Tensor& x) { return lm_head(x); }, in);
  }
};

}  // namespace nn
}  // namespace imago
