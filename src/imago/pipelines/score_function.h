// What becomes of a classifier's logits.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "imago/nn/config.h"

namespace imago {

enum class ScoreFunction { kSoftmax, kSigmoid, kNone };

// "softmax", "sigmoid" or "none". Throws Error kInvalidArgument, naming the task.
ScoreFunction parse_score_function(std::string_view task, const std::string& name);

// By the configuration's problem_type and number of labels, where nothing is asked for.
ScoreFunction default_score_function(const Config& config);

// Throws Error where a logit is not finite.
std::vector<float> apply_score_function(ScoreFunction function, std::vector<float> logits);

}  // namespace imago
