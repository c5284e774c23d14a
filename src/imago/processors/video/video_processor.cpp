#include "imago/processors/video/video_processor.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>

#include "imago/base/error.h"
#include "imago/nn/read_fields.h"
#include "imago/ops/concat/concat.h"
#include "imago/processors/image/patched_size.h"
#include "imago/processors/known_keys.h"

namespace imago {
namespace {

constexpr const char* kFile = "video_preprocessor_config.json";
constexpr const char* kClass = "Qwen2VLVideoProcessor";

struct FileFields : VideoProcessorConfig {
  JsonText size;
  std::optional<int64_t> min_pixels, max_pixels;
  std::optional<double> fps;
  FIELDS(do_resize, do_rescale, do_normalize, do_sample_frames, resample, size, min_pixels, max_pixels, rescale_factor,
         image_mean, image_std, patch_size, temporal_patch_size, merge_size, num_frames, fps, cap_pixels_per_frame,
         max_video_tokens)
};

// Keys that do not change what is computed here: bookkeeping, the form of in- and outputs, and bounds of sampling by
// time.
constexpr std::array kInertKeys = {"video_processor_type",
                                   "image_processor_type",
                                   "processor_class",
                                   "do_convert_rgb",
                                   "data_format",
                                   "input_data_format",
                                   "return_metadata",
                                   "min_frames",
                                   "max_frames",
                                   "device",
                                   "auto_map",
                                   "video_metadata",
                                   "default_to_square",
                                   "return_tensors",
                                   "_processor_class"};

[[noreturn]] void fail(ErrorKind kind, const std::string& what, std::string_view hint = {}) {
  throw Error(kind, kFile, what, hint);
}

void read_size(FileFields& fields) {
  if (!fields.size.text.empty()) {
    const Json size = parse_json(fields.size.text, kFile);
    if (!size.is_object()) fail(ErrorKind::kInvalidFile, "size is no object");
    for (const auto& [key, value] : size.items()) {
      if (value.is_null()) continue;
      if (!value.is_number_integer()) fail(ErrorKind::kInvalidFile, fmt::format("size.{} is no number", key));
      if (key == "shortest_edge") {
        fields.shortest_edge = value.get<int64_t>();
      } else if (key == "longest_edge") {
        fields.longest_edge = value.get<int64_t>();
      } else {
        fail(ErrorKind::kUnsupported, fmt::format("size has {}, where bounds of pixels are", key));
      }
    }
  }
  fields.shortest_edge = fields.min_pixels.value_or(fields.shortest_edge);
  fields.longest_edge = fields.max_pixels.value_or(fields.longest_edge);
  for (const int64_t pixels : {fields.shortest_edge, fields.longest_edge}) {
    if (pixels < 1 || pixels > kMaxPixels)
      fail(ErrorKind::kInvalidFile, fmt::format("size has {}, and not a number of pixels", pixels));
  }
}

void check(const FileFields& c) {
  if (c.resample < 0 || c.resample > 5) fail(ErrorKind::kUnsupported, fmt::format("resample is {}", c.resample));
  if (c.do_normalize && (c.image_mean.size() != 3 || c.image_std.size() != 3))
    fail(ErrorKind::kInvalidFile, "image_mean and image_std are not three numbers each");
  constexpr int64_t kLargest = 1024;
  for (const int64_t size : {c.patch_size, c.temporal_patch_size, c.merge_size}) {
    if (size < 1 || size > kLargest)
      fail(ErrorKind::kInvalidFile, fmt::format("patch_size, temporal_patch_size or merge_size is {}", size));
  }
  if (c.max_video_tokens < 1 || c.num_frames.value_or(1) < 1)
    fail(ErrorKind::kInvalidFile, "max_video_tokens and num_frames are at least 1");
  if (c.do_sample_frames && (c.fps || !c.num_frames)) {
    fail(ErrorKind::kUnsupported, "do_sample_frames by time, which pictures alone do not tell",
         "set do_sample_frames to false, or num_frames instead of fps");
  }
}

// The values of a colour, by its byte, rounded as torchvision rounds: all in float.
std::vector<float> channel_values(const VideoProcessorConfig& c, size_t channel) {
  std::vector<float> values(256);
  // Both steps are one, by a mean and a deviation of bytes.
  const auto bytes = static_cast<float>(c.do_rescale ? 1.0 / c.rescale_factor : 1.0);
  for (int byte = 0; byte < 256; ++byte) {
    auto value = static_cast<float>(byte);
    if (c.do_normalize) {
      const float mean = static_cast<float>(c.image_mean[channel]) * bytes;
      value = (value - mean) / (static_cast<float>(c.image_std[channel]) * bytes);
    } else if (c.do_rescale) {
      value *= static_cast<float>(c.rescale_factor);
    }
    values[byte] = value;
  }
  return values;
}

// As many pictures, a whole number of patches of them, at equal distances.
Video sampled(const Video& video, const VideoProcessorConfig& c) {
  if (!c.do_sample_frames) return video;
  const auto total = static_cast<double>(video.size()), step = static_cast<double>(c.temporal_patch_size);
  const double wanted = std::nearbyint(static_cast<double>(*c.num_frames) / step) * step;
  if (wanted < 1 || wanted > total) {
    throw Error(ErrorKind::kInvalidArgument, "video processor",
                fmt::format("{} pictures are to be taken of a video of {}", wanted, video.size()));
  }
  Video chosen;
  const double distance = total / wanted;
  // torch.arange's values: products, not sums.
  for (int64_t i = 0; static_cast<double>(i) < std::ceil(total / distance); ++i)
    chosen.push_back(video[static_cast<size_t>(static_cast<float>(static_cast<double>(i) * distance))]);
  return chosen;
}

// Patches of pictures that follow one another, those that are merged into one vector side by side, each as its colours,
// pictures in time, and pixels. The last picture stays where some are missing in time.
Tensor patches_of(const Video& video, const VideoProcessorConfig& c) {
  const int64_t height = video[0].height, width = video[0].width, patch = c.patch_size, merge = c.merge_size;
  const int64_t times = (std::ssize(video) + c.temporal_patch_size - 1) / c.temporal_patch_size;
  const int64_t down = height / patch, across = width / patch;
  std::array<std::vector<float>, Image::kChannels> values;
  for (size_t channel = 0; channel < values.size(); ++channel) values[channel] = channel_values(c, channel);
  Tensor patches = Tensor::zeros({times * down * across, Image::kChannels * c.temporal_patch_size * patch * patch});
  float* to = patches.data<float>();
  const auto write_patch = [&](int64_t time, int64_t top, int64_t left) {
    for (int64_t channel = 0; channel < Image::kChannels; ++channel) {
      for (int64_t i = 0; i < c.temporal_patch_size; ++i) {
        const auto frame = std::min(time * c.temporal_patch_size + i, std::ssize(video) - 1);
        const uint8_t* from = video[static_cast<size_t>(frame)].pixels.data() + channel;
        for (int64_t y = top; y < top + patch; ++y) {
          for (int64_t x = left; x < left + patch; ++x)
            *to++ = values[static_cast<size_t>(channel)][from[(y * width + x) * Image::kChannels]];
        }
      }
    }
  };
  for (int64_t time = 0; time < times; ++time) {
    for (int64_t top = 0; top < height; top += patch * merge) {
      for (int64_t left = 0; left < width; left += patch * merge) {
        for (int64_t i = 0; i < merge * merge; ++i)
          write_patch(time, top + i / merge * patch, left + i % merge * patch);
      }
    }
  }
  return patches;
}

}  // namespace

VideoProcessor VideoProcessor::from_folder(const std::string& folder) {
  const auto path = [&](const char* file) { return folder + "/" + file; };
  const ErrorScope scope(folder);
  if (std::filesystem::exists(path("processor_config.json"))) {
    const Json processor = read_json(path("processor_config.json"));
    const auto part = processor.find("video_processor");
    if (part != processor.end() && part->is_object()) return from_json(*part);
  }
  for (const char* file : {kFile, "preprocessor_config.json"}) {
    if (std::filesystem::exists(path(file))) return from_json(read_json(path(file)));
  }
  throw Error(ErrorKind::kNotFound, folder, fmt::format("there is no {}, which says how videos are prepared", kFile),
              "take it from the model's page on the Hub");
}

VideoProcessor VideoProcessor::from_json(const Json& json) {
  if (!json.is_object()) fail(ErrorKind::kInvalidFile, "the file is no JSON object");
  const auto type = json.find("video_processor_type");
  if (type != json.end() && *type != kClass) {
    fail(ErrorKind::kUnsupported, fmt::format("no video processor {}", dump_json(*type)),
         fmt::format("there is {}", kClass));
  }
  FileFields fields;
  refuse_unknown_keys(read_fields(without_nulls(json), fields, kFile).unknown, kInertKeys, kFile);
  read_size(fields);
  check(fields);
  return VideoProcessor(static_cast<VideoProcessorConfig>(fields));
}

Video VideoProcessor::sized(const Video& video) const {
  if (video.empty()) throw Error(ErrorKind::kInvalidArgument, "video processor", "a video has no pictures");
  for (const Image& image : video) {
    if (image.height == video[0].height && image.width == video[0].width) continue;
    throw Error(ErrorKind::kInvalidArgument, "video processor",
                fmt::format("a video has pictures of {} x {} and of {} x {} pixels", video[0].width, video[0].height,
                            image.width, image.height));
  }
  const Video chosen = sampled(video, config_);
  const int64_t whole = config_.patch_size * config_.merge_size;
  PatchedSize size{video[0].height, video[0].width};
  if (config_.do_resize) {
    int64_t most = config_.longest_edge;
    if (config_.cap_pixels_per_frame.value_or(false)) {
      constexpr double kEnough = 1e15;  // pixels, more than any video has
      const double shown = static_cast<double>(config_.max_video_tokens) * static_cast<double>(whole * whole) * 0.9;
      const auto total = static_cast<int64_t>(std::min(shown, kEnough));
      most = std::max(std::min(most, total * config_.temporal_patch_size / std::ssize(chosen)),
                      static_cast<int64_t>(static_cast<double>(config_.shortest_edge) * 1.05));
    }
    size = patched_size(size.height, size.width, whole, config_.shortest_edge, most);
  } else if (size.height % whole != 0 || size.width % whole != 0) {
    throw Error(ErrorKind::kInvalidArgument, "video processor",
                fmt::format("pictures of {} x {} pixels are no whole number of patches of {} pixels", size.width,
                            size.height, whole),
                "set do_resize");
  }
  Video resized;
  for (const Image& image : chosen) {
    const bool fits = image.height == size.height && image.width == size.width;
    resized.push_back(fits ? image
                           : resize_as_torch(image, size.height, size.width, static_cast<Resample>(config_.resample)));
  }
  return resized;
}

VideoFeatures VideoProcessor::operator()(std::span<const Video> videos) const {
  if (videos.empty()) throw Error(ErrorKind::kInvalidArgument, "video processor", "there is no video");
  Tensors patches;
  std::vector<int64_t> grids;
  for (const Video& video : videos) {
    const Video frames = sized(video);
    patches.push_back(patches_of(frames, config_));
    grids.push_back((std::ssize(frames) + config_.temporal_patch_size - 1) / config_.temporal_patch_size);
    grids.push_back(frames[0].height / config_.patch_size);
    grids.push_back(frames[0].width / config_.patch_size);
  }
  return {concat(patches, 0), Tensor::from(grids, {std::ssize(videos), 3})};
}

}  // namespace imago
