#include "imago/models/blip_2_retrieval/blip_2_retrieval.h"

#include "imago/base/error.h"
#include "imago/nn/embeddings.h"
#include "imago/nn/input_parts.h"
#include "imago/nn/registry.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/concat/concat.h"
#include "imago/ops/expand/expand.h"
#include "imago/ops/matmul/matmul.h"
#include "imago/ops/operators.h"
#include "imago/ops/permute/permute.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/slice/slice.h"

namespace imago::blip_2_retrieval {
namespace {

using blip_2::Blip2QFormerConfig;
using blip_2::QFormerInputs;

Tensor without_first(const Tensor& x, int64_t count) {
  if (x.size(1) > count) return narrow(x, 1, count, x.size(1) - count);
  throw Error(ErrorKind::kInvalidArgument, "forward",
              "a text has no more tokens than the image tokens that stand in front of it",
              "let the model's processor write them, or set image_token_index to null where it writes none");
}

Tensor project(const nn::Linear& projection, const Tensor& x) {
  return nn::unit_vectors(projection(cast(x, projection.weight.dtype())));
}

// What the other models of a checkpoint have.
WeightMap ignoring(std::vector<std::string> ignored) {
  WeightMap map = blip_2::queries_weight_map();
  map.ignored = std::move(ignored);
  map.ignored.emplace_back("embeddings.position_ids");
  return map;
}

}  // namespace

TextEmbeddings::TextEmbeddings(const Blip2QFormerConfig& c)
    : word_embeddings(c.vocab_size, c.hidden_size, c.pad_token_id),
      position_embeddings(c.max_position_embeddings, c.hidden_size) {}

Tensor TextEmbeddings::operator()(const TextInputs& in) const {
  const Tensor words_JTD = nn::embed(in, word_embeddings);
  return words_JTD + nn::position_embeddings(in, words_JTD, position_embeddings, "max_position_embeddings");
}

Blip2ForImageTextRetrieval::Blip2ForImageTextRetrieval(const Blip2Config& c)
    : Backbone(c),
      pictures(c),
      embeddings(c.qformer()),
      vision_projection(c.qformer().hidden_size, c.image_text_hidden_size),
      text_projection(c.qformer().hidden_size, c.image_text_hidden_size),
      itm_head(c.qformer().hidden_size, 2) {}

void Blip2ForImageTextRetrieval::each_field(FieldVisitor& visitor) {
  pictures.each_field(visitor);
  imago::internal::visit_fields(visitor, "embeddings, vision_projection, text_projection, itm_head", embeddings,
                                vision_projection, text_projection, itm_head);
}

WeightMap Blip2ForImageTextRetrieval::weight_map() const { return ignoring({}); }

ImageTextOutput Blip2ForImageTextRetrieval::forward(const MatchingInputs& in) const {
  if (!in.input_ids || !in.pixel_values)
    throw Error(ErrorKind::kInvalidArgument, "forward", "the model takes input_ids and pixel_values");
  BaseModelOutput seen = pictures.vision_model.forward(nn::image_part(in));
  ImageTextOutput out =
      in.use_image_text_matching_head ? match(in, seen.last_hidden_state) : contrast(in, seen.last_hidden_state);
  out.logits_per_text = transpose(out.logits_per_image, 0, 1);
  out.vision_model_output = std::move(seen);
  return out;
}

// The queries ask the picture and the text at once.
ImageTextOutput Blip2ForImageTextRetrieval::match(const ImageTextInputs& in, const Tensor& seen_BND) const {
  const int64_t queries = config().num_query_tokens, batch = seen_BND.size(0);
  if (in.input_ids.size(0) != batch)
    throw Error(ErrorKind::kInvalidArgument, "forward", "there are not as many texts as pictures to match");
  TextInputs text = nn::text_part(in);
  QFormerInputs asked;
  asked.attention_mask = in.attention_mask;
  if (config().image_token_index) {
    text.input_ids = without_first(in.input_ids, queries);
  } else if (in.attention_mask) {
    asked.attention_mask = concat({Tensor::ones({batch, queries}, in.attention_mask.dtype()), in.attention_mask}, 1);
  }
  const Tensor words_BTD = embeddings(text);
  const Tensor asking_BQD = expand(pictures.query_tokens, {batch, -1, -1});
  asked.query_embeds = concat({cast(asking_BQD, words_BTD.dtype()), words_BTD}, 1);
  asked.query_length = Tensor::from(std::vector<int64_t>{queries});
  asked.encoder_hidden_states = seen_BND;
  asked.attention = in.attention;
  ImageTextOutput out;
  out.text_model_output = pictures.qformer.forward(asked);
  out.text_embeds = cast(out.text_model_output.last_hidden_state, itm_head.weight.dtype());
  out.image_embeds = seen_BND;
  out.logits_per_image = mean(itm_head(narrow(out.text_embeds, 1, 0, queries)), {1});
  return out;
}

ImageTextOutput Blip2ForImageTextRetrieval::contrast(const ImageTextInputs& in, const Tensor& seen_BND) const {
  ImageInputs as_is;
  as_is.attention = in.attention;
  TextInputs text = nn::text_part(in);
  if (config().image_token_index) {
    text.input_ids = without_first(text.input_ids, config().num_query_tokens);
    if (text.attention_mask) text.attention_mask = without_first(text.attention_mask, config().num_query_tokens);
  }
  QFormerInputs read;
  read.attention_mask = text.attention_mask;
  read.query_length = Tensor::from(std::vector<int64_t>{0});
  read.attention = in.attention;
  ImageTextOutput out;
  out.image_embeds = project(vision_projection, pictures.ask(seen_BND, as_is).last_hidden_state);
  read.query_embeds = embeddings(text);
  out.text_model_output = pictures.qformer.forward(read);
  out.text_embeds = project(text_projection, out.text_model_output.pooler_output);
  const Tensor cosines_IQJ = matmul(out.image_embeds, transpose(out.text_embeds, 0, 1));
  out.logits_per_image = amax(cosines_IQJ, {1});
  return out;
}

Blip2VisionModelWithProjection::Blip2VisionModelWithProjection(const Blip2Config& c)
    : Backbone(c), pictures(c), vision_projection(c.qformer().hidden_size, c.image_text_hidden_size) {}

void Blip2VisionModelWithProjection::each_field(FieldVisitor& visitor) {
  pictures.each_field(visitor);
  imago::internal::visit_field(visitor, "vision_projection", vision_projection);
}

WeightMap Blip2VisionModelWithProjection::weight_map() const {
  return ignoring({"embeddings.*", "text_projection.*", "itm_head.*"});
}

ProjectedOutput Blip2VisionModelWithProjection::forward(const ImageInputs& in) const {
  BaseModelOutput seen = pictures.vision_model.forward(in);
  ImageInputs as_is;
  as_is.attention = in.attention;
  ProjectedOutput out;
  out.image_embeds = project(vision_projection, pictures.ask(seen.last_hidden_state, as_is).last_hidden_state);
  out.last_hidden_state = seen.last_hidden_state;
  take_states(out, std::move(seen));
  return out;
}

Blip2TextModelWithProjection::Blip2TextModelWithProjection(const Blip2Config& c)
    : Backbone(c),
      query_tokens(parameter({1, c.num_query_tokens, c.qformer().hidden_size})),
      embeddings(c.qformer()),
      qformer(c.qformer()),
      text_projection(c.qformer().hidden_size, c.image_text_hidden_size) {}

WeightMap Blip2TextModelWithProjection::weight_map() const {
  return ignoring({"vision_model.*", "vision_projection.*", "itm_head.*"});
}

ProjectedOutput Blip2TextModelWithProjection::forward(const TextInputs& in) const {
  QFormerInputs read;
  read.query_embeds = embeddings(in);
  read.attention_mask = in.attention_mask;
  read.query_length = Tensor::from(std::vector<int64_t>{0});
  read.output_hidden_states = in.output_hidden_states;
  read.output_attentions = in.output_attentions;
  read.attention = in.attention;
  BaseModelOutput text = qformer.forward(read);
  ProjectedOutput out;
  out.text_embeds = project(text_projection, text.last_hidden_state);
  out.last_hidden_state = text.last_hidden_state;
  take_states(out, std::move(text));
  return out;
}

}  // namespace imago::blip_2_retrieval

REGISTER_MODELS(blip_2_retrieval, Blip2ForImageTextRetrieval, Blip2VisionModelWithProjection,
                Blip2TextModelWithProjection)
