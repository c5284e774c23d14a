// Rows of data from any bytes: the first one chooses the kind of file.
#include <cstddef>
#include <cstdint>
#include <string>

#include "imago/base/error.h"
#include "imago/train/json_rows.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const char* const kinds[] = {"rows.csv", "rows.tsv", "rows.jsonl", "rows.txt"};
  const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
  try {
    for (const imago::Row& row : imago::parse_rows(text, kinds[data[0] % 4])) {
      if (!row.values.is_object() || row.where.empty()) __builtin_trap();
    }
  } catch (const imago::Error&) {
  }
  return 0;
}
