#include "imago/processors/image/image_processor.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/base/thread_pool.h"
#include "imago/nn/read_fields.h"
#include "imago/processors/image/image_processor_type.h"
#include "imago/processors/known_keys.h"

namespace imago {
namespace {

constexpr const char* kFile = "preprocessor_config.json";

// The file's keys that a struct with nested sizes has not as fields of its own.
struct FileFields : ImageProcessorConfig {
  JsonText size_text, crop_size_text, pad_size_text, max_image_size_text;
  bool default_to_square = true;
  std::optional<int64_t> max_size;
  void each_field(FieldVisitor& visitor) {
    imago::internal::visit_fields(
        visitor,
        "do_resize, size, resample, crop_pct, ensure_multiple_of, keep_aspect_ratio, do_center_crop, crop_size, "
        "do_rescale, rescale_factor, do_normalize, image_mean, image_std, do_pad, pad_size, size_divisor, "
        "default_to_square, max_size, patch_size, temporal_patch_size, merge_size, min_pixels, max_pixels, "
        "do_image_splitting, max_image_size",
        do_resize, size_text, resample, crop_pct, ensure_multiple_of, keep_aspect_ratio, do_center_crop, crop_size_text,
        do_rescale, rescale_factor, do_normalize, image_mean, image_std, do_pad, pad_size_text, size_divisor,
        default_to_square, max_size, patch_size, temporal_patch_size, merge_size, min_pixels, max_pixels,
        do_image_splitting, max_image_size_text);
  }
};

// Keys that do not change what is computed here: bookkeeping, the form of in- and outputs, and what is done to labels.
constexpr std::array kInertKeys = {"image_processor_type",
                                   "feature_extractor_type",
                                   "processor_class",
                                   "_processor_class",
                                   "_valid_processor_keys",
                                   "auto_map",
                                   "do_convert_rgb",
                                   "data_format",
                                   "input_data_format",
                                   "return_tensors",
                                   "device",
                                   "disable_grouping",
                                   "image_seq_length",
                                   "return_row_col_info",
                                   "do_reduce_labels",
                                   "reduce_labels",
                                   "do_convert_annotations",
                                   "format",
                                   "num_labels",
                                   "transformers_version",
                                   "_name_or_path",
                                   "ignore_index",
                                   "mask_size",
                                   "mask_pad_size"};

[[noreturn]] void fail(ErrorKind kind, std::string what, std::string_view hint = {}) {
  throw Error(kind, kFile, std::move(what), hint);
}

// Of a side, or where `areas` says so of a whole picture.
int64_t positive(const Json& value, const std::string& key, bool areas = false) {
  constexpr int64_t kLargest = 1 << 20;
  if (!value.is_number_integer() || value.get<int64_t>() < 1 || value.get<int64_t>() > (areas ? kMaxPixels : kLargest))
    fail(ErrorKind::kInvalidFile, fmt::format("{} is {}, and not a number of pixels", key, dump_json(value)));
  return value.get<int64_t>();
}

ImageSize parse_size(const JsonText& text, const char* key, bool square, std::optional<int64_t> longest,
                     bool areas = false) {
  ImageSize size;
  if (text.text.empty()) return size;
  const Json json = parse_json(text.text, kFile);
  if (json.is_array() && json.size() == 2) {
    size.height = positive(json.at(0), key);
    size.width = positive(json.at(1), key);
  } else if (json.is_object()) {
    const Json copy = json;
    for (const auto& [name, value] : copy.items()) {
      if (!value.is_null()) positive(value, fmt::format("{}.{}", key, name), areas);
    }
    if (!read_fields(json, size, kFile).unknown.empty())
      fail(ErrorKind::kUnsupported, fmt::format("{} is {}", key, dump_json(json)));
  } else if (square) {
    size.height = size.width = positive(json, key);
  } else {
    size.shortest_edge = positive(json, key);
    size.longest_edge = longest;
  }
  return size;
}

void check(const ImageProcessorConfig& c) {
  if (c.resample < 0 || c.resample > 5) {
    fail(ErrorKind::kUnsupported, fmt::format("resample is {}, and Pillow has filters 0 to 5", c.resample));
  }
  if (c.do_normalize && (c.image_mean.size() != 3 || c.image_std.size() != 3))
    fail(ErrorKind::kInvalidFile, "image_mean and image_std are not three numbers each");
  if (c.do_center_crop && (!c.crop_size.height || !c.crop_size.width))
    fail(ErrorKind::kInvalidFile, "do_center_crop without a crop_size of height and width");
  if (c.crop_pct <= 0) fail(ErrorKind::kInvalidFile, fmt::format("crop_pct is {}", c.crop_pct));
  for (const int64_t size : {c.patch_size, c.temporal_patch_size, c.merge_size}) {
    constexpr int64_t kLargest = 1024;
    if (size < 1 || size > kLargest)
      fail(ErrorKind::kInvalidFile, fmt::format("patch_size, temporal_patch_size or merge_size is {}", size));
  }
  if (c.ensure_multiple_of < 1 || c.size_divisor.value_or(1) < 1)
    fail(ErrorKind::kInvalidFile, "ensure_multiple_of and size_divisor are at least 1");
}

// The values of a colour, by its byte. Rounded as the reference rounds: the product in double, the rest in float.
std::vector<float> channel_values(const ImageProcessorConfig& c, size_t channel) {
  std::vector<float> values(256);
  for (int byte = 0; byte < 256; ++byte) {
    auto value = static_cast<float>(byte);
    if (c.do_rescale) value = static_cast<float>(static_cast<double>(byte) * c.rescale_factor);
    if (c.do_normalize)
      value = (value - static_cast<float>(c.image_mean[channel])) / static_cast<float>(c.image_std[channel]);
    values[byte] = value;
  }
  return values;
}

struct Placement {
  int64_t height, width;  // of the whole
  int64_t top = 0, left = 0;
};

// Each picture's size after padding, and where it stands there.
// Those who are told where padding is have it below and to the right, up to the largest picture.
std::vector<Placement> place(const std::vector<Image>& images, const ImageProcessorConfig& c, bool gives_mask) {
  std::vector<Placement> places;
  Placement largest{0, 0};
  for (const Image& image : images) {
    places.push_back({image.height, image.width});
    largest = {std::max(largest.height, image.height), std::max(largest.width, image.width)};
  }
  if (!c.do_pad) return places;
  if (c.size_divisor && !gives_mask) {
    for (Placement& p : places) {
      const int64_t d = *c.size_divisor, height = (p.height + d - 1) / d * d, width = (p.width + d - 1) / d * d;
      p = {height, width, (height - p.height) / 2, (width - p.width) / 2};
    }
    return places;
  }
  if (c.pad_size.height && c.pad_size.width) {
    if (*c.pad_size.height < largest.height || *c.pad_size.width < largest.width) {
      throw Error(ErrorKind::kInvalidArgument, "image processor",
                  fmt::format("a picture of {} x {} pixels is larger than pad_size", largest.width, largest.height));
    }
    largest = {*c.pad_size.height, *c.pad_size.width};
  }
  std::fill(places.begin(), places.end(), largest);
  return places;
}

void write_pixels(const Image& image, const Placement& at, const ImageProcessorConfig& c, float* to) {
  for (int64_t channel = 0; channel < Image::kChannels; ++channel) {
    const std::vector<float> values = channel_values(c, static_cast<size_t>(channel));
    for (int64_t y = 0; y < image.height; ++y) {
      const uint8_t* from = image.pixels.data() + y * image.width * Image::kChannels + channel;
      float* row = to + (channel * at.height + y + at.top) * at.width + at.left;
      for (int64_t x = 0; x < image.width; ++x) row[x] = values[from[x * Image::kChannels]];
    }
  }
}

// Patches in rows, those that are merged into one vector side by side, each as its colours, pictures in time (which one
// picture fills alone), and pixels.
ImageFeatures as_patches(const std::vector<Image>& images, const ImageProcessorConfig& c) {
  const int64_t patch = c.patch_size, merge = c.merge_size, whole = patch * merge;
  std::vector<int64_t> grids;
  int64_t count = 0;
  for (const Image& image : images) {
    if (image.height % whole != 0 || image.width % whole != 0) {
      throw Error(ErrorKind::kInvalidArgument, "image processor",
                  fmt::format("a picture of {} x {} pixels is no whole number of patches of {} pixels", image.width,
                              image.height, whole),
                  "set do_resize");
    }
    grids.insert(grids.end(), {1, image.height / patch, image.width / patch});
    count += image.height / patch * (image.width / patch);
  }
  const int64_t values = Image::kChannels * c.temporal_patch_size * patch * patch;
  ImageFeatures features{.pixel_values = Tensor::zeros({count, values})};
  features.image_grid_thw = Tensor::from(grids, {std::ssize(images), 3});
  float* to = features.pixel_values.data<float>();
  for (const Image& image : images) {
    std::vector<float> planes(static_cast<size_t>(Image::kChannels * image.height * image.width));
    write_pixels(image, {image.height, image.width}, c, planes.data());
    const auto write_patch = [&](int64_t top, int64_t left) {
      for (int64_t channel = 0; channel < Image::kChannels; ++channel) {
        for (int64_t time = 0; time < c.temporal_patch_size; ++time) {
          for (int64_t y = top; y < top + patch; ++y, to += patch)
            std::copy_n(planes.data() + (channel * image.height + y) * image.width + left, patch, to);
        }
      }
    };
    for (int64_t top = 0; top < image.height; top += whole) {
      for (int64_t left = 0; left < image.width; left += whole) {
        for (int64_t i = 0; i < merge * merge; ++i) write_patch(top + i / merge * patch, left + i % merge * patch);
      }
    }
  }
  return features;
}

}  // namespace

ImageProcessor ImageProcessor::from_folder(const std::string& folder) {
  const std::string path = folder + "/" + kFile;
  std::optional<Json> json;
  if (const std::string whole = folder + "/processor_config.json"; std::filesystem::exists(whole)) {
    const Json processor = read_json(whole);
    const auto part = processor.find("image_processor");
    if (part != processor.end() && part->is_object()) json = *part;
  }
  if (!json && std::filesystem::exists(path)) json = read_json(path);
  if (!json) {
    throw Error(ErrorKind::kNotFound, folder,
                "there is no preprocessor_config.json, which says how pictures are prepared",
                "take it from the model's page on the Hub");
  }
  const ErrorScope scope(folder);
  const std::string config = folder + "/config.json";
  std::string model_type;
  if (std::filesystem::exists(config)) {
    const Json model = read_json(config);
    if (model.contains("model_type") && model.at("model_type").is_string())
      model_type = model.at("model_type").get<std::string>();
  }
  return from_json(*json, model_type);
}

ImageProcessor ImageProcessor::from_json(const Json& json, const std::string& model_type) {
  if (!json.is_object()) fail(ErrorKind::kInvalidFile, "the file is no JSON object");
  std::string name;
  for (const char* key : {"feature_extractor_type", "image_processor_type"}) {
    if (json.contains(key) && json.at(key).is_string()) name = json.at(key).get<std::string>();
  }
  const ImageProcessorType& type =
      name.empty() ? image_processor_type_of_model(model_type) : image_processor_type(name);

  FileFields fields;
  read_fields(parse_json(type.defaults, type.name), fields, kFile);
  Json given = without_nulls(json);
  if (type.gives_mask && given.contains("pad_and_return_pixel_mask")) {  // the older name
    if (!given.contains("do_pad")) given["do_pad"] = given.at("pad_and_return_pixel_mask");
    given.erase("pad_and_return_pixel_mask");
  }
  if (type.gives_mask) fields.max_size = 1333;
  refuse_unknown_keys(read_fields(given, fields, kFile).unknown, kInertKeys, kFile);
  fields.size = parse_size(fields.size_text, "size", fields.default_to_square, fields.max_size, type.patches);
  if (fields.min_pixels) fields.size.shortest_edge = fields.min_pixels;
  if (fields.max_pixels) fields.size.longest_edge = fields.max_pixels;
  fields.max_image_size = parse_size(fields.max_image_size_text, "max_image_size", true, {});
  fields.crop_size = parse_size(fields.crop_size_text, "crop_size", true, {});
  fields.pad_size = parse_size(fields.pad_size_text, "pad_size", true, {});
  check(fields);
  return {type, static_cast<ImageProcessorConfig>(fields)};
}

ImageFeatures ImageProcessor::operator()(std::span<const Image> images) const {
  if (images.empty()) throw Error(ErrorKind::kInvalidArgument, "image processor", "there is no picture");
  std::vector<Image> sized;
  std::vector<TileGrid> grids;
  for (const Image& image : images) {
    Image next = config_.do_resize ? type_->resize(image, config_) : image;
    if (config_.do_center_crop) next = center_crop(next, *config_.crop_size.height, *config_.crop_size.width);
    if (type_->split != nullptr) {
      Tiles tiles = type_->split(next, config_);
      std::move(tiles.pictures.begin(), tiles.pictures.end(), std::back_inserter(sized));
      grids.push_back(tiles.grid);
    } else {
      sized.push_back(std::move(next));
    }
  }
  if (type_->patches) return as_patches(sized, config_);
  ImageProcessorConfig placing = config_;
  if (type_->pads_itself) placing.do_pad = false;
  const std::vector<Placement> places = place(sized, placing, type_->gives_mask);
  const auto [height, width] = std::pair(places[0].height, places[0].width);
  for (const Placement& p : places) {
    if (p.height == height && p.width == width) continue;
    throw Error(ErrorKind::kInvalidArgument, "image processor",
                fmt::format("pictures of {} x {} and {} x {} pixels cannot be computed together", width, height,
                            p.width, p.height),
                "pass them one by one");
  }
  const auto count = static_cast<int64_t>(places.size());
  ImageFeatures features{.pixel_values = Tensor::zeros({count, Image::kChannels, height, width})};
  features.tiles = std::move(grids);
  if (type_->gives_mask && config_.do_pad) features.pixel_mask = Tensor::zeros({count, height, width}, DType::i64);
  for (int64_t i = 0; i < count; ++i) {
    features.resized.push_back({sized[i].height, sized[i].width});
    write_pixels(sized[i], places[i], config_,
                 features.pixel_values.data<float>() + i * Image::kChannels * height * width);
    if (!features.pixel_mask) continue;
    for (int64_t y = 0; y < sized[i].height; ++y)
      std::fill_n(features.pixel_mask.data<int64_t>() + (i * height + y) * width, sized[i].width, 1);
  }
  return features;
}

}  // namespace imago
