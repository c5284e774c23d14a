#include "imago/pipelines/cross_encoder.h"

#include <fmt/format.h>

#include <filesystem>

#include "imago/auto/auto_model.h"
#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/nn/activations.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/concat/concat.h"
#include "imago/ops/operators.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/slice/slice.h"
#include "imago/ops/softmax/softmax.h"
#include "imago/pipelines/sentence_modules.h"
#include "imago/pipelines/sentence_text.h"
#include "imago/tensor/grad_meta.h"

namespace imago {
namespace {

// The score of a pair is the logit of a word that says yes, less that of one that says no.
struct LogitScore {
  int64_t true_token_id;
  std::optional<int64_t> false_token_id;
};

LogitScore read_logit_score(const Json& config) {
  LogitScore score{config.at("true_token_id").get<int64_t>(), {}};
  const Json no = config.value("false_token_id", Json());
  if (!no.is_null()) score.false_token_id = no.get<int64_t>();
  return score;
}

LogitScore default_logit_score(const Tokenizer& tokenizer) {
  const auto yes = tokenizer.token_to_id("yes"), no = tokenizer.token_to_id("no");
  if (!yes || !no) {
    throw Error(ErrorKind::kUnsupported, "rerank", "the vocabulary has no tokens \"yes\" and \"no\"",
                "add a modules.json with a LogitScore that names others");
  }
  return {*yes, *no};
}

std::optional<std::string> text_at(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? std::optional(found->get<std::string>()) : std::nullopt;
}

// The torch class of the activation, which different releases wrote in different places.
std::optional<std::string> saved_activation(const Json& sentence_config, const PipelineModel& model) {
  if (auto name = text_at(sentence_config, "activation_fn")) return name;
  const Json nested = model.config_value("sentence_transformers");
  if (nested.is_object() && nested.contains("activation_fn")) return text_at(nested, "activation_fn");
  const Json legacy = model.config_value("sbert_ce_default_activation_function");
  return legacy.is_string() ? std::optional(legacy.get<std::string>()) : std::nullopt;
}

}  // namespace

struct CrossEncoder::Parts {
  SentenceText text;
  std::optional<LogitScore> logit_score;
  SentencePrompts prompts;
  int64_t num_labels = 1;
  nn::Activation activation = nullptr;

