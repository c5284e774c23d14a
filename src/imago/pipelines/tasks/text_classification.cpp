// text-classification: labels of a text or a pair of texts.
#include <fmt/core.h>
#include <cmath>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/ops/slice/slice.h"
#include "imago/pipelines/option_reader.h"
#include "imago/pipelines/pipeline_task.h"
#include "imago/pipelines/score_function.h"
#include "imago/pipelines/text_batch.h"

namespace imago {
namespace {

struct TextClassificationOptions {
  std::optional<ScoreFunction> function_to_apply;
  bool best_only = true;        // top_k is not set: one label, which is no list for a list of texts
  std::optional<size_t> top_k;  // none: all labels
  int64_t batch_size = 1;
  TextEncodeOptions encode;
};

class TextClassificationPipeline final : public PipelineTask {
 public:
  explicit TextClassificationPipeline(PipelineModel model)
      : model_(std::move(model)), labels_(model_.model->config().labels()) {}

  std::vector<Json> run(const PipelineCall& call) const override {
    const TextClassificationOptions options = read_options(call.options);
    std::vector<Encoding> rows;
    for (const PipelineInput& input : call.inputs) {
      rows.push_back(encode_input(model_, input, options.encode));
      call.statistics.input_tokens += static_cast<int64_t>(rows.back().size());
      if (rows.back().size() == 0)
        throw Error(ErrorKind::kInvalidArgument, "text-classification", "the text has no tokens", "give at least one");
    }
    std::vector<Json> answers(rows.size());
    for_each_batch(model_, "text-classification", rows, options.batch_size,
                   [&](std::span<const size_t> indices, const TextInputs& inputs) {
                     const Tensor logits = forward(inputs);
                     for (size_t row = 0; row < indices.size(); ++row) {
                       answers[indices[row]] = answer(select(logits, 0, static_cast<int64_t>(row)), options);
                     }
                   });
    // The reference's list around the one label of one text.
    if (options.best_only && call.single && !call.inputs[0].text_pair) answers[0] = Json::array({answers[0]});
    return answers;
  }

 private:
  static TextClassificationOptions read_options(const Json& json) {
    TextClassificationOptions options;
    OptionReader reader("text-classification", json);
    if (const auto name = reader.text("function_to_apply"))
      options.function_to_apply = parse_score_function("text-classification", *name);
    options.best_only = !reader.is_set("top_k");
    if (reader.integer("top_k")) options.top_k = static_cast<size_t>(reader.integer_from("top_k", 1, 1));
    options.batch_size = reader.integer_from("batch_size", 1, 1);
    options.encode.truncation = reader.boolean("truncation").value_or(false);
    options.encode.max_length = reader.integer("max_length");
    reader.finish();
    return options;
  }

  Tensor forward(const TextInputs& inputs) const {
    if (const auto* encoder = dynamic_cast<const SequenceClassification*>(model_.model.get()))
      return encoder->forward(inputs).logits;
    if (const auto* seq2seq = dynamic_cast<const Seq2SeqModel*>(model_.model.get()))
      return seq2seq->forward(inputs).logits;
    throw Error(ErrorKind::kUnsupported, "text-classification", "the model gives no scores of labels");
  }

  Json answer(const Tensor& logits, const TextClassificationOptions& options) const {
    const ScoreFunction function = options.function_to_apply.value_or(default_score_function(model_.model->config()));
    const std::vector<float> scores = apply_score_function(function, logits.to_vector<float>());
    const size_t count = options.best_only ? 1 : options.top_k.value_or(scores.size());
    Json list = Json::array();
    for (size_t index : largest(scores, count))
      list.push_back({{"label", labels_.at(index)}, {"score", scores[index]}});
    return options.best_only ? list[0] : list;
  }

  PipelineModel model_;
  std::vector<std::string> labels_;
};

}  // namespace

void register_text_classification(PipelineTable& table) {
  table.add<TextClassificationPipeline>("text-classification", "AutoModelForSequenceClassification");
}

}  // namespace imago
