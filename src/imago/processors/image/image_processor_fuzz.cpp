// preprocessor_config.json from the Hub: any bytes give an image processor or an Error. One of small sizes makes
// an input of a picture, or an Error; how much a large one takes is bounded by kMaxPixels, not for a fuzz target.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/processors/image/image_processor.h"

namespace {

bool is_small(const imago::ImageSize& size) {
  for (const auto& side :
       {size.height, size.width, size.shortest_edge, size.longest_edge, size.max_height, size.max_width}) {
    if (side.value_or(0) > 64) return false;
  }
  return true;
}

bool is_small(const imago::ImageProcessorConfig& c) {
  return is_small(c.size) && is_small(c.crop_size) && is_small(c.pad_size) && is_small(c.max_image_size) &&
         c.crop_pct > 0.5 && c.ensure_multiple_of <= 64 && c.size_divisor.value_or(0) <= 64 && c.patch_size <= 16 &&
         c.temporal_patch_size <= 4 && c.merge_size <= 4 && c.min_pixels.value_or(0) <= 4096;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace imago;
  try {
    const Json json = parse_json({reinterpret_cast<const char*>(data), size}, "preprocessor_config.json");
    const ImageProcessor processor = ImageProcessor::from_json(json);
    if (!is_small(processor.config())) return 0;
    const std::vector<Image> images = {{12, 10, std::vector<uint8_t>(12 * 10 * Image::kChannels, 99)}};
    if (!processor(images).pixel_values) std::abort();
  } catch (const Error&) {
  }
  return 0;
}
