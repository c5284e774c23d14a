// Reading preprocessor_config.json.
#pragma once

#include <string>
#include <vector>

#include "imago/nn/read_fields.h"

namespace imago {
namespace internal {

// Throws Error kUnsupported for a key that may change what is computed.
void expect_known_audio_keys(const std::vector<std::string>& unknown);

}  // namespace internal

// The file's values over the defaults of `Fields`. Throws Error kUnsupported and kInvalidFile.
template <class Fields>
Fields read_audio_config(const Json& json) {
  Fields fields;
  internal::expect_known_audio_keys(read_fields(json, fields, "preprocessor_config.json").unknown);
  return fields;
}

}  // namespace imago
