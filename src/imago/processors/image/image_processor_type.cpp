#include "imago/processors/image/image_processor_type.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "imago/base/error.h"
#include "imago/processors/image/patched_size.h"

namespace imago {
namespace {

struct Extent {
  int64_t height, width;
};

Resample filter(const ImageProcessorConfig& c) { return static_cast<Resample>(c.resample); }

[[noreturn]] void refuse_size() {
  throw Error(ErrorKind::kUnsupported, "preprocessor_config.json", "pictures cannot be resized to this kind of size",
              "give height and width, or what else this kind of processor takes");
}

int64_t part(int64_t size, int64_t numerator, int64_t denominator) {
  return static_cast<int64_t>(static_cast<double>(size * numerator) / static_cast<double>(denominator));
}

Extent with_short_edge(const Image& image, int64_t edge) {
  const bool upright = image.width <= image.height;
  const int64_t other = upright ? part(edge, image.height, image.width) : part(edge, image.width, image.height);
  return upright ? Extent{other, edge} : Extent{edge, other};
}

// The short edge as wanted, or less where the long one would become too long. YOLOS takes a picture of any shape to
// multiples of `multiple`, and does not leave an upright one alone whose size is right already.
Extent with_both_edges(const Image& image, int64_t edge, int64_t longest, int64_t multiple) {
  const int64_t height = image.height, width = image.width;
  const double shorter = static_cast<double>(std::min(height, width)),
               longer = static_cast<double>(std::max(height, width));
  double exact = static_cast<double>(edge);
  if (longer / shorter * static_cast<double>(edge) > static_cast<double>(longest)) {
    exact = static_cast<double>(longest) * shorter / longer;
    edge = static_cast<int64_t>(std::nearbyint(exact));  // halves to even, as Python rounds
  }
  const auto other = [&](int64_t numerator, int64_t denominator) {
    return static_cast<int64_t>(exact * static_cast<double>(numerator) / static_cast<double>(denominator));
  };
  Extent extent{height, width};
  const bool stays = (height <= width && height == edge) || (width <= height && width == edge);
  if (!stays) extent = width < height ? Extent{other(height, width), edge} : Extent{edge, other(width, height)};
  if (stays && multiple > 1 && width < height) extent = {other(height, width), edge};
  return {extent.height - extent.height % multiple, extent.width - extent.width % multiple};
}

Extent within(const Image& image, int64_t max_height, int64_t max_width) {
  const double scale = std::min(static_cast<double>(max_height) / static_cast<double>(image.height),
                                static_cast<double>(max_width) / static_cast<double>(image.width));
  return {static_cast<int64_t>(static_cast<double>(image.height) * scale),
          static_cast<int64_t>(static_cast<double>(image.width) * scale)};
}

Image to_extent(const Image& image, Extent extent, const ImageProcessorConfig& c) {
  return resize(image, extent.height, extent.width, filter(c));
}

Image resize_plainly(const Image& image, const ImageProcessorConfig& c) {
  const ImageSize& s = c.size;
  if (s.shortest_edge && s.longest_edge)
    return to_extent(image, with_both_edges(image, *s.shortest_edge, *s.longest_edge, 1), c);
  if (s.shortest_edge) return to_extent(image, with_short_edge(image, *s.shortest_edge), c);
  if (s.max_height && s.max_width) return to_extent(image, within(image, *s.max_height, *s.max_width), c);
  if (s.height && s.width) return to_extent(image, {*s.height, *s.width}, c);
  refuse_size();
}

// Detectors take no shortest edge by itself.
Image resize_for_detection(const Image& image, const ImageProcessorConfig& c) {
  if (c.size.shortest_edge && !c.size.longest_edge) refuse_size();
  return resize_plainly(image, c);
}

Image resize_for_yolos(const Image& image, const ImageProcessorConfig& c) {
  const ImageSize& s = c.size;
  if (!s.shortest_edge || !s.longest_edge) return resize_for_detection(image, c);
  return to_extent(image, with_both_edges(image, *s.shortest_edge, *s.longest_edge, 16), c);
}

// Rounded up to multiples of a number.
Image resize_for_mask2former(const Image& image, const ImageProcessorConfig& c) {
  const ImageSize& s = c.size;
  Extent extent{s.height.value_or(0), s.width.value_or(0)};
  if (s.shortest_edge && s.longest_edge) {
    extent = with_both_edges(image, *s.shortest_edge, *s.longest_edge, 1);
  } else if (s.max_height && s.max_width) {
    extent = within(image, *s.max_height, *s.max_width);
  } else if (!s.height || !s.width) {
    refuse_size();
  }
  const int64_t d = c.size_divisor.value_or(1);
  return to_extent(image, {(extent.height + d - 1) / d * d, (extent.width + d - 1) / d * d}, c);
}

// Below 384 pixels a larger picture is cut; from there on it is squeezed to a square.
Image resize_for_convnext(const Image& image, const ImageProcessorConfig& c) {
  if (!c.size.shortest_edge) refuse_size();
  const int64_t edge = *c.size.shortest_edge;
  if (edge >= 384) return to_extent(image, {edge, edge}, c);
  const auto larger = static_cast<int64_t>(static_cast<double>(edge) / c.crop_pct);
  return center_crop(to_extent(image, with_short_edge(image, larger), c), edge, edge);
}

// To multiples of a number, with the picture's own shape where that is asked for: scaled as little as possible.
Image resize_for_dpt(const Image& image, const ImageProcessorConfig& c) {
  if (!c.size.height || !c.size.width) refuse_size();
  const auto height = static_cast<double>(image.height), width = static_cast<double>(image.width);
  double scale_height = static_cast<double>(*c.size.height) / height;
  double scale_width = static_cast<double>(*c.size.width) / width;
  if (c.keep_aspect_ratio) {
    if (std::abs(1 - scale_width) < std::abs(1 - scale_height)) {
      scale_height = scale_width;
    } else {
      scale_width = scale_height;
    }
  }
  const auto multiple = static_cast<double>(c.ensure_multiple_of);
  const auto nearest = [&](double size) { return static_cast<int64_t>(std::nearbyint(size / multiple) * multiple); };
  return to_extent(image, {nearest(scale_height * height), nearest(scale_width * width)}, c);
}

// The long edge as wanted, half pixels rounded up.
Image resize_for_sam(const Image& image, const ImageProcessorConfig& c) {
  if (!c.size.longest_edge || c.size.shortest_edge) refuse_size();
  const auto longest = static_cast<double>(*c.size.longest_edge);
  const double scale = longest / static_cast<double>(std::max(image.height, image.width));
  const auto scaled = [&](int64_t size) { return static_cast<int64_t>(static_cast<double>(size) * scale + 0.5); };
  return to_extent(image, {scaled(image.height), scaled(image.width)}, c);
}

// LLaVA's: a square around the picture, of the mean colour, before it is resized.
Image pad_to_square(const Image& image, const std::vector<double>& colour) {
  const int64_t side = std::max(image.height, image.width);
  if (image.height == image.width) return image;
  check_image_size("image processor", side, side);
  Image square{side, side, std::vector<uint8_t>(static_cast<size_t>(side * side * Image::kChannels))};
  for (size_t i = 0; i < square.pixels.size(); ++i)
    square.pixels[i] = static_cast<uint8_t>(static_cast<int>(colour[i % Image::kChannels] * 255));
  const int64_t top = (side - image.height) / 2, left = (side - image.width) / 2, row = image.width * Image::kChannels;
  for (int64_t y = 0; y < image.height; ++y)
    std::copy_n(image.pixels.begin() + y * row, row,
                square.pixels.begin() + ((y + top) * side + left) * Image::kChannels);
  return square;
}

Image resize_for_llava(const Image& image, const ImageProcessorConfig& c) {
  return resize_plainly(c.do_pad ? pad_to_square(image, c.image_mean) : image, c);
}

// Qwen2-VL's.
Image resize_to_patches(const Image& image, const ImageProcessorConfig& c) {
  if (!c.size.shortest_edge || !c.size.longest_edge) refuse_size();
  const PatchedSize size =
      patched_size(image.height, image.width, c.patch_size * c.merge_size, *c.size.shortest_edge, *c.size.longest_edge);
  return to_extent(image, {size.height, size.width}, c);
}

// Idefics 3's: the longest edge as wanted, the other even; and no longer than any picture may be.
Image resize_longest_edge(const Image& image, const ImageProcessorConfig& c) {
  if (c.size.height && c.size.width) return resize_plainly(image, c);
  if (!c.size.longest_edge) refuse_size();
  constexpr int64_t kLongest = 4096;
  double shape = static_cast<double>(image.width) / static_cast<double>(image.height);
  Extent extent{*c.size.longest_edge, *c.size.longest_edge};
  if (image.width >= image.height) {
    extent.height = static_cast<int64_t>(static_cast<double>(extent.width) / shape);
    extent.height += extent.height % 2;
  } else {
    extent.width = static_cast<int64_t>(static_cast<double>(extent.height) * shape);
    extent.width += extent.width % 2;
  }
  extent = {std::max<int64_t>(extent.height, 1), std::max<int64_t>(extent.width, 1)};
  shape = static_cast<double>(extent.width) / static_cast<double>(extent.height);
  if (extent.width >= extent.height && extent.width > kLongest) {
    extent = {static_cast<int64_t>(static_cast<double>(kLongest) / shape), kLongest};
  } else if (extent.height > extent.width && extent.height > kLongest) {
    extent = {kLongest, static_cast<int64_t>(static_cast<double>(kLongest) * shape)};
  }
  return to_extent(image, {std::max<int64_t>(extent.height, 1), std::max<int64_t>(extent.width, 1)}, c);
}

Image cut(const Image& image, int64_t top, int64_t left, int64_t side) {
  Image part{side, side, {}};
  const int64_t row = side * Image::kChannels;
  part.pixels.reserve(static_cast<size_t>(side * row));
  for (int64_t y = top; y < top + side; ++y) {
    const auto from = image.pixels.begin() + (y * image.width + left) * Image::kChannels;
    part.pixels.insert(part.pixels.end(), from, from + row);
  }
  return part;
}

// To whole tiles, which are cut out; the whole becomes one more of their size.
Tiles split_into_tiles(const Image& image, const ImageProcessorConfig& c) {
  if (!c.max_image_size.longest_edge) refuse_size();
  const int64_t side = *c.max_image_size.longest_edge;
  if (!c.do_image_splitting) return {{to_extent(image, {side, side}, c)}, {}};
  const auto whole_tiles = [&](int64_t size) { return (size + side - 1) / side * side; };
  const double shape = static_cast<double>(image.width) / static_cast<double>(image.height);
  Extent extent{};
  if (image.width >= image.height) {
    extent.width = whole_tiles(image.width);
    extent.height = whole_tiles(static_cast<int64_t>(static_cast<double>(extent.width) / shape));
  } else {
    extent.height = whole_tiles(image.height);
    extent.width = whole_tiles(static_cast<int64_t>(static_cast<double>(extent.height) * shape));
  }
  const Image sized = to_extent(image, extent, c);
  if (extent.height <= side && extent.width <= side) return {{sized}, {}};
  Tiles tiles{{}, {extent.height / side, extent.width / side}};
  for (int64_t top = 0; top < extent.height; top += side) {
    for (int64_t left = 0; left < extent.width; left += side) tiles.pictures.push_back(cut(sized, top, left, side));
  }
  tiles.pictures.push_back(to_extent(sized, {side, side}, c));
  return tiles;
}

#define STEPS R"("do_resize": true, "do_rescale": true, "do_normalize": true, )"
#define HALVES R"("image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5], )"
#define IMAGENET R"("image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225], )"
#define OPENAI \
  R"("image_mean": [0.48145466, 0.4578275, 0.40821073], "image_std": [0.26862954, 0.26130258, 0.27577711], )"
#define CROP_224 R"("do_center_crop": true, "crop_size": {"height": 224, "width": 224}, )"
#define DETECTION \
  R"("resample": 2, "do_pad": true, "size": {"shortest_edge": 800, "longest_edge": 1333}, "default_to_square": false)"
#define TILES                                                          \
  R"("resample": 1, "do_pad": true, "size": {"longest_edge": 1456}, )" \
  R"("do_image_splitting": true, "max_image_size": {"longest_edge": 364})"

constexpr ImageProcessorType kTypes[] = {
    {"ViTImageProcessor", "vit swin", "{" STEPS HALVES R"("resample": 2, "size": {"height": 224, "width": 224}})",
     resize_plainly},
    {"DeiTImageProcessor", "deit", "{" STEPS HALVES CROP_224 R"("resample": 3, "size": {"height": 256, "width": 256}})",
     resize_plainly},
    {"CLIPImageProcessor", "clip",
     "{" STEPS OPENAI CROP_224 R"("resample": 3, "size": {"shortest_edge": 224}, "default_to_square": false})",
     resize_plainly},
    {"BitImageProcessor", "dinov2 bit",
     "{" STEPS OPENAI CROP_224 R"("resample": 3, "size": {"shortest_edge": 224}, "default_to_square": false})",
     resize_plainly},
    {"SiglipImageProcessor", "siglip",
     "{" STEPS HALVES R"("resample": 3, "size": {"height": 224, "width": 224}, "default_to_square": false})",
     resize_plainly},
    {"ConvNextImageProcessor", "convnext resnet",
     "{" STEPS HALVES R"("resample": 3, "size": {"shortest_edge": 384}, "default_to_square": false})",
     resize_for_convnext},
    {"SegformerImageProcessor", "segformer",
     "{" STEPS IMAGENET R"("resample": 2, "size": {"height": 512, "width": 512}})", resize_plainly},
    {"DPTImageProcessor", "depth_anything dpt",
     "{" STEPS HALVES R"("resample": 3, "size": {"height": 384, "width": 384}})", resize_for_dpt},
    {"SamImageProcessor", "sam sam_vision_model",
     "{" STEPS IMAGENET
     R"("resample": 2, "size": {"longest_edge": 1024}, "do_pad": true, "pad_size": {"height": 1024, "width": 1024}})",
     resize_for_sam},
    {"LlavaImageProcessor", "llava",
     "{" STEPS OPENAI CROP_224 R"("resample": 3, "size": {"shortest_edge": 224}, "default_to_square": false})",
     resize_for_llava, false, nullptr, false, true},
    {"BlipImageProcessor", "blip blip-2", "{" STEPS OPENAI R"("resample": 3, "size": {"height": 384, "width": 384}})",
     resize_plainly},
    {"Qwen2VLImageProcessor", "qwen2_vl",
     "{" STEPS OPENAI R"("resample": 3, "size": {"shortest_edge": 3136, "longest_edge": 1003520}})", resize_to_patches,
     false, nullptr, true},
    {"Idefics3ImageProcessor", "idefics3", "{" STEPS HALVES TILES "}", resize_longest_edge, true, split_into_tiles},
    {"SmolVLMImageProcessor", "smolvlm", "{" STEPS HALVES TILES "}", resize_longest_edge, true, split_into_tiles},
    {"DetrImageProcessor", "detr", "{" STEPS IMAGENET DETECTION "}", resize_for_detection, true},
    {"Mask2FormerImageProcessor", "mask2former", "{" STEPS IMAGENET DETECTION R"(, "size_divisor": 32})",
     resize_for_mask2former, true},
    {"YolosImageProcessor", "yolos", "{" STEPS IMAGENET DETECTION "}", resize_for_yolos, true},
};

#undef STEPS
#undef HALVES
#undef IMAGENET
#undef OPENAI
#undef CROP_224
#undef DETECTION
#undef TILES

[[noreturn]] void throw_unknown(std::string_view what, std::string_view name) {
  std::vector<std::string_view> names;
  for (const ImageProcessorType& type : kTypes) names.push_back(type.name);
  throw Error(ErrorKind::kUnsupported, "image processor", fmt::format("no image processor {} \"{}\"", what, name),
              fmt::format("there are {}", fmt::join(names, ", ")));
}

}  // namespace

const ImageProcessorType& image_processor_type(std::string_view name) {
  std::string_view wanted = name;
  for (const std::string_view backend : {"Fast", "Pil"}) {
    if (wanted.ends_with(backend)) wanted.remove_suffix(backend.size());
  }
  // The older name of the same classes.
  std::string current(wanted);
  if (const size_t at = current.find("FeatureExtractor"); at != std::string::npos)
    current.replace(at, std::string::npos, "ImageProcessor");
  for (const ImageProcessorType& type : kTypes) {
    if (type.name == current) return type;
  }
  throw_unknown("of the name", name);
}

const ImageProcessorType& image_processor_type_of_model(std::string_view model_type) {
  for (const ImageProcessorType& type : kTypes) {
    const std::string all = fmt::format(" {} ", type.model_types);
    if (!model_type.empty() && all.find(fmt::format(" {} ", model_type)) != std::string::npos) return type;
  }
  throw_unknown("for the model type", model_type);
}

}  // namespace imago
