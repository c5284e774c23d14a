// The first frame of a GIF, through giflib.
#include <fmt/core.h>
#include <gif_lib.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "imago/base/error.h"
#include "imago/processors/image/codecs.h"

namespace imago::codec {
namespace {

constexpr const char* kWhere = "GIF";

struct Source {
  std::span<const std::byte> bytes;
  size_t position = 0;
};

int read_source(GifFileType* gif, GifByteType* to, int size) {
  auto& source = *static_cast<Source*>(gif->UserData);
  const size_t count = std::min(static_cast<size_t>(std::max(0, size)), source.bytes.size() - source.position);
  std::memcpy(to, source.bytes.data() + source.position, count);
  source.position += count;
  return static_cast<int>(count);
}

struct Close {
  void operator()(GifFileType* gif) const {
    int ignored = 0;
    DGifCloseFile(gif, &ignored);
  }
};

[[noreturn]] void fail(int code) {
  const char* reason = GifErrorString(code);
  throw Error(ErrorKind::kInvalidFile, kWhere,
              fmt::format("the file is damaged or truncated: {}", reason != nullptr ? reason : "no picture in it"));
}

void check(const GifFileType& gif, int result) {
  if (result != GIF_OK) fail(gif.Error);
}

// Up to the first frame's description. The colour that the rest of the screen has: the transparent one, or the first.
int seek_first_frame(GifFileType& gif) {
  int background = 0;
  for (;;) {
    GifRecordType type = UNDEFINED_RECORD_TYPE;
    check(gif, DGifGetRecordType(&gif, &type));
    if (type == IMAGE_DESC_RECORD_TYPE) {
      check(gif, DGifGetImageHeader(&gif));
      return background;
    }
    if (type != EXTENSION_RECORD_TYPE) fail(0);
    int code = 0;
    GifByteType* data = nullptr;
    check(gif, DGifGetExtension(&gif, &code, &data));
    if (code == GRAPHICS_EXT_FUNC_CODE && data != nullptr && data[0] >= 4 && (data[1] & 1) != 0) background = data[4];
    while (data != nullptr) check(gif, DGifGetExtensionNext(&gif, &data));
  }
}

// Rows in the order in which the file has them.
std::vector<int64_t> row_order(int64_t height, bool interlaced) {
  struct Pass {
    int64_t first, step;
  };
  constexpr Pass interlacing[] = {{0, 8}, {4, 8}, {2, 4}, {1, 2}}, plain[] = {{0, 1}};
  std::vector<int64_t> rows;
  for (const Pass& pass : interlaced ? std::span<const Pass>(interlacing) : std::span<const Pass>(plain)) {
    for (int64_t row = pass.first; row < height; row += pass.step) rows.push_back(row);
  }
  return rows;
}

// Colours of all indices; those that the file does not have are black, and without any they are shades of gray.
std::vector<GifColorType> palette_of(const GifFileType& gif) {
  const ColorMapObject* map = gif.Image.ColorMap != nullptr ? gif.Image.ColorMap : gif.SColorMap;
  std::vector<GifColorType> palette(256, GifColorType{0, 0, 0});
  bool gray = true;
  for (int i = 0; map != nullptr && i < map->ColorCount && i < 256; ++i) {
    palette[i] = map->Colors[i];
    gray = gray && palette[i].Red == i && palette[i].Green == i && palette[i].Blue == i;
  }
  for (int i = 0; gray && i < 256; ++i) {
    const auto shade = static_cast<GifByteType>(i);
    palette[i] = {shade, shade, shade};
  }
  return palette;
}

}  // namespace

Decoded decode_gif(std::span<const std::byte> bytes, int64_t max_pixels) {
  Source source{bytes};
  int error = 0;
  const std::unique_ptr<GifFileType, Close> gif(DGifOpen(&source, read_source, &error));
  if (!gif) fail(error);
  const int background = seek_first_frame(*gif);
  const GifImageDesc& frame = gif->Image;
  // A frame that reaches beyond the screen makes it larger.
  const int64_t height = std::max<int64_t>(gif->SHeight, int64_t{frame.Top} + frame.Height);
  const int64_t width = std::max<int64_t>(gif->SWidth, int64_t{frame.Left} + frame.Width);
  check_image_size(kWhere, frame.Height, frame.Width);
  Decoded decoded{blank_image(kWhere, height, width, max_pixels), {}};

  const std::vector<GifColorType> palette = palette_of(*gif);
  uint8_t* pixels = decoded.image.pixels.data();
  const auto store = [&](uint8_t* to, int index) {
    const GifColorType& color = palette[static_cast<size_t>(index)];
    to[0] = color.Red, to[1] = color.Green, to[2] = color.Blue;
  };
  for (int64_t i = 0; i < height * width; ++i) store(pixels + i * Image::kChannels, background);
  std::vector<GifPixelType> line(static_cast<size_t>(frame.Width));
  for (const int64_t row : row_order(frame.Height, frame.Interlace)) {
    check(*gif, DGifGetLine(gif.get(), line.data(), frame.Width));
    uint8_t* to = pixels + ((frame.Top + row) * width + frame.Left) * Image::kChannels;
    for (const GifPixelType index : line) store(to, index), to += Image::kChannels;
  }
  return decoded;
}

}  // namespace imago::codec
