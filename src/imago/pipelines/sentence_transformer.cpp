#include "imago/pipelines/sentence_transformer.h"

#include <fmt/format.h>

#include "imago/auto/auto_model.h"
#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/concat/concat.h"
#include "imago/ops/index_select/index_select.h"
#include "imago/ops/slice/slice.h"
#include "imago/pipelines/sentence_modules.h"
#include "imago/pipelines/sentence_text.h"
#include "imago/tensor/grad_meta.h"

namespace imago {

struct SentenceTransformer::Parts {
  SentenceText text;
  const TextModel* model;
  std::vector<std::unique_ptr<SentenceModule>> modules;
  SentencePrompts prompts;
  SimilarityFunction similarity = SimilarityFunction::kCosine;
  std::optional<int64_t> truncate_dim;
};

namespace {

// How the reference pools a model that comes without modules.
std::unique_ptr<SentenceModule> default_pooling(const Config& config) {
  const bool is_causal = !config.architectures.empty() && config.architectures[0].ends_with("ForCausalLM");
  Json pooling = Json::object();
  pooling["pooling_mode"] = is_causal ? "lasttoken" : "mean";
  return make_sentence_pooling(pooling);
}

std::vector<size_t> inverse(const std::vector<size_t>& order) {
  std::vector<size_t> places(order.size());
  for (size_t i = 0; i < order.size(); ++i) places[order[i]] = i;
  return places;
}

}  // namespace

SentenceTransformer::SentenceTransformer(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
SentenceTransformer::~SentenceTransformer() = default;
SentenceTransformer::SentenceTransformer(SentenceTransformer&&) noexcept = default;
SentenceTransformer& SentenceTransformer::operator=(SentenceTransformer&&) noexcept = default;

SentenceTransformer SentenceTransformer::from_pretrained(const std::string& path_or_id,
                                                         const PipelineLoadOptions& options) {
  const std::string folder = resolve_checkpoint(path_or_id, options.revision);
  const ErrorScope scope(folder);
  const std::vector<SentenceModuleEntry> entries = read_sentence_modules(folder);
  const Json config = read_sentence_config(folder, "SentenceTransformer");
  if (!entries.empty() && !is_sentence_module(entries[0], "Transformer")) {
    throw Error(ErrorKind::kUnsupported, "modules.json", fmt::format("the first module is \"{}\"", entries[0].type),
                "it may be a Transformer");
  }
  SentenceText text =
      SentenceText::load(entries.empty() ? folder : entries[0].folder, "feature-extraction", options.dtype);
  const auto* model = dynamic_cast<const TextModel*>(text.model.model.get());
  if (model == nullptr || text.task != "feature-extraction") {
    throw Error(ErrorKind::kUnsupported, "embed", "the model gives no vectors of a text's tokens",
                "choose an encoder or a decoder");
  }
  auto parts =
      std::make_unique<Parts>(Parts{std::move(text), model, {}, SentencePrompts(config, {"query", "document"})});
  for (size_t i = 1; i < entries.size(); ++i)
    parts->modules.push_back(load_sentence_module(entries[i].type, entries[i].folder, parts->text.dtype()));
  if (entries.empty()) parts->modules.push_back(default_pooling(model->config()));
  if (const Json name = config.value("similarity_fn_name", Json()); name.is_string())
    parts->similarity = parse_similarity_function(name.get<std::string>());
  if (const Json size = config.value("truncate_dim", Json()); size.is_number_integer())
    parts->truncate_dim = size.get<int64_t>();
  return SentenceTransformer(std::move(parts));
}

Tensor SentenceTransformer::encode(std::span<const std::string> texts, const SentenceEncodeOptions& options) const {
  const NoGrad no_grad;
  const auto truncate_dim = options.truncate_dim ? options.truncate_dim : parts_->truncate_dim;
  if (truncate_dim.value_or(1) < 1 || options.batch_size < 1) {
    throw Error(ErrorKind::kInvalidArgument, "embed",
                fmt::format("truncate_dim is {} and batch_size {}", truncate_dim.value_or(1), options.batch_size),
                "both are at least 1");
  }
  if (texts.empty()) return Tensor::empty({0, 0});
  const std::string prompt = parts_->prompts.resolve(options.prompt, options.prompt_name);
  const std::optional<int64_t> prompt_length = parts_->text.prompt_length(prompt);
  std::vector<Encoding> rows;
  for (const std::string& text : texts) {
    rows.push_back(parts_->text.encode(prompt + text));
    if (rows.back().size() == 0)
      throw Error(ErrorKind::kInvalidArgument, "embed", "the text has no tokens", "give at least one");
  }
  std::vector<size_t> order;
  Tensors batches;
  parts_->text.for_each_batch(rows, options.batch_size, [&](std::span<const size_t> indices, const TextInputs& inputs) {
    SentenceFeatures features{.attention_mask = inputs.attention_mask,
                              .prompt_length = prompt_length,
                              .token_embeddings = parts_->model->forward(inputs).last_hidden_state};
    for (const auto& module : parts_->modules) module->apply(features);
    if (!features.sentence_embedding)
      throw Error(ErrorKind::kUnsupported, "modules.json", "no module makes one vector of a text", "add a Pooling");
    Tensor vectors = cast(features.sentence_embedding, DType::f32);
    if (truncate_dim) vectors = slice(vectors, 1, 0, *truncate_dim);
    batches.push_back(options.normalize_embeddings ? normalize_rows(vectors) : vectors);
    order.insert(order.end(), indices.begin(), indices.end());
  });
  std::vector<int64_t> places;
  for (const size_t place : inverse(order)) places.push_back(static_cast<int64_t>(place));
  return index_select(concat(batches, 0), 0, Tensor::from(places));
}

Tensor SentenceTransformer::encode_query(std::span<const std::string> texts, SentenceEncodeOptions options) const {
  if (!options.prompt_name && !options.prompt) options.prompt_name = "query";
  return encode(texts, options);
}

Tensor SentenceTransformer::encode_document(std::span<const std::string> texts, SentenceEncodeOptions options) const {
  if (!options.prompt_name && !options.prompt) options.prompt_name = "document";
  return encode(texts, options);
}

SimilarityFunction SentenceTransformer::similarity_function() const { return parts_->similarity; }

}  // namespace imago
