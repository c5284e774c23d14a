#include "imago/nn/sub_config.h"

#include <nlohmann/json.hpp>

#include "imago/base/error.h"

namespace imago::nn {

void read_sub_config(const JsonText& text, std::string_view key, Config& config) {
  const ErrorScope scope(key);
  if (!text.text.empty()) read_config(parse_json(text.text, key), config);
}

}  // namespace imago::nn
