#include "imago/nn/sub_config.h"

#include "imago/base/error.h"
#include "imago/base/json.h"

namespace imago::nn {

void read_sub_config(const JsonText& text, std::string_view key, Config& config) {
  const ErrorScope scope(key);
  if (text.text.empty()) return;
  Json json = parse_json(text.text, key);
  // A part has no class of its own, which files write as null.
  if (json.is_object() && json.contains("architectures") && json.at("architectures").is_null())
    json.erase("architectures");
  read_config(json, config);
}

}  // namespace imago::nn
