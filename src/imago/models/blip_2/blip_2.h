// BLIP-2 (Li et al. 2023, "BLIP-2: Bootstrapping Language-Image Pre-training with Frozen Image Encoders and Large
// Language Models").
#pragma once

#include "imago/models/blip_2_qformer/blip_2_qformer.h"
#include "imago/models/blip_2_vision_model/blip_2_vision_model.h"
#include "imago/nn/default_dropout.h"
#include "imago/nn/image_text_to_text.h"

namespace imago::blip_2 {

using blip_2_qformer::Blip2QFormerConfig;
using blip_2_qformer::Blip2QFormerModel;
using blip_2_qformer::QFormerInputs;
using blip_2_vision_model::Blip2VisionConfig;
using blip_2_vision_model::Blip2VisionModel;

struct Blip2Config : Config {
  static constexpr const char* kModelType = "blip-2";
  JsonText vision_config, qformer_config, text_config;
  int64_t num_query_tokens = 32, image_text_hidden_size = 256;
  std::optional<int64_t> image_token_index;
  JsonText use_decoder_only_language_model;  // the language model says it itself
  FIELDS_AND(Config, vision_config, qformer_config, text_config, num_query_tokens, image_text_hidden_size,
             image_token_index, use_decoder_only_language_model)

  Blip2VisionConfig vision() const;
  Blip2QFormerConfig qformer() const;
  void validate() const override;
};

// What a vision model sees, asked by learned queries.
struct PictureQueries : Module {
  Blip2VisionModel vision_model;
  Tensor query_tokens;
  Blip2QFormerModel qformer;
  FIELDS(vision_model, query_tokens, qformer)

  explicit PictureQueries(const Blip2Config& c);
  // The queries for each picture of seen [B, N, D]; hidden states and attentions as `in` says.
  BaseModelOutput ask(const Tensor& seen_BND, const ImageInputs& in) const;
  void each_part(const nn::HasConfiguredParts::PartVisit& visit) const;
};

// Of a model with queries: they and the Q-Former stay in float32 in a half-precision model.
WeightMap queries_weight_map();

// Pictures on their way to words: projected to where a language model has its words.
struct PictureReader : PictureQueries {
  nn::Linear language_projection;
  FIELDS_AND(PictureQueries, language_projection)

  PictureReader(const Blip2Config& c, int64_t text_size)
      : PictureQueries(c), language_projection(c.qformer().hidden_size, text_size) {}
  // Fills in vision_outputs and qformer_outputs. [B, queries, text size]
  Tensor operator()(const ImageInputs& in, ImageTextToTextOutput& out) const;
};

// A PictureReader and a language model with a head, which is a decoder or an encoder with one.
struct PicturesAndLanguage : Module {
  std::unique_ptr<Model> language_model;
  PictureReader pictures;
  void each_field(FieldVisitor& visitor);

  explicit PicturesAndLanguage(const Blip2Config& c);
  WeightMap weight_map() const;
  void each_part(const nn::HasConfiguredParts::PartVisit& visit) const;
  // The text with the vectors of pictures among its words. Records of the pictures too where `recorded` says so.
  TextInputs embedded(const Blip2Config& c, const ImageTextToTextInputs& in, bool recorded,
                      ImageTextToTextOutput& out) const;
  ImageTextToTextOutput operator()(const Blip2Config& c, const ImageTextToTextInputs& in, bool recorded) const;
};

struct Blip2Model : nn::Backbone<Blip2Config, CallableModel<ImageTextToTextInputs, ImageTextToTextOutput>>,
                    nn::HasConfiguredParts {
  static constexpr const char* kAutoClass = "AutoModel";
  PicturesAndLanguage parts;
  void each_field(FieldVisitor& visitor) override { parts.each_field(visitor); }

  explicit Blip2Model(const Blip2Config& c) : Backbone(c), parts(c) {}
  WeightMap weight_map() const override { return parts.weight_map(); }
  void each_part(const PartVisit& visit) const override { parts.each_part(visit); }
  ImageTextToTextOutput forward(const ImageTextToTextInputs& in) const override { return parts(config(), in, true); }
};

// The same in the reference, but that it records nothing of the pictures.
struct Blip2ForConditionalGeneration : nn::Backbone<Blip2Config, ImageTextToText>, nn::HasConfiguredParts {
  PicturesAndLanguage parts;
  void each_field(FieldVisitor& visitor) override { parts.each_field(visitor); }

  explicit Blip2ForConditionalGeneration(const Blip2Config& c) : Backbone(c), parts(c) {}
  WeightMap weight_map() const override { return parts.weight_map(); }
  void each_part(const PartVisit& visit) const override { parts.each_part(visit); }
  ImageTextToTextOutput forward(const ImageTextToTextInputs& in) const override { return parts(config(), in, false); }
  Tensor prompt_positions(const ImageTextToTextInputs& in) const override {
    return nn::masked_positions(in.input_ids, in.attention_mask);
  }
  std::optional<EncoderPrompt> encoder_prompt(const ImageTextToTextInputs& in) const override;
};

}  // namespace imago::blip_2
