// The models of BLIP-2 without a language model: the Q-Former reads the text itself, and is compared with what it asked
// about the picture. I pictures, J texts, Q queries, T tokens, E image_text_hidden_size.
#pragma once

#include "imago/models/blip_2/blip_2.h"
#include "imago/nn/image_text_model.h"

namespace imago::blip_2_retrieval {

using blip_2::Blip2Config;
using blip_2::PictureQueries;

struct TextEmbeddings : Module {
  nn::Embedding word_embeddings, position_embeddings;
  FIELDS(word_embeddings, position_embeddings)

  explicit TextEmbeddings(const blip_2::Blip2QFormerConfig& c);
  Tensor operator()(const TextInputs& in) const;
};

struct MatchingInputs : ImageTextInputs {
  bool use_image_text_matching_head = false;  // whether pictures and texts, of which are as many, fit one by one
  FIELDS_AND(ImageTextInputs, use_image_text_matching_head)
};

// Without the matching head logits_per_image are [I, J], the cosine of the query that fits best; embeddings are
// [I, Q, E] and [J, E]. With it they are [I, 2], whether the text does not fit, or does; embeddings are what the vision
// model and the Q-Former gave. In config.json image_token_index says that Q image tokens stand in front of each text,
// as the processor then writes them.
struct Blip2ForImageTextRetrieval : nn::Backbone<Blip2Config, CallableModel<MatchingInputs, ImageTextOutput>>,
                                    ComparesImagesWithTexts,
                                    nn::HasConfiguredParts {
  static constexpr const char* kAutoClass = "AutoModelForZeroShotImageClassification";
  PictureQueries pictures;
  TextEmbeddings embeddings;
  nn::Linear vision_projection, text_projection, itm_head;
  void each_field(FieldVisitor& visitor) override;

  explicit Blip2ForImageTextRetrieval(const Blip2Config& c);
  WeightMap weight_map() const override;
  void each_part(const PartVisit& visit) const override { pictures.each_part(visit); }
  ImageTextOutput forward(const MatchingInputs& in) const override;
  ImageTextOutput compare(const ImageTextInputs& in) const override { return forward(MatchingInputs{in}); }

 private:
  ImageTextOutput match(const ImageTextInputs& in, const Tensor& seen_BND) const;
  ImageTextOutput contrast(const ImageTextInputs& in, const Tensor& seen_BND) const;
};

// The field is image_embeds or text_embeds: [I, Q, E] or [J, T, E], of length 1.
struct ProjectedOutput : ModelOutput {
  Tensor image_embeds, text_embeds, last_hidden_state;
  FIELDS_AND(ModelOutput, image_embeds, text_embeds, last_hidden_state)
};

struct Blip2VisionModelWithProjection : nn::Backbone<Blip2Config, CallableModel<ImageInputs, ProjectedOutput>>,
                                        nn::HasConfiguredParts {
  PictureQueries pictures;
  nn::Linear vision_projection;
  void each_field(FieldVisitor& visitor) override;

  explicit Blip2VisionModelWithProjection(const Blip2Config& c);
  WeightMap weight_map() const override;
  void each_part(const PartVisit& visit) const override { pictures.each_part(visit); }
  ProjectedOutput forward(const ImageInputs& in) const override;
};

struct Blip2TextModelWithProjection : nn::Backbone<Blip2Config, CallableModel<TextInputs, ProjectedOutput>>,
                                      nn::HasConfiguredParts {
  Tensor query_tokens;  // in every checkpoint; a text is read without
  TextEmbeddings embeddings;
  blip_2::Blip2QFormerModel qformer;
  nn::Linear text_projection;
  FIELDS(query_tokens, embeddings, qformer, text_projection)

  explicit Blip2TextModelWithProjection(const Blip2Config& c);
  WeightMap weight_map() const override;
  void each_part(const PartVisit& visit) const override { visit("qformer_config", qformer.config()); }
  ProjectedOutput forward(const TextInputs& in) const override;
};

}  // namespace imago::blip_2_retrieval
