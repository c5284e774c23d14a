// A vocabulary from anywhere: it is read or refused, and what was read encodes.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "imago/base/error.h"
#include "imago/base/unicode.h"
#include "imago/tokenizers/legacy/sentencepiece_processor.h"
#include "imago/tokenizers/legacy/vocabulary_builders.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace imago::tokenizers;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  constexpr std::string_view kText = "Hello W\u00f6rld  12 \u4e2d\u6587\n<unk> \ufb01\u0301 ";
  try {
    const SentencePieceProcessor processor(parse_sentencepiece_model(bytes, "fuzz"), "fuzz");
    std::vector<Alignment> from;
    const std::string normalized = processor.normalize(kText, &from);
    if (from.size() != normalized.size() || !imago::is_valid_utf8(normalized)) __builtin_trap();
    std::vector<std::string> names;
    uint32_t last = 0;
    processor.cut(normalized, [&](std::string_view name, uint32_t begin, uint32_t end) {
      if (begin > end || end > normalized.size() || begin < last) __builtin_trap();
      last = begin;
      names.emplace_back(name);
    });
    if (!imago::is_valid_utf8(processor.decode(names))) __builtin_trap();
  } catch (const imago::Error&) {
  }
  try {
    const LegacyTokenizer legacy = build_sentencepiece(parse_sentencepiece_model(bytes, "fuzz"));
    const imago::Encoding encoding = legacy.tokenizer.encode("Hello W\u00f6rld  12 \u4e2d\u6587\n<unk>");
    legacy.tokenizer.decode(encoding.ids);
  } catch (const imago::Error&) {
  }
  return 0;
}
