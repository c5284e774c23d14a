// Which side of a photo is up: tag 0x112 of the first directory of its EXIF (a TIFF structure), or tiff:Orientation in
// XMP. What is malformed says nothing, as in Pillow.
#include <cstdint>
#include <optional>

#include "imago/processors/image/codecs.h"

namespace imago::codec {
namespace {

constexpr uint16_t kOrientation = 0x112, kShort = 3, kLong = 4, kByte = 1;

class TiffReader {
 public:
  explicit TiffReader(std::string_view bytes) : bytes_(bytes) {
    valid_ = bytes.starts_with(std::string_view("II*\0", 4)) || bytes.starts_with(std::string_view("MM\0*", 4));
    big_endian_ = bytes.starts_with("MM");
  }

  std::optional<int> orientation() const {
    if (!valid_) return {};
    const auto directory = number(4, 4);
    if (!directory) return {};
    const auto entries = number(*directory, 2);
    for (uint64_t i = 0; entries && i < *entries; ++i) {
      const uint64_t entry = *directory + 2 + 12 * i;
      const auto tag = number(entry, 2), type = number(entry + 2, 2);
      if (!tag || !type) return {};
      if (*tag != kOrientation) continue;
      const uint64_t size = *type == kShort ? 2 : *type == kLong ? 4 : *type == kByte ? 1 : 0;
      const auto value = size > 0 ? number(entry + 8, size) : std::nullopt;
      return value && *value <= 8 ? std::optional(static_cast<int>(*value)) : std::optional(1);
    }
    return {};
  }

 private:
  std::optional<uint64_t> number(uint64_t at, uint64_t size) const {
    if (at > bytes_.size() || size > bytes_.size() - at) return {};
    uint64_t value = 0;
    for (uint64_t i = 0; i < size; ++i) {
      const uint64_t byte = static_cast<uint8_t>(bytes_[at + i]);
      value |= byte << (8 * (big_endian_ ? size - 1 - i : i));
    }
    return value;
  }

  std::string_view bytes_;
  bool valid_ = false, big_endian_ = false;
};

std::optional<int> orientation_in_xmp(std::string_view xmp) {
  constexpr std::string_view name = "tiff:Orientation";
  for (size_t at = xmp.find(name); at != std::string_view::npos; at = xmp.find(name, at + 1)) {
    std::string_view rest = xmp.substr(at + name.size());
    if (rest.starts_with("=\"")) {
      rest.remove_prefix(2);
    } else if (rest.starts_with(">")) {
      rest.remove_prefix(1);
    } else {
      continue;
    }
    if (!rest.empty() && rest[0] >= '0' && rest[0] <= '9') return rest[0] - '0';
  }
  return {};
}

}  // namespace

int orientation_of(const Metadata& metadata) {
  std::string_view exif = metadata.exif;
  for (int i = 0; i < 2 && exif.starts_with(std::string_view("Exif\0\0", 6)); ++i) exif.remove_prefix(6);
  const auto orientation = TiffReader(exif).orientation();
  return orientation ? *orientation : orientation_in_xmp(metadata.xmp).value_or(1);
}

}  // namespace imago::codec
