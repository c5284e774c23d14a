// video_preprocessor_config.json from the Hub: any bytes give a video processor or an Error. One of small sizes makes
// an input of a video, or an Error; how much a large one takes is bounded by kMaxPixels, not for a fuzz target.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/processors/video/video_processor.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace imago;
  try {
    const Json json = parse_json({reinterpret_cast<const char*>(data), size}, "video_preprocessor_config.json");
    const VideoProcessor processor = VideoProcessor::from_json(json);
    const VideoProcessorConfig& c = processor.config();
    const bool is_small = c.shortest_edge <= 4096 && c.longest_edge <= 4096 && c.patch_size <= 16 &&
                          c.merge_size <= 4 && c.temporal_patch_size <= 8;
    if (!is_small) return 0;
    const Image image{12, 10, std::vector<uint8_t>(12 * 10 * Image::kChannels, 99)};
    const std::vector<Video> videos = {{image, image, image}};
    if (!processor(videos).pixel_values_videos) std::abort();
  } catch (const Error&) {
  }
  return 0;
}
