#include "imago/pipelines/score_function.h"

#include <fmt/core.h>

#include <cmath>

#include "imago/base/error.h"
#include "imago/pipelines/text_batch.h"

namespace imago {

ScoreFunction parse_score_function(std::string_view task, const std::string& name) {
  if (name == "softmax") return ScoreFunction::kSoftmax;
  if (name == "sigmoid") return ScoreFunction::kSigmoid;
  if (name == "none") return ScoreFunction::kNone;
  throw Error(ErrorKind::kInvalidArgument, task, fmt::format("function_to_apply is \"{}\"", name),
              "it is softmax, sigmoid or none");
}

ScoreFunction default_score_function(const Config& config) {
  if (config.problem_type == "regression") return ScoreFunction::kNone;
  if (config.problem_type == "multi_label_classification" || config.num_labels() == 1) return ScoreFunction::kSigmoid;
  return ScoreFunction::kSoftmax;
}

std::vector<float> apply_score_function(ScoreFunction function, std::vector<float> logits) {
  expect_finite(logits);
  if (function == ScoreFunction::kSoftmax) return softmax_scores(logits);
  if (function == ScoreFunction::kSigmoid) {
    for (float& logit : logits) logit = static_cast<float>(1 / (1 + std::exp(-static_cast<double>(logit))));
  }
  return logits;
}

}  // namespace imago
