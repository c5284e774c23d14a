// token-classification: what each token or word of a text is.
#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/pipelines/option_reader.h"
#include "imago/pipelines/pipeline_task.h"
#include "imago/pipelines/text_batch.h"
#include "imago/pipelines/text_characters.h"
#include "imago/pipelines/token_groups.h"

namespace imago {
namespace {

struct TokenClassificationOptions {
  AggregationStrategy aggregation_strategy = AggregationStrategy::kNone;
  std::set<std::string> ignore_labels = {"O"};
  std::optional<int64_t> stride;  // a text that is too long is read in windows that share so many tokens
  int64_t batch_size = 1;
};

Json to_json(const Entity& entity, bool grouped) {
  Json json = {{grouped ? "entity_group" : "entity", entity.label}, {"score", entity.score}};
  if (!grouped) json["index"] = entity.index;
  json["word"] = entity.word;
  json["start"] = entity.start;
  json["end"] = entity.end;
  return json;
}

class TokenClassificationPipeline final : public PipelineTask {
 public:
  explicit TokenClassificationPipeline(PipelineModel model)
      : model_(std::move(model)),
        groups_(model_.tokenizer->tokenizer(), model_.tokenizer->special_tokens().unk_token,
                model_.model->config().labels()) {}

  std::vector<Json> run(const PipelineCall& call) const override {
    const TokenClassificationOptions options = read_options(call.options);
    std::vector<Encoding> windows;
    std::vector<size_t> owners;  // the input of each window
    for (size_t i = 0; i < call.inputs.size(); ++i) {
      for (Encoding& window : windows_of(call.inputs[i], options)) {
        call.statistics.input_tokens += static_cast<int64_t>(window.size());
        windows.push_back(std::move(window));
        owners.push_back(i);
      }
    }
    const auto& model = dynamic_cast<const TokenClassification&>(*model_.model);
    std::vector<std::vector<Entity>> found(windows.size());
    for_each_batch(model_, "token-classification", windows, options.batch_size,
                   [&](std::span<const size_t> indices, const TextInputs& inputs) {
                     const Tensor logits = model.forward(inputs).logits;
                     for (size_t row = 0; row < indices.size(); ++row) {
                       const size_t window = indices[row];
                       const auto scores = token_scores(logits, row, windows[window].size());
                       found[window] = entities(windows[window], call.inputs[owners[window]].text, scores, options);
                     }
                   });
    std::vector<Json> answers;
    for (size_t i = 0, window = 0; i < call.inputs.size(); ++i) {
      const size_t first = window;
      std::vector<Entity> all;
      for (; window < windows.size() && owners[window] == i; ++window)
        all.insert(all.end(), found[window].begin(), found[window].end());
      if (window - first > 1) all = without_overlaps(std::move(all));
      answers.push_back(Json::array());
      const bool grouped = options.aggregation_strategy != AggregationStrategy::kNone;
      for (const Entity& entity : all) answers.back().push_back(to_json(entity, grouped));
    }
    return answers;
  }

 private:
  TokenClassificationOptions read_options(const Json& json) const {
    TokenClassificationOptions options;
    OptionReader reader("token-classification", json);
    if (const auto name = reader.text("aggregation_strategy"))
      options.aggregation_strategy = parse_aggregation_strategy(*name);
    if (const auto labels = reader.texts("ignore_labels")) options.ignore_labels = {labels->begin(), labels->end()};
    options.batch_size = reader.integer_from("batch_size", 1, 1);
    if (reader.integer("stride")) options.stride = reader.integer_from("stride", 0, 0);
    reader.finish();
    if (!options.stride) return options;
    const auto limit = model_.tokenizer->model_max_length();
    if (!limit || *options.stride >= *limit) {
      throw Error(ErrorKind::kInvalidArgument, "token-classification",
                  "stride must be less than the tokenizer's model_max_length");
    }
    if (options.aggregation_strategy == AggregationStrategy::kNone) {
      throw Error(ErrorKind::kInvalidArgument, "token-classification", "stride needs an aggregation_strategy",
                  "set it to simple, first, average or max");
    }
    return options;
  }

  // A text beyond model_max_length is cut as in the reference, or read in windows where a stride is set.
  std::vector<Encoding> windows_of(const PipelineInput& input, const TokenClassificationOptions& options) const {
    if (input.text_pair || !input.messages.empty())
      throw Error(ErrorKind::kInvalidArgument, "token-classification", "the input is no single text", "give one text");
    Tokenizer tokenizer = model_.tokenizer->tokenizer();
    tokenizer.set_padding(std::nullopt);
    tokenizer.set_truncation(std::nullopt);
    EncodeOptions encode;
    if (const auto limit = model_.tokenizer->model_max_length()) {
      encode.truncation = Truncation{.max_length = static_cast<size_t>(*limit),
                                     .stride = static_cast<size_t>(options.stride.value_or(0))};
    }
    Encoding first = tokenizer.encode(input.text, encode);
    check_length(model_, first.size());
    std::vector<Encoding> windows;
    if (options.stride) windows = std::move(first.overflowing);
    first.overflowing.clear();
    windows.insert(windows.begin(), std::move(first));
    return windows;
  }

  std::vector<Entity> entities(const Encoding& window, const std::string& text,
                               const std::vector<std::vector<float>>& logits,
                               const TokenClassificationOptions& options) const {
    const TextCharacters characters(text);
    std::vector<TokenScores> tokens;
    for (size_t i = 0; i < window.size(); ++i) {
      if (window.special_tokens_mask[i] != 0) continue;
      tokens.push_back(groups_.token(window, i, characters, softmax_scores(logits[i])));
    }
    std::vector<Entity> found = groups_.aggregate(tokens, options.aggregation_strategy);
    std::erase_if(found, [&](const Entity& entity) { return options.ignore_labels.contains(entity.label); });
    return found;
  }

  PipelineModel model_;
  TokenGroups groups_;
};

}  // namespace

void register_token_classification(PipelineTable& table) {
  table.add<TokenClassificationPipeline>("token-classification", "AutoModelForTokenClassification");
}

}  // namespace imago
