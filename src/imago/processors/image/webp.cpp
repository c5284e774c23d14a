// WebP through libwebp. Of an animation the first frame counts, on its canvas.
#include <webp/demux.h>

#include <memory>

#include "imago/base/error.h"
#include "imago/processors/image/codecs.h"

namespace imago::codec {
namespace {

constexpr const char* kWhere = "WebP";

std::string chunk(const WebPDemuxer* demuxer, const char* name) {
  WebPChunkIterator iterator{};
  std::string content;
  if (WebPDemuxGetChunk(demuxer, name, 1, &iterator) != 0)
    content.assign(reinterpret_cast<const char*>(iterator.chunk.bytes), iterator.chunk.size);
  WebPDemuxReleaseChunkIterator(&iterator);
  return content;
}

[[noreturn]] void fail(const char* what) { throw Error(ErrorKind::kInvalidFile, kWhere, what); }

}  // namespace

Decoded decode_webp(std::span<const std::byte> bytes, int64_t max_pixels) {
  const WebPData data{reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()};
  const std::unique_ptr<WebPDemuxer, decltype(&WebPDemuxDelete)> demuxer(WebPDemux(&data), &WebPDemuxDelete);
  if (!demuxer) fail("the file is damaged or truncated");
  const int64_t width = WebPDemuxGetI(demuxer.get(), WEBP_FF_CANVAS_WIDTH);
  const int64_t height = WebPDemuxGetI(demuxer.get(), WEBP_FF_CANVAS_HEIGHT);
  check_image_size(kWhere, height, width, max_pixels);  // the decoder allocates the canvas at once

  WebPAnimDecoderOptions options;
  if (WebPAnimDecoderOptionsInit(&options) == 0)
    throw Error(ErrorKind::kInternal, kWhere, "libwebp is of another kind");
  options.color_mode = MODE_RGBA;
  options.use_threads = 0;
  const std::unique_ptr<WebPAnimDecoder, decltype(&WebPAnimDecoderDelete)> decoder(WebPAnimDecoderNew(&data, &options),
                                                                                   &WebPAnimDecoderDelete);
  uint8_t* canvas = nullptr;
  int timestamp = 0;
  if (!decoder || WebPAnimDecoderGetNext(decoder.get(), &canvas, &timestamp) == 0) fail("the file is damaged");

  Decoded decoded{blank_image(kWhere, height, width, max_pixels),
                  {chunk(demuxer.get(), "EXIF"), chunk(demuxer.get(), "XMP ")}};
  uint8_t* to = decoded.image.pixels.data();
  for (int64_t i = 0; i < height * width; ++i, canvas += 4) to = std::copy(canvas, canvas + Image::kChannels, to);
  return decoded;
}

}  // namespace imago::codec
