#include "imago/nn/heads/classification.h"

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/nn/dropout.h"
#include "imago/nn/losses.h"
#include "imago/ops/reshape/reshape.h"

namespace imago::nn {

double head_dropout(const Config& config) {
  const auto* drops = dynamic_cast<const DropsBeforeHead*>(&config);
  return drops == nullptr ? 0 : drops->head_dropout();
}

namespace {

double choice_dropout(const Config& config) {
  const auto* drops = dynamic_cast<const DropsBeforeHead*>(&config);
  return drops == nullptr ? 0 : drops->choice_dropout();
}

// Where an architecture does not say it, config.json may, under either key.
double token_dropout(const Config& config) {
  if (training_generator() == nullptr) return 0;
  if (const auto* drops = dynamic_cast<const DropsBeforeHead*>(&config)) return drops->token_dropout();
  const Json json = config.source.text.empty() ? Json::object() : parse_json(config.source.text, "config.json");
  for (const char* key : {"classifier_dropout", "hidden_dropout"}) {
    const auto found = json.find(key);
    if (found != json.end() && found->is_number()) return found->get<double>();
  }
  return 0.1;
}

}  // namespace

LogitsOutput classify_sequence(const TextModel& base, const HeadFunction& head, Pooling pooling, const TextInputs& in) {
  BaseModelOutput below = base.forward(in);
  Tensor logits = head(dropout(pool(pooling, below, in, base.config()), head_dropout(base.config())));
  Tensor loss = sequence_classification_loss(logits, in.labels, base.config());
  return logits_output(std::move(logits), std::move(loss), std::move(below));
}

LogitsOutput classify_tokens(const TextModel& base, const HeadFunction& head, const TextInputs& in) {
  BaseModelOutput below = base.forward(in);
  Tensor logits = head(dropout(below.last_hidden_state, token_dropout(base.config())));
  Tensor loss = token_loss(logits, in.labels);
  return logits_output(std::move(logits), std::move(loss), std::move(below));
}

LogitsOutput classify_pair(const TextModel& base, const HeadFunction& head, const TextInputs& in) {
  BaseModelOutput below = base.forward(in);
  Tensor logits = head(below.pooler_output);
  Tensor loss = token_loss(logits, in.labels);
  return logits_output(std::move(logits), std::move(loss), std::move(below));
}

LogitsOutput choose(const TextModel& base, const HeadFunction& head, Pooling pooling, const TextInputs& in) {
  const TextInputs rows = flatten_choices(in);
  BaseModelOutput below = base.forward(rows);
  const Tensor pooled = pool(pooling, below, rows, base.config());
  Tensor logits = reshape(head(dropout(pooled, choice_dropout(base.config()))), {-1, number_of_choices(in)});
  Tensor loss = token_loss(logits, in.labels);
  return logits_output(std::move(logits), std::move(loss), std::move(below));
}

TextInputs flatten_choices(TextInputs in) {
  if (!in.input_ids && !in.inputs_embeds) {
    throw Error(ErrorKind::kInvalidArgument, "forward", "the model takes either input_ids or inputs_embeds");
  }
  const int wanted = in.inputs_embeds ? in.inputs_embeds.dim() : in.input_ids.dim() + 1;
  if (wanted != 4) {
    throw Error(ErrorKind::kInvalidArgument, "forward", "the model compares choices, but the inputs have none",
                "give input_ids as [batch, choices, tokens]");
  }
  for (Tensor* input : {&in.input_ids, &in.attention_mask, &in.token_type_ids, &in.position_ids, &in.inputs_embeds}) {
    if (*input) *input = flatten(*input, 0, 1);
  }
  return in;
}

int64_t number_of_choices(const TextInputs& in) { return (in.inputs_embeds ? in.inputs_embeds : in.input_ids).size(1); }

}  // namespace imago::nn
