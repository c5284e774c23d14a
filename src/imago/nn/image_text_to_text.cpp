#include "imago/nn/image_text_to_text.h"

#include <fmt/core.h>

#include <numeric>

#include "imago/base/error.h"
#include "imago/nn/heads/pooling.h"
#include "imago/nn/input_parts.h"
#include "imago/nn/losses.h"
#include "imago/ops/binary/binary.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/concat/concat.h"
#include "imago/ops/cumulative/cumulative.h"
#include "imago/ops/expand/expand.h"
#include "imago/ops/index_select/index_select.h"
#include "imago/ops/operators.h"
#include "imago/ops/reshape/reshape.h"

namespace imago {

TextInputs ImageTextToTextInputs::texts() const {
  TextInputs text = nn::text_part(*this);
  text.past_key_values = past_key_values;
  return text;
}

ImageInputs ImageTextToTextInputs::images() const { return nn::image_part(*this); }

namespace {

const nn::WordTable& word_table(const ImageTextModelBase& model) {
  const auto* table = dynamic_cast<const nn::WordTable*>(&model.text_model());
  if (table != nullptr) return *table;
  throw Error(
      ErrorKind::kUnsupported, "config.json",
      fmt::format("no pictures can be put among the words of a \"{}\"", model.text_model().config().model_type));
}

}  // namespace

const nn::Embedding& ImageTextModelBase::words() const { return word_table(*this).word_embeddings(); }
std::string ImageTextModelBase::words_name() const {
  return text_model_field() + "." + word_table(*this).word_embeddings_name();
}

Tensor ImageTextModelBase::prompt_positions(const ImageTextToTextInputs& in) const {
  return nn::masked_positions(in.input_ids, in.attention_mask);
}

void ImageTextModelBase::each_part(const PartVisit& visit) const { visit("text_config", text_model().config()); }

int64_t ImageTextModelBase::video_token() const {
  throw Error(ErrorKind::kUnsupported, "forward", "the model reads no videos");
}

ImageFeaturesOutput ImageTextModelBase::video_features(const ImageTextToTextInputs& in) const {
  nn::refuse_videos(in);
  return {};
}

ImageTextToTextOutput ImageTextModelBase::forward(const ImageTextToTextInputs& in) const {
  if (!in.input_ids) throw Error(ErrorKind::kInvalidArgument, "forward", "the model takes input_ids");
  ImageTextToTextOutput out;
  TextInputs text = in.texts();
  text.input_ids = {};
  text.inputs_embeds = words()(in.input_ids);
  if (in.pixel_values) {
    out.image_outputs = image_features(in);
    const Tensor features = concat(out.image_outputs.pooler_output, 0);
    text.inputs_embeds = nn::put_features(text.inputs_embeds, in.input_ids, image_token(), features);
  }
  if (in.pixel_values_videos) {
    out.video_outputs = video_features(in);
    const Tensor features = concat(out.video_outputs.pooler_output, 0);
    text.inputs_embeds = nn::put_features(text.inputs_embeds, in.input_ids, video_token(), features);
  }
  BaseModelOutput below = text_model().forward(text);
  out.last_hidden_state = below.last_hidden_state;
  take_states(out, std::move(below));
  return out;
}

namespace nn {

Tensor put_features(const Tensor& x_BTD, const Tensor& ids_BT, int64_t token, const Tensor& features_ND) {
  const std::vector<int64_t> ids = ids_BT.to_vector<int64_t>();
  const auto count = std::count(ids.begin(), ids.end(), token);
  if (count != features_ND.size(0)) {
    throw Error(ErrorKind::kInvalidArgument, "forward",
                fmt::format("the text has room for {} vectors of pictures (tokens {}), and the pictures give {}", count,
                            token, features_ND.size(0)),
                "let the model's processor write the image tokens");
  }
  // Row i of the words, or the next one of the features behind them.
  std::vector<int64_t> rows(ids.size());
  auto next = static_cast<int64_t>(ids.size());
  for (size_t i = 0; i < ids.size(); ++i) rows[i] = ids[i] == token ? next++ : static_cast<int64_t>(i);
  const int64_t hidden = x_BTD.size(2);
  const Tensor both = concat({reshape(x_BTD, {-1, hidden}), cast(features_ND, x_BTD.dtype())}, 0);
  return reshape(index_select(both, 0, Tensor::from(rows)), x_BTD.shape());
}

void refuse_videos(const ImageTextToTextInputs& in) {
  if (in.pixel_values_videos) throw Error(ErrorKind::kUnsupported, "forward", "the model reads no videos");
}

Tensor masked_positions(const Tensor& input_ids, const Tensor& attention_mask) {
  const Tensor counted =
      attention_mask ? cast(attention_mask, DType::i64) : Tensor::ones(input_ids.shape(), DType::i64);
  return clamp(cumsum(counted, -1) - 1.0, 0.0);
}

bool shares_words(const ImageTextModelBase& base) {
  return base.config().tie_word_embeddings || base.text_model().config().tie_word_embeddings;
}

ImageTextToTextOutput write_about_images(const ImageTextModelBase& base, const HeadFunction& head,
                                         const ImageTextToTextInputs& in) {
  ImageTextToTextOutput out = base.forward(in);
  out.logits = head(keep_last(out.last_hidden_state, in.logits_to_keep));
  out.last_hidden_state = {};
  out.loss = causal_lm_loss(out.logits, in.labels);
  return out;
}

}  // namespace nn
}  // namespace imago
