// vocab.txt, vocab.json and merges.txt: the first byte chooses which. Whatever they hold, they are read or refused.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "imago/base/error.h"
#include "imago/tokenizers/legacy/vocabulary_files.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  try {
    switch (data[0] % 3) {
      case 0: imago::tokenizers::parse_vocab_txt(text, "vocab.txt"); break;
      case 1: imago::tokenizers::parse_vocab_json(text, "vocab.json"); break;
      default:
        for (const auto& [left, right] : imago::tokenizers::parse_merges_txt(text, "merges.txt")) {
          const bool inside = left.data() >= text.data() && right.data() + right.size() <= text.data() + text.size();
          if (!inside) __builtin_trap();
        }
    }
  } catch (const imago::Error&) {
  }
  return 0;
}
