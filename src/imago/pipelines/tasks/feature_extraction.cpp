// feature-extraction: the last hidden state of each token.

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/pipelines/option_reader.h"
#include "imago/pipelines/pipeline_task.h"
#include "imago/pipelines/text_batch.h"

namespace imago {
namespace {

class FeatureExtractionPipeline final : public PipelineTask {
 public:
  explicit FeatureExtractionPipeline(PipelineModel model)
      : model_(std::move(model)), text_model_(dynamic_cast<const TextModel*>(model_.model.get())) {
    if (text_model_ == nullptr) {
      throw Error(ErrorKind::kUnsupported, "feature-extraction", "the model needs more than a text",
                  "choose an encoder or a decoder");
    }
  }

  // As in the reference [1, tokens, hidden]: each text is a batch of one.
  std::vector<Json> run(const PipelineCall& call) const override {
    OptionReader reader("feature-extraction", call.options);
    const int64_t batch_size = reader.integer_from("batch_size", 1, 1);
    const TextEncodeOptions encode{.truncation = reader.boolean("truncation").value_or(false)};
    reader.finish();
    std::vector<Encoding> rows;
    for (const PipelineInput& input : call.inputs) {
      rows.push_back(encode_input(model_, input, encode));
      call.statistics.input_tokens += static_cast<int64_t>(rows.back().size());
      if (rows.back().size() == 0)
        throw Error(ErrorKind::kInvalidArgument, "feature-extraction", "the text has no tokens", "give at least one");
    }
    std::vector<Json> answers(rows.size());
    for_each_batch(model_, "feature-extraction", rows, batch_size,
                   [&](std::span<const size_t> indices, const TextInputs& inputs) {
                     const Tensor hidden = text_model_->forward(inputs).last_hidden_state;
                     for (size_t row = 0; row < indices.size(); ++row) {
                       const Json features = token_scores(hidden, row, rows[indices[row]].size());
                       answers[indices[row]] = Json::array({features});
                     }
                   });
    return answers;
  }

 private:
  PipelineModel model_;
  const TextModel* text_model_;
};

}  // namespace

void register_feature_extraction(PipelineTable& table) {
  table.add<FeatureExtractionPipeline>("feature-extraction", "AutoModel");
}

}  // namespace imago
