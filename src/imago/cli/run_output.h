// Answers of pipelines as lines for people.
#pragma once

#include <string>

#include "imago/base/json.h"

namespace imago {

// What a pipeline answered to one input: generated text as it is, scored answers one per line, anything else as JSON.
std::string describe_answer(const Json& answer);

}  // namespace imago
