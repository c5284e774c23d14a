// What a model writes in answer to the inputs of an evaluation, beside the labels as text: the reference's
// predict_with_generate.
#pragma once

#include <string>
#include <vector>

#include "imago/generation/generation_config.h"
#include "imago/tokenizers/pretrained_tokenizer.h"
#include "imago/train/metrics.h"

namespace imago {

// exact_match, bleu, rouge1, rouge2, rougeL and wer (see text_metrics.h). The model writes as it is when add() is
// called; it and the tokenizer must outlive the metric.
class GeneratedTextMetrics final : public Metric {
 public:
  GeneratedTextMetrics(const Model& model, const PretrainedTokenizer& tokenizer, GenerationConfig generation)
      : model_(model), tokenizer_(tokenizer), generation_(std::move(generation)) {}

  void reset() override;
  // Of an encoder-decoder's batch: input_ids, attention_mask, labels (-100 is padding).
  void add(const TensorMap& outputs, const TensorMap& batch) override;
  std::map<std::string, double> values() const override;

 private:
  const Model& model_;
  const PretrainedTokenizer& tokenizer_;
  GenerationConfig generation_;
  std::vector<std::string> written_, wanted_;
};

}  // namespace imago
