// The words and the pictures among a model's inputs, for its parts that take one of them.
#pragma once

#include "imago/nn/image_model.h"
#include "imago/nn/model.h"

namespace imago::nn {

template <class Inputs>
TextInputs text_part(const Inputs& in) {
  TextInputs text;
  text.input_ids = in.input_ids;
  text.attention_mask = in.attention_mask;
  text.position_ids = in.position_ids;
  text.output_hidden_states = in.output_hidden_states;
  text.output_attentions = in.output_attentions;
  text.attention = in.attention;
  return text;
}

template <class Inputs>
ImageInputs image_part(const Inputs& in) {
  ImageInputs image;
  image.pixel_values = in.pixel_values;
  image.interpolate_pos_encoding = in.interpolate_pos_encoding;
  image.output_hidden_states = in.output_hidden_states;
  image.output_attentions = in.output_attentions;
  image.attention = in.attention;
  return image;
}

}  // namespace imago::nn
