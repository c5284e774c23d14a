// zero-shot-image-classification: which of some labels fits a picture best.
#include <fmt/core.h>

#include <algorithm>
#include <numeric>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/nn/image_text_model.h"
#include "imago/ops/slice/slice.h"
#include "imago/pipelines/image_batch.h"
#include "imago/pipelines/option_reader.h"
#include "imago/pipelines/score_function.h"

namespace imago {
namespace {

constexpr const char* kTask = "zero-shot-image-classification";
constexpr int64_t kSiglipTokens = 64;  // to which its texts are always padded

class ZeroShotImageClassificationPipeline final : public PipelineTask {
 public:
  explicit ZeroShotImageClassificationPipeline(PipelineModel model)
      : model_(std::move(model)),
        compares_(dynamic_cast<const ComparesImagesWithTexts*>(model_.model.get())),
        is_siglip_(model_.model->config().model_type == "siglip") {
    if (compares_ == nullptr) throw Error(ErrorKind::kUnsupported, kTask, "the model compares no pictures with texts");
  }

  std::vector<Json> run(const PipelineCall& call) const override {
    OptionReader reader(kTask, call.options);
    const auto labels = reader.texts("candidate_labels");
    const std::string hypothesis = reader.text("hypothesis_template").value_or("This is a photo of {}.");
    const int64_t batch_size = reader.integer_from("batch_size", 1, 1);
    reader.finish();
    if (!labels || labels->empty()) {
      throw Error(ErrorKind::kInvalidArgument, kTask, "there are no candidate_labels",
                  "name what the picture may show, as --candidate-labels cat,dog");
    }
    ImageTextInputs inputs = encode(*labels, hypothesis, call.statistics);
    std::vector<Json> answers(call.inputs.size());
    for_each_image_batch(model_, call.inputs, batch_size,
                         [&](size_t first, std::span<const Image> images, const ImageFeatures& features) {
                           inputs.pixel_values = features.pixel_values;
                           const Tensor logits = compares_->compare(inputs).logits_per_image;
                           for (size_t i = 0; i < images.size(); ++i)
                             answers[first + i] = answer(select(logits, 0, static_cast<int64_t>(i)), *labels);
                         });
    return answers;
  }

 private:
  ImageTextInputs encode(const std::vector<std::string>& labels, const std::string& hypothesis,
                         PipelineStatistics& statistics) const {
    std::vector<std::string> texts;
    for (const std::string& label : labels) texts.push_back(fill(hypothesis, label));
    const std::optional<int64_t> limit = is_siglip_ ? std::optional(kSiglipTokens) : std::nullopt;
    TokenBatch batch = model_.tokenizer->encode_batch(texts, {}, limit);
    statistics.input_tokens += std::accumulate(batch.attention_mask.begin(), batch.attention_mask.end(), int64_t{0});
    ImageTextInputs inputs;
    if (!is_siglip_) {
      inputs.input_ids = Tensor::from(batch.input_ids, {batch.rows, batch.tokens});
      inputs.attention_mask = Tensor::from(batch.attention_mask, {batch.rows, batch.tokens});
      return inputs;
    }
    // Its tokenizer tells no padding apart.
    std::vector<int64_t> ids(static_cast<size_t>(batch.rows * kSiglipTokens),
                             model_.tokenizer->pad_token_id().value_or(0));
    for (int64_t row = 0; row < batch.rows; ++row)
      std::copy_n(batch.input_ids.begin() + row * batch.tokens, batch.tokens, ids.begin() + row * kSiglipTokens);
    inputs.input_ids = Tensor::from(ids, {batch.rows, kSiglipTokens});
    return inputs;
  }

  // The template with the label at {}.
  static std::string fill(const std::string& hypothesis, const std::string& label) {
    const size_t at = hypothesis.find("{}");
    if (at == std::string::npos || hypothesis.find_first_of("{}", at + 2) != std::string::npos ||
        hypothesis.find_first_of("{}") != at) {
      throw Error(ErrorKind::kInvalidArgument, kTask, fmt::format("hypothesis_template is \"{}\"", hypothesis),
                  "it has {} once, for the label");
    }
    return hypothesis.substr(0, at) + label + hypothesis.substr(at + 2);
  }

  Json answer(const Tensor& logits, const std::vector<std::string>& labels) const {
    const auto function = is_siglip_ ? ScoreFunction::kSigmoid : ScoreFunction::kSoftmax;
    const std::vector<float> scores = apply_score_function(function, logits.to_vector<float>());
    std::vector<size_t> order(scores.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return scores[a] > scores[b]; });
    Json list = Json::array();
    for (const size_t index : order) list.push_back({{"score", scores[index]}, {"label", labels[index]}});
    return list;
  }

  PipelineModel model_;
  const ComparesImagesWithTexts* compares_;
  bool is_siglip_;
};

}  // namespace

void register_zero_shot_image_classification(PipelineTable& table) {
  table.add<ZeroShotImageClassificationPipeline>(kTask, "AutoModelForZeroShotImageClassification",
                                                 PipelineReads::kImagesAndText);
}

}  // namespace imago
