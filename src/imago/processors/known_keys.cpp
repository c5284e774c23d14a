#include "imago/processors/known_keys.h"

#include <fmt/format.h>

#include <algorithm>

#include "imago/base/error.h"

namespace imago {

Json without_nulls(const Json& json) {
  Json kept = Json::object();
  for (const auto& [key, value] : json.items()) {
    if (!value.is_null()) kept[key] = value;
  }
  return kept;
}

void refuse_unknown_keys(std::vector<std::string> keys, std::span<const char* const> inert, const char* file) {
  std::erase_if(keys,
                [&](const std::string& key) { return std::find(inert.begin(), inert.end(), key) != inert.end(); });
  if (keys.empty()) return;
  throw Error(ErrorKind::kUnsupported, file,
              fmt::format("unknown keys that may change what is computed: {}", fmt::join(keys, ", ")),
              "take them out if they are of no effect, or report the checkpoint");
}

}  // namespace imago
