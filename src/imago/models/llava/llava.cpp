// B pictures, N patches, D hidden.
#include "imago/models/llava/llava.h"

#include <fmt/core.h>

#include "imago/base/error.h"
#include "imago/nn/model_part.h"
#include "imago/ops/concat/concat.h"
#include "imago/ops/slice/slice.h"

namespace imago::llava {

void LlavaConfig::validate() const {
  if (vision_feature_layer.empty())
    throw Error(ErrorKind::kInvalidFile, "config.json", "vision_feature_layer names no layer");
  if (vision_feature_select_strategy != "default" && vision_feature_select_strategy != "full") {
    throw Error(ErrorKind::kInvalidFile, "config.json",
                fmt::format("vision_feature_select_strategy is \"{}\"", vision_feature_select_strategy),
                "it is default or full");
  }
}

MultiModalProjector::MultiModalProjector(const LlavaConfig& c, int64_t vision_size, int64_t text_size)
    : linear_1(vision_size * std::ssize(c.vision_feature_layer), text_size, c.multimodal_projector_bias),
      linear_2(text_size, text_size, c.multimodal_projector_bias),
      activation(nn::activation(c.projector_hidden_act)) {}

LlavaModel::LlavaModel(const LlavaConfig& c)
    : Backbone(c),
      vision_tower(nn::make_part_as<ImageModel>(c.vision_config, "vision_config", "clip_vision_model")),
      language_model(nn::make_part_as<TextModel>(c.text_config, "text_config", "llama")),
      multi_modal_projector(c, nn::config_number(*vision_tower, "hidden_size"), words().weight.size(1)) {}

WeightMap LlavaModel::weight_map() const {
  WeightMap map{.base_model_prefix = "model"};
  map.rules = {
      {"language_model.lm_head.*", "lm_head.*"},      {"language_model.model.*", "model.language_model.*"},
      {"language_model.*", "model.language_model.*"}, {"vision_tower.vision_model.*", "model.vision_tower.*"},
      {"vision_tower.*", "model.vision_tower.*"},     {"multi_modal_projector.*", "model.multi_modal_projector.*"}};
  nn::add_part(map, "vision_tower", vision_tower->weight_map());
  nn::add_part(map, "language_model", language_model->weight_map());
  return map;
}

ImageFeaturesOutput LlavaModel::image_features(const ImageTextToTextInputs& in) const {
  ImageInputs images = in.images();
  images.output_hidden_states = true;
  BaseModelOutput seen = vision_tower->forward(images);
  Tensors layers;
  for (const int64_t layer : config().vision_feature_layer) {
    const int64_t count = std::ssize(seen.hidden_states), index = layer < 0 ? count + layer : layer;
    if (index < 0 || index >= count) {
      throw Error(ErrorKind::kInvalidFile, "config.json",
                  fmt::format("vision_feature_layer {} of {} hidden states", layer, count));
    }
    const Tensor& x_BND = seen.hidden_states[index];
    // The class token tells nothing of a place.
    const bool patches_only = config().vision_feature_select_strategy == "default";
    layers.push_back(patches_only ? slice(x_BND, 1, 1) : x_BND);
  }
  const Tensor projected_BND = multi_modal_projector(concat(layers, -1));
  ImageFeaturesOutput out{seen.last_hidden_state, {}, {}, std::move(seen.attentions)};
  for (int64_t i = 0; i < projected_BND.size(0); ++i) out.pooler_output.push_back(select(projected_BND, 0, i));
  if (in.output_hidden_states) out.hidden_states = std::move(seen.hidden_states);
  return out;
}

}  // namespace imago::llava

REGISTER_MODELS(llava, LlavaModel, LlavaForConditionalGeneration)
