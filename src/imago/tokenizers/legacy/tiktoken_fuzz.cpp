// A vocabulary from anywhere: it is read or refused, and what was read encodes.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/tokenizers/legacy/vocabulary_builders.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace imago::tokenizers;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const imago::Json config = imago::Json::object();
  const imago::tokenizers::SpecialTokenValues values;
  try {
    const LegacyTokenizer legacy = build_tiktoken(bytes, "fuzz", nullptr, {config, nullptr, values});
    const imago::Encoding encoding = legacy.tokenizer.encode("Hello W\u00f6rld  12 \u4e2d\u6587\n<unk>");
    legacy.tokenizer.decode(encoding.ids);
  } catch (const imago::Error&) {
  }
  return 0;
}
