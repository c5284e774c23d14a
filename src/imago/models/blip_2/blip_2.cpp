// B pictures, Q queries, D hidden, T tokens.
#include "imago/models/blip_2/blip_2.h"

#include <fmt/core.h>

#include "imago/base/error.h"
#include "imago/nn/losses.h"
#include "imago/nn/model_part.h"
#include "imago/nn/sub_config.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/expand/expand.h"
#include "imago/ops/reshape/reshape.h"

namespace imago::blip_2 {
namespace {

const nn::WordTable& words_of(const Model& language_model) {
  if (const auto* table = dynamic_cast<const nn::WordTable*>(&language_model)) return *table;
  nn::throw_wrong_part("text_config", language_model);
}

}  // namespace

Blip2VisionConfig Blip2Config::vision() const {
  Blip2VisionConfig config;
  nn::read_sub_config(vision_config, "vision_config", config);
  return config;
}

Blip2QFormerConfig Blip2Config::qformer() const {
  Blip2QFormerConfig config;
  nn::read_sub_config(qformer_config, "qformer_config", config);
  config.encoder_hidden_size = vision().hidden_size;
  return config;
}

void Blip2Config::validate() const {
  qformer();
  if (num_query_tokens < 1) throw Error(ErrorKind::kInvalidFile, "config.json", "num_query_tokens is below 1");
}

PictureQueries::PictureQueries(const Blip2Config& c)
    : vision_model(c.vision()),
      query_tokens(parameter({1, c.num_query_tokens, c.qformer().hidden_size})),
      qformer(c.qformer()) {}

BaseModelOutput PictureQueries::ask(const Tensor& seen_BND, const ImageInputs& in) const {
  QFormerInputs asked;
  asked.query_embeds = expand(query_tokens, {seen_BND.size(0), query_tokens.size(1), query_tokens.size(2)});
  asked.encoder_hidden_states = seen_BND;
  asked.output_hidden_states = in.output_hidden_states;
  asked.output_attentions = in.output_attentions;
  asked.attention = in.attention;
  return qformer.forward(asked);
}

void PictureQueries::each_part(const nn::HasConfiguredParts::PartVisit& visit) const {
  visit("vision_config", vision_model.config());
  visit("qformer_config", qformer.config());
}

WeightMap queries_weight_map() { return {.keep_in_float32 = {"query_tokens", "qformer.*"}}; }

Tensor PictureReader::operator()(const ImageInputs& in, ImageTextToTextOutput& out) const {
  out.vision_outputs = vision_model.forward(in);
  const Tensor& seen_BND = out.vision_outputs.last_hidden_state;
  out.qformer_outputs = ask(seen_BND, in);
  return language_projection(cast(out.qformer_outputs.last_hidden_state, seen_BND.dtype()));
}

PicturesAndLanguage::PicturesAndLanguage(const Blip2Config& c)
    : language_model(
          nn::make_part(c.text_config, "text_config", "opt", {"AutoModelForCausalLM", "AutoModelForSeq2SeqLM"})),
      pictures(c, words_of(*language_model).word_embeddings().weight.size(1)) {}

void PicturesAndLanguage::each_field(FieldVisitor& visitor) {
  pictures.each_field(visitor);
  imago::internal::visit_field(visitor, "language_model", *language_model);
}

WeightMap PicturesAndLanguage::weight_map() const {
  WeightMap map = queries_weight_map();
  nn::add_part(map, "language_model", language_model->weight_map());
  return map;
}

void PicturesAndLanguage::each_part(const nn::HasConfiguredParts::PartVisit& visit) const {
  pictures.each_part(visit);
  visit("text_config", language_model->config());
}

TextInputs PicturesAndLanguage::embedded(const Blip2Config& c, const ImageTextToTextInputs& in, bool recorded,
                                         ImageTextToTextOutput& out) const {
  if (!in.input_ids) throw Error(ErrorKind::kInvalidArgument, "forward", "the model takes input_ids");
  nn::refuse_videos(in);
  TextInputs text = in.texts();
  text.input_ids = {};
  text.inputs_embeds = words_of(*language_model).word_embeddings()(in.input_ids);
  if (!in.pixel_values) return text;
  if (!c.image_token_index) {
    throw Error(ErrorKind::kInvalidFile, "config.json", "image_token_index is missing, where pictures stand in a text",
                "set it to the id of the tokenizer's image token");
  }
  ImageInputs images = in.images();
  images.output_hidden_states = images.output_hidden_states && recorded;
  images.output_attentions = images.output_attentions && recorded;
  const Tensor features_BQD = pictures(images, out);
  text.inputs_embeds =
      nn::put_features(text.inputs_embeds, in.input_ids, *c.image_token_index, flatten(features_BQD, 0, 1));
  return text;
}

ImageTextToTextOutput PicturesAndLanguage::operator()(const Blip2Config& c, const ImageTextToTextInputs& in,
                                                      bool recorded) const {
  ImageTextToTextOutput out;
  TextInputs text = embedded(c, in, recorded, out);
  text.logits_to_keep = in.logits_to_keep;
  if (const auto* decoder = dynamic_cast<const CausalLM*>(language_model.get())) {
    LogitsOutput written = decoder->forward(text);
    out.loss = nn::causal_lm_loss(written.logits, in.labels);
    out.language_model_outputs.logits = written.logits;
    out.language_model_outputs.hidden_states = std::move(written.hidden_states);
    out.language_model_outputs.attentions = std::move(written.attentions);
  } else {
    text.labels = in.labels;
    text.decoder_input_ids = in.decoder_input_ids;
    text.decoder_attention_mask = in.decoder_attention_mask;
    Seq2SeqOutput& written = out.language_model_outputs;
    written = dynamic_cast<const Seq2SeqLM&>(*language_model).forward(text);
    out.loss = written.loss;
  }
  out.logits = out.language_model_outputs.logits;
  return out;
}

std::optional<EncoderPrompt> Blip2ForConditionalGeneration::encoder_prompt(const ImageTextToTextInputs& in) const {
  const auto* writer = dynamic_cast<const Seq2SeqLM*>(parts.language_model.get());
  if (writer == nullptr) return {};
  ImageTextToTextOutput unused;
  return EncoderPrompt{writer, parts.embedded(config(), in, false, unused)};
}

}  // namespace imago::blip_2

REGISTER_MODELS(blip_2, Blip2Model, Blip2ForConditionalGeneration)
