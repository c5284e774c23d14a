#include "imago/train/generated_text_metrics.h"

#include "imago/generation/generate.h"
#include "imago/nn/losses.h"
#include "imago/ops/slice/slice.h"
#include "imago/train/text_metrics.h"

namespace imago {

void GeneratedTextMetrics::reset() {
  written_.clear();
  wanted_.clear();
}

void GeneratedTextMetrics::add(const TensorMap&, const TensorMap& batch) {
  const auto mask = batch.find("attention_mask");
  const GenerationOutput output =
      generate(model_, batch.at("input_ids"), mask == batch.end() ? Tensor() : mask->second, generation_);
  const Tensor& labels = batch.at("labels");
  for (int64_t row = 0; row < labels.size(0); ++row) {
    std::vector<int64_t> wanted = select(labels, 0, row).to_vector<int64_t>();
    std::erase(wanted, nn::kIgnoredLabel);
    wanted_.push_back(tokenizer_.decode(wanted));
    written_.push_back(tokenizer_.decode(output.sequences.at(static_cast<size_t>(row))));
  }
}

std::map<std::string, double> GeneratedTextMetrics::values() const {
  const RougeScores scores = rouge(written_, wanted_);
  return {{"exact_match", exact_match(written_, wanted_)},
          {"bleu", bleu(written_, wanted_)},
          {"rouge1", scores.rouge1},
          {"rouge2", scores.rouge2},
          {"rougeL", scores.rougeL},
          {"wer", word_error_rate(written_, wanted_)}};
}

}  // namespace imago