  Tensor scores(TextInputs inputs) const {
    if (!logit_score) return dynamic_cast<const SequenceClassification&>(*text.model.model).forward(inputs).logits;
    inputs.logits_to_keep = 1;
    const Tensor logits = select(dynamic_cast<const CausalLM&>(*text.model.model).forward(inputs).logits, 1, -1);
    Tensor score = select(logits, 1, logit_score->true_token_id);
    if (logit_score->false_token_id) score = score - select(logits, 1, *logit_score->false_token_id);
    return unsqueeze(score, 1);
  }
};

CrossEncoder::CrossEncoder(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
CrossEncoder::~CrossEncoder() = default;
CrossEncoder::CrossEncoder(CrossEncoder&&) noexcept = default;
CrossEncoder& CrossEncoder::operator=(CrossEncoder&&) noexcept = default;

CrossEncoder CrossEncoder::from_pretrained(const std::string& path_or_id, const PipelineLoadOptions& options) {
  const std::string folder = resolve_checkpoint(path_or_id, options.revision);
  const ErrorScope scope(folder);
  const std::vector<SentenceModuleEntry> entries = read_sentence_modules(folder);
  const Json sentence_config = read_sentence_config(folder, "CrossEncoder");
  const auto architectures = read_checkpoint_config(folder).value("architectures", std::vector<std::string>());
  const bool writes = !architectures.empty() && architectures[0].ends_with("ForCausalLM");
  const bool has_score = entries.size() == 2 && is_sentence_module(entries[1], "LogitScore");
  if (!entries.empty() && (!is_sentence_module(entries[0], "Transformer") || (entries.size() > 1 && !has_score))) {
    throw Error(ErrorKind::kUnsupported, "modules.json", fmt::format("the last module is \"{}\"", entries.back().type),
                "a cross-encoder may have a Transformer and a LogitScore");
  }
  SentenceText text =
      SentenceText::load(entries.empty() ? folder : entries[0].folder,
                         writes && entries.empty() ? "text-generation" : "sequence-classification", options.dtype);
  std::optional<LogitScore> logit_score;
  if (text.task == "text-generation") {
    if (entries.empty() && std::filesystem::exists(folder + "/chat_template.jinja"))
      throw Error(ErrorKind::kUnsupported, "rerank", "pairs would be written by the model's chat template");
    logit_score = has_score ? read_logit_score(read_json(entries[1].folder + "/config.json"))
                            : default_logit_score(text.model.tokenizer->tokenizer());
  }
  const bool classifies = dynamic_cast<const SequenceClassification*>(text.model.model.get()) != nullptr;
  if (!logit_score && !classifies) {
    throw Error(ErrorKind::kUnsupported, "rerank", "the model gives no scores of pairs of texts",
                "choose one with a head for sequence classification");
  }
  auto parts = std::make_unique<Parts>(Parts{std::move(text), logit_score, SentencePrompts(sentence_config, {})});
  if (!logit_score) parts->num_labels = parts->text.model.model->config().num_labels();
  const auto name = saved_activation(sentence_config, parts->text.model);
  parts->activation = name ? torch_activation(*name) : nn::activation(parts->num_labels == 1 ? "sigmoid" : "linear");
  return CrossEncoder(std::move(parts));
}

Tensor CrossEncoder::predict(std::span<const std::pair<std::string, std::string>> pairs,
                             const CrossEncodeOptions& options) const {
  const NoGrad no_grad;
  if (options.batch_size < 1)
    throw Error(ErrorKind::kInvalidArgument, "rerank", fmt::format("batch_size is {}", options.batch_size));
  if (pairs.empty()) return Tensor::empty({0, num_labels()});
  const nn::Activation activation = !options.activation_fn                 ? parts_->activation
                                    : *options.activation_fn == "identity" ? nn::activation("linear")
                                                                           : nn::activation(*options.activation_fn);
  const std::string prompt = parts_->prompts.resolve(options.prompt, options.prompt_name);
  std::vector<Encoding> rows;
  for (const auto& [first, second] : pairs)
    rows.push_back(parts_->text.encode(PipelineInput::pair(prompt + first, second)));
  Tensors scores(pairs.size());
  parts_->text.for_each_batch(rows, options.batch_size, [&](std::span<const size_t> indices, const TextInputs& inputs) {
    Tensor batch = activation(cast(parts_->scores(inputs), DType::f32));
    if (options.apply_softmax && num_labels() > 1) batch = softmax(batch, 1);
    for (size_t row = 0; row < indices.size(); ++row)
      scores[indices[row]] = select(batch, 0, static_cast<int64_t>(row));
  });
  return stack(scores, 0);
}

std::vector<RankedDocument> CrossEncoder::rank(const std::string& query, std::span<const std::string> documents,
                                               std::optional<size_t> top_k, const CrossEncodeOptions& options) const {
  if (num_labels() != 1) {
    throw Error(ErrorKind::kUnsupported, "rerank", fmt::format("the model has {} labels", num_labels()),
                "documents are ranked by models with one");
  }
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const std::string& document : documents) pairs.emplace_back(query, document);
  const std::vector<float> scores = predict(pairs, options).to_vector<float>();
  expect_finite(scores);
  std::vector<RankedDocument> ranking;
  for (const size_t index : largest(scores, top_k.value_or(scores.size()))) ranking.push_back({index, scores[index]});
  return ranking;
}

int64_t CrossEncoder::num_labels() const { return parts_->num_labels; }

}  // namespace imago
