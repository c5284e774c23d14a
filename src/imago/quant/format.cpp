#include "imago/quant/format.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <string>

#include "imago/base/error.h"
#include "imago/quant/decode_groups.h"

namespace imago {

void register_all_formats(quant::FormatTable& table);

namespace quant {

const std::vector<Format>& formats() {
  static const FormatTable table = [] {
    FormatTable all;
    register_all_formats(all);
    return all;
  }();
  return table.formats();
}

const Format& find_format(std::string_view name) {
  std::string lower(name);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  std::vector<std::string_view> names;
  for (const Format& format : formats()) {
    if (format.name == lower) return format;
    names.push_back(format.name);
  }
  throw Error(ErrorKind::kUnsupported, "quant", fmt::format("this build has no weight format \"{}\"", name),
              fmt::format("it has {}", fmt::join(names, ", ")));
}

const Format* find_ggml_format(uint32_t ggml_type) {
  const auto found =
      std::find_if(formats().begin(), formats().end(), [&](const Format& f) { return f.ggml_type == ggml_type; });
  return found == formats().end() ? nullptr : &*found;
}

void decode_blocks(const Format& format, const std::byte* from, int64_t blocks, float* to) {
  if (format.widen != nullptr) return format.widen(from, blocks, to);
  // Some blocks at a time, so that their groups stay on the stack.
  constexpr int64_t kElements = 1024, kSmallestGroup = 16;
  int8_t q[kElements];
  float scale[kElements / kSmallestGroup], offset[kElements / kSmallestGroup];
  const int64_t step = kElements / format.block_elements;
  const auto unpack = format.kernels().unpack;
  for (int64_t first = 0; first < blocks; first += step) {
    const int64_t count = std::min(step, blocks - first);
    unpack(from + first * format.block_bytes, count, q, scale, offset);
    float* values = to + first * format.block_elements;
    decode_groups(q, scale, format.has_offset ? offset : nullptr, format.group, count * format.block_elements, values);
  }
}

}  // namespace quant
}  // namespace imago
