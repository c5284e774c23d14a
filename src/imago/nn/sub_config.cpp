#include "imago/nn/sub_config.h"

#include "imago/base/error.h"
#include "imago/base/json.h"

namespace imago::nn {

void read_sub_config(const JsonText& text, std::string_view key, Config& config) {
  const ErrorScope scope(key);
  if (!text.text.empty()) read_config(parse_json(text.text, key), config);
}

}  // namespace imago::nn
