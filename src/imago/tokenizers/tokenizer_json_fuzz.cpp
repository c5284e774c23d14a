// A tokenizer.json from anywhere: it is read or refused, and what was read encodes.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "imago/base/error.h"
#include "imago/tokenizers/tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view json(reinterpret_cast<const char*>(data), size);
  try {
    const auto tokenizer = imago::Tokenizer::from_json(json);
    const imago::Encoding encoding = tokenizer.encode("Hello W\u00f6rld  12 \u4e2d\u6587\n<unk>", {.pair = "ab"});
    tokenizer.decode(encoding.ids);
    tokenizer.to_json();
  } catch (const imago::Error&) {
  }
  return 0;
}
