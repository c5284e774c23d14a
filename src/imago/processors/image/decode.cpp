#include "imago/processors/image/decode.h"

#include <fmt/core.h>

#include "imago/base/error.h"
#include "imago/base/file.h"
#include "imago/processors/image/codecs.h"

namespace imago {
namespace {

struct Format {
  bool (*accepts)(std::string_view bytes);
  codec::Decoded (*decode)(std::span<const std::byte> bytes, int64_t max_pixels);
};

constexpr Format kFormats[] = {
    {[](std::string_view b) { return b.starts_with("\xff\xd8\xff"); }, codec::decode_jpeg},
    {[](std::string_view b) { return b.starts_with("\x89PNG\r\n\x1a\n"); }, codec::decode_png},
    {[](std::string_view b) { return b.starts_with("RIFF") && b.size() >= 12 && b.substr(8, 4) == "WEBP"; },
     codec::decode_webp},
    {[](std::string_view b) { return b.starts_with("GIF87a") || b.starts_with("GIF89a"); }, codec::decode_gif}};

codec::Decoded decode(std::span<const std::byte> bytes, const ImageLimits& limits) {
  if (static_cast<int64_t>(bytes.size()) > limits.bytes) {
    throw Error(ErrorKind::kLimitExceeded, "image",
                fmt::format("the file has {} bytes, above the limit of {}", bytes.size(), limits.bytes));
  }
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  for (const Format& format : kFormats) {
    if (format.accepts(text)) return format.decode(bytes, limits.pixels);
  }
  throw Error(ErrorKind::kUnsupported, "image", "the file is no JPEG, PNG, WebP or GIF", "convert it to one of them");
}

}  // namespace

Image codec::blank_image(const char* where, int64_t height, int64_t width, int64_t max_pixels) {
  check_image_size(where, height, width, max_pixels);
  return {height, width, std::vector<uint8_t>(static_cast<size_t>(height * width * Image::kChannels))};
}

Image decode_image(std::span<const std::byte> bytes, const ImageLimits& limits) { return decode(bytes, limits).image; }

Image decode_upright_image(std::span<const std::byte> bytes, const ImageLimits& limits) {
  codec::Decoded decoded = decode(bytes, limits);
  return rotate_by_orientation(std::move(decoded.image), codec::orientation_of(decoded.metadata));
}

Image load_image(const std::string& path, const ImageLimits& limits) {
  const ErrorScope scope(path);
  return decode_upright_image(MappedFile::open(path).bytes(), limits);
}

}  // namespace imago
