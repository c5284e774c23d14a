// From pictures to what a model takes: the reference's AutoImageProcessor with its Pillow backend, which is the one
// that runs where torchvision is not installed. Equal to it in every bit.
//
//   const auto processor = imago::ImageProcessor::from_folder("path");
//   imago::ImageFeatures features = processor({imago::load_image("photo.jpg")});
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "imago/base/json.h"
#include "imago/processors/image/image.h"
#include "imago/tensor/fields.h"

namespace imago {

// A size as preprocessor_config.json gives it: {"height", "width"}, {"shortest_edge"} with or without "longest_edge",
// or {"max_height", "max_width"}.
struct ImageSize {
  std::optional<int64_t> height, width, shortest_edge, longest_edge, max_height, max_width;
  FIELDS(height, width, shortest_edge, longest_edge, max_height, max_width)
};

// The steps, in the order in which they are taken, under the file's keys. What the file leaves out (or has as null) is
// as the class of the processor sets it.
struct ImageProcessorConfig {
  bool do_resize = false;
  ImageSize size;
  int64_t resample = static_cast<int64_t>(Resample::kBilinear);
  double crop_pct = 0.875;         // of ConvNext's: how much of the picture is left by the crop
  int64_t ensure_multiple_of = 1;  // of DPT's, in pixels
  bool keep_aspect_ratio = false;
  bool do_center_crop = false;
  ImageSize crop_size;
  bool do_rescale = false;
  double rescale_factor = 1.0 / 255;
  bool do_normalize = false;
  std::vector<double> image_mean, image_std;  // of red, green, blue
  bool do_pad = false;
  ImageSize pad_size;  // that of the largest picture where absent
  // Of DPT's: padded to a multiple of it, to both sides; of Mask2Former's: resized.
  std::optional<int64_t> size_divisor;
  // Of Qwen2-VL's, whose `size` bounds the number of pixels: pixels of a patch to each side, pictures of a patch in
  // time, patches to each side that become one vector; and older names of the bounds.
  int64_t patch_size = 14, temporal_patch_size = 2, merge_size = 2;
  std::optional<int64_t> min_pixels, max_pixels;
  // Of Idefics 3's: whether a picture is cut into tiles of max_image_size, beside which it stands as a whole.
  bool do_image_splitting = false;
  ImageSize max_image_size;
};

// How many tiles a picture was cut into; none where it stands as a whole only.
struct TileGrid {
  int64_t rows = 0, columns = 0;
  int64_t pictures() const { return rows * columns + 1; }
};

struct ImageFeatures {
  // float32 [images, 3, height, width], with an image for each tile; of Qwen2-VL's [patches, pixels of a patch].
  Tensor pixel_values;
  Tensor pixel_mask;            // int64 [images, height, width]: 0 is padding. Of processors whose models take one.
  Tensor image_grid_thw;        // int64 [pictures, 3] of Qwen2-VL's: the patches of each in time, height and width
  std::vector<TileGrid> tiles;  // of Idefics 3's, for each picture
  std::vector<std::array<int64_t, 2>> resized = {};  // each picture's height and width before it was padded
};

struct ImageProcessorType;

class ImageProcessor {
 public:
  // Reads the "image_processor" of processor_config.json, or preprocessor_config.json. `model_type` of config.json says
  // the kind of processor where that file does not. Throws Error kNotFound, kUnsupported for a kind that is not known
  // and for keys that may change what is computed, and kInvalidFile.
  static ImageProcessor from_folder(const std::string& folder);
  static ImageProcessor from_json(const Json& json, const std::string& model_type = {});

  // Throws Error kInvalidArgument where the pictures come to have different sizes, which nothing pads.
  ImageFeatures operator()(std::span<const Image> images) const;

  const ImageProcessorConfig& config() const { return config_; }

 private:
  ImageProcessor(const ImageProcessorType& type, ImageProcessorConfig config)
      : type_(&type), config_(std::move(config)) {}

  const ImageProcessorType* type_;
  ImageProcessorConfig config_;
};

}  // namespace imago
