#include "imago/base/quote.h"

#include "imago/base/json.h"
#include "imago/base/unicode.h"

namespace imago {

std::string quote(std::string_view text) {
  constexpr size_t kShown = 120;
  const std::string valid = to_valid_utf8(text.substr(0, kShown));
  std::string quoted;
  append_json_string(quoted, valid, false);
  if (text.size() > kShown) quoted += "...";
  return quoted;
}

}  // namespace imago
