// JSON: what can be read is written and read again to the same value.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "imago/base/error.h"
#include "imago/base/json.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace imago;
  try {
    Json value = parse_json({reinterpret_cast<const char*>(data), size}, "fuzz");
    std::string text = dump_json(value, static_cast<int>(size % 4) - 1, size % 2 == 0);
    if (dump_json(parse_json(text, "fuzz")) != dump_json(value)) std::abort();
  } catch (const Error&) {
  }
  return 0;
}
