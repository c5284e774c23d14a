// From videos, as pictures that follow one another, to what a model takes: the reference's Qwen2VLVideoProcessor, which
// runs on torchvision. Equal to it in every bit. Files of videos are not decoded: tools that cut them into pictures
// (ffmpeg -i video.mp4 frame_%04d.png) are at hand everywhere.
//
//   const auto processor = imago::VideoProcessor::from_folder("path");
//   imago::VideoFeatures features = processor({{first, second, third}});
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "imago/base/json.h"
#include "imago/processors/image/image.h"
#include "imago/tensor/fields.h"

namespace imago {

using Video = std::vector<Image>;  // of one size, in the order of time

// The file's keys. `size` bounds the number of pixels of each picture.
struct VideoProcessorConfig {
  bool do_resize = true, do_rescale = true, do_normalize = true, do_sample_frames = false;
  int64_t resample = static_cast<int64_t>(Resample::kBicubic);
  int64_t shortest_edge = 128 * 28 * 28, longest_edge = 28 * 28 * 768;
  double rescale_factor = 1.0 / 255;
  std::vector<double> image_mean = {0.48145466, 0.4578275, 0.40821073};  // of red, green, blue
  std::vector<double> image_std = {0.26862954, 0.26130258, 0.27577711};
  int64_t patch_size = 14, temporal_patch_size = 2, merge_size = 2;
  std::optional<int64_t> num_frames;         // as many pictures are taken where do_sample_frames says so
  std::optional<bool> cap_pixels_per_frame;  // whether all pictures together have a bound too:
  int64_t max_video_tokens = 128000;         // nine tenths of what so many tokens show
};

struct VideoFeatures {
  Tensor pixel_values_videos;  // float32 [patches of all videos, values of a patch]
  Tensor video_grid_thw;       // int64 [videos, 3]: the patches of each in time, height and width
};

class VideoProcessor {
 public:
  // Reads the "video_processor" of processor_config.json, or video_preprocessor_config.json, or
  // preprocessor_config.json as older files have it. Throws Error kNotFound, kUnsupported for a kind that is not known
  // and for keys that may change what is computed, and kInvalidFile.
  static VideoProcessor from_folder(const std::string& folder);
  static VideoProcessor from_json(const Json& json);

  // Throws Error kInvalidArgument for a video without pictures, or with pictures of several sizes.
  VideoFeatures operator()(std::span<const Video> videos) const;

  const VideoProcessorConfig& config() const { return config_; }

 private:
  explicit VideoProcessor(VideoProcessorConfig config) : config_(std::move(config)) {}

  Video sized(const Video& video) const;

  VideoProcessorConfig config_;
};

}  // namespace imago
