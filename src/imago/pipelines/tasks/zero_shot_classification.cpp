// zero-shot-classification: which of some labels fits a text, by asking whether the text entails a sentence with it
// (Yin et al. 2019, "Benchmarking Zero-shot Text Classification").
#include <fmt/format.h>

#include <algorithm>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/base/unicode.h"
#include "imago/ops/slice/slice.h"
#include "imago/pipelines/option_reader.h"
#include "imago/pipelines/pipeline_task.h"
#include "imago/pipelines/text_batch.h"

namespace imago {
namespace {

constexpr const char* kTask = "zero-shot-classification";

struct ZeroShotOptions {
  std::vector<std::string> labels;
  std::string hypothesis_template = "This example is {}.";
  bool multi_label = false;
  int64_t batch_size = 1;
};

// "politics, public health" is two labels.
std::vector<std::string> split_labels(const std::string& text) {
  std::vector<std::string> labels;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    std::string label = text.substr(begin, end - begin);
    label.erase(0, label.find_first_not_of(" \t\n"));
    label.erase(label.find_last_not_of(" \t\n") + 1);
    if (!label.empty()) labels.push_back(label);
    begin = end + 1;
  }
  return labels;
}

std::string hypothesis(const ZeroShotOptions& options, const std::string& label) {
  std::string text = options.hypothesis_template;
  return text.replace(text.find("{}"), 2, label);
}

ZeroShotOptions read_options(const Json& json) {
  ZeroShotOptions options;
  OptionReader reader(kTask, json);
  if (const auto labels = reader.texts("candidate_labels"))
    options.labels = labels->size() == 1 ? split_labels(labels->front()) : *labels;
  if (const auto text = reader.text("hypothesis_template")) options.hypothesis_template = *text;
  options.multi_label = reader.boolean("multi_label").value_or(false);
  options.batch_size = reader.integer_from("batch_size", 1, 1);
  reader.finish();
  if (options.labels.empty())
    throw Error(ErrorKind::kInvalidArgument, kTask, "there are no candidate_labels", "name at least one");
  const std::string& text = options.hypothesis_template;
  const size_t place = text.find("{}");
  if (place == std::string::npos || text.find_first_of("{}", place + 2) != std::string::npos ||
      text.find_first_of("{}") != place) {
    throw Error(ErrorKind::kInvalidArgument, kTask, "hypothesis_template has not one {} where the label goes",
                "write it like \"This example is {}.\"");
  }
  return options;
}

class ZeroShotPipeline final : public PipelineTask {
 public:
  explicit ZeroShotPipeline(PipelineModel model)
      : model_(std::move(model)), classifier_(dynamic_cast<const SequenceClassification*>(model_.model.get())) {
    if (classifier_ == nullptr) throw Error(ErrorKind::kUnsupported, kTask, "the model gives no scores of labels");
    const std::vector<std::string> labels = model_.model->config().labels();
    const auto found = std::find_if(labels.begin(), labels.end(),
                                    [](const std::string& label) { return lowercase(label).starts_with("entail"); });
    // Where no label says so, the last is taken, as in the reference.
    entailment_ = found == labels.end() ? labels.size() - 1 : static_cast<size_t>(found - labels.begin());
    contradiction_ = entailment_ == 0 ? labels.size() - 1 : 0;
  }

  std::vector<Json> run(const PipelineCall& call) const override {
    const ZeroShotOptions options = read_options(call.options);
    std::vector<Encoding> rows;
    for (const PipelineInput& input : call.inputs) {
      for (const std::string& label : options.labels) {
        rows.push_back(encode_input(model_, PipelineInput::pair(input.text, hypothesis(options, label)),
                                    {.truncation = true, .only_first = true}));
        call.statistics.input_tokens += static_cast<int64_t>(rows.back().size());
      }
    }
    std::vector<std::vector<float>> logits(rows.size());
    for_each_batch(model_, kTask, rows, options.batch_size,
                   [&](std::span<const size_t> indices, const TextInputs& inputs) {
                     const Tensor batch = classifier_->forward(inputs).logits;
                     for (size_t row = 0; row < indices.size(); ++row) {
                       std::vector<float>& own = logits[indices[row]];
                       own = select(batch, 0, static_cast<int64_t>(row)).to_vector<float>();
                       expect_finite(own);
                     }
                   });
    std::vector<Json> answers;
    for (size_t i = 0; i < call.inputs.size(); ++i) {
      const auto first = logits.begin() + static_cast<ptrdiff_t>(i * options.labels.size());
      answers.push_back(answer(call.inputs[i].text, options, {first, first + std::ssize(options.labels)}));
    }
    return answers;
  }

 private:
  // Of one label, or of several that may hold at once, each against its contradiction; else all against each other.
  std::vector<float> scores(const ZeroShotOptions& options, const std::vector<std::vector<float>>& logits) const {
    std::vector<float> entailments;
    for (const auto& row : logits) entailments.push_back(row.at(entailment_));
    if (!options.multi_label && logits.size() > 1) return softmax_scores(entailments);
    for (size_t i = 0; i < logits.size(); ++i)
      entailments[i] = softmax_scores(std::vector<float>{logits[i].at(contradiction_), entailments[i]})[1];
    return entailments;
  }

  Json answer(const std::string& text, const ZeroShotOptions& options,
              const std::vector<std::vector<float>>& logits) const {
    const std::vector<float> all = scores(options, logits);
    Json answer = Json::object();
    answer["sequence"] = text;
    answer["labels"] = Json::array();
    answer["scores"] = Json::array();
    for (const size_t index : largest(all, all.size())) {
      answer["labels"].push_back(options.labels[index]);
      answer["scores"].push_back(all[index]);
    }
    return answer;
  }

  PipelineModel model_;
  const SequenceClassification* classifier_;
  size_t entailment_ = 0, contradiction_ = 0;
};

}  // namespace

void register_zero_shot_classification(PipelineTable& table) {
  table.add<ZeroShotPipeline>(kTask, "AutoModelForSequenceClassification");
}

}  // namespace imago
