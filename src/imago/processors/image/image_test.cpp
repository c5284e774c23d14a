// Against Pillow and the reference's image processors: testdata/ is written by tools/images/write_testdata.py, and
// tools/images/compare.py does the same with files of one's own.
#include "imago/processors/image/image.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "imago/base/error.h"
#include "imago/base/file.h"
#include "imago/base/json.h"
#include "imago/io/safetensors.h"
#include "imago/processors/image/decode.h"
#include "imago/processors/image/image_processor.h"

namespace imago {
namespace {

namespace fs = std::filesystem;

const std::string kData = IMAGO_SOURCE_DIR "/src/imago/processors/image/testdata/";

const SafetensorsFile& expected() {
  static const SafetensorsFile file = SafetensorsFile::open(kData + "expected.safetensors");
  return file;
}

Image as_image(const Tensor& tensor) { return {tensor.size(0), tensor.size(1), tensor.to_vector<uint8_t>()}; }

void expect_image(const Image& image, const std::string& name) {
  const Image wanted = as_image(expected().tensor(name));
  EXPECT_EQ(image.height, wanted.height) << name;
  EXPECT_EQ(image.width, wanted.width) << name;
  EXPECT_TRUE(image.pixels == wanted.pixels) << name;
}

TEST(DecodeImage, IsPillows) {
  int files = 0;
  for (const auto& entry : fs::directory_iterator(kData)) {
    const std::string name = entry.path().filename().string();
    if (!expected().contains("stored." + name)) continue;
    ++files;
    expect_image(decode_image(MappedFile::open(entry.path().string()).bytes()), "stored." + name);
    expect_image(load_image(entry.path().string()), "upright." + name);
  }
  EXPECT_EQ(files, 32);
}

TEST(DecodeImage, RefusesDamagedFiles) {
  int files = 0;
  for (const auto& entry : fs::directory_iterator(kData)) {
    if (!entry.path().filename().string().starts_with("damaged")) continue;
    ++files;
    EXPECT_THROW(load_image(entry.path().string()), Error) << entry.path();
  }
  EXPECT_EQ(files, 6);
}

ErrorKind kind_of_failure(std::string_view bytes, const ImageLimits& limits = {}) {
  try {
    decode_image(std::as_bytes(std::span(bytes)), limits);
  } catch (const Error& error) {
    return error.kind();
  }
  ADD_FAILURE() << "no error";
  return ErrorKind::kInternal;
}

TEST(DecodeImage, ChecksLimitsBeforeItDecodes) {
  EXPECT_EQ(kind_of_failure(read_file(kData + "damaged_huge.png")), ErrorKind::kLimitExceeded);
  for (const char* name : {"rgb.jpg", "rgb.png", "lossy.webp", "gray.gif"}) {
    EXPECT_EQ(kind_of_failure(read_file(kData + name), {.pixels = 50}), ErrorKind::kLimitExceeded) << name;
    EXPECT_EQ(kind_of_failure(read_file(kData + name), {.bytes = 50}), ErrorKind::kLimitExceeded) << name;
  }
}

TEST(DecodeImage, NamesWhatItDoesNotKnow) { EXPECT_EQ(kind_of_failure("BM......"), ErrorKind::kUnsupported); }

TEST(ResizeImage, IsPillows) {
  const Image picture = as_image(expected().tensor("picture"));
  const char* filters[] = {"nearest", "lanczos", "bilinear", "bicubic", "box", "hamming"};
  for (int number = 0; number < 6; ++number) {
    for (const auto& [height, width] : {std::pair(5, 9), std::pair(40, 31), std::pair(29, 12), std::pair(3, 60)}) {
      const std::string name =
          std::string("resized.") + filters[number] + "." + std::to_string(height) + "." + std::to_string(width);
      expect_image(resize(picture, height, width, static_cast<Resample>(number)), name);
    }
  }
  EXPECT_THROW(resize(picture, 0, 3, Resample::kBox), Error);
  EXPECT_THROW(resize(picture, 1 << 20, 1 << 20, Resample::kNearest), Error);
}

TEST(ImageProcessor, IsTheReferences) {
  const Image picture = as_image(expected().tensor("picture"));
  const std::vector<Image> pictures = {picture, rotate_by_orientation(picture, 4)};
  const Json configs = read_json(kData + "processors.json");
  for (size_t i = 0; i < configs.size(); ++i) {
    const ImageFeatures features = ImageProcessor::from_json(configs.at(i))(pictures);
    const std::string name = "processor." + std::to_string(i) + ".";
    const Tensor wanted = expected().tensor(name + "pixel_values");
    EXPECT_TRUE(features.pixel_values.shape() == wanted.shape()) << name << wanted.describe();
    EXPECT_TRUE(features.pixel_values.to_vector<float>() == wanted.to_vector<float>()) << name;
    ASSERT_EQ(features.pixel_mask.defined(), expected().contains(name + "pixel_mask")) << name;
    if (!features.pixel_mask) continue;
    EXPECT_EQ(features.pixel_mask.to_vector<int64_t>(), expected().tensor(name + "pixel_mask").to_vector<int64_t>());
  }
}

ErrorKind config_failure(const char* json) {
  try {
    ImageProcessor::from_json(parse_json(json, "test"), "vit");
  } catch (const Error& error) {
    return error.kind();
  }
  ADD_FAILURE() << json;
  return ErrorKind::kInternal;
}

TEST(ImageProcessor, RefusesWhatItDoesNotCompute) {
  EXPECT_EQ(config_failure(R"({"do_flip_channel_order": true})"), ErrorKind::kUnsupported);
  EXPECT_EQ(config_failure(R"({"image_processor_type": "LevitImageProcessor"})"), ErrorKind::kUnsupported);
  EXPECT_EQ(config_failure(R"({"size": {"min_pixels": 3, "max_pixels": 5}})"), ErrorKind::kUnsupported);
  EXPECT_EQ(config_failure(R"({"resample": 9})"), ErrorKind::kUnsupported);
  EXPECT_EQ(config_failure(R"({"size": 0})"), ErrorKind::kInvalidFile);
  EXPECT_EQ(config_failure(R"({"image_mean": [0.5]})"), ErrorKind::kInvalidFile);
  EXPECT_EQ(config_failure(R"({"do_resize": "yes"})"), ErrorKind::kInvalidFile);
  EXPECT_EQ(config_failure("[]"), ErrorKind::kInvalidFile);
  EXPECT_EQ(ImageProcessor::from_json(Json::object(), "vit").config().size.height, 224);
}

TEST(ImageProcessor, DoesNotMixSizes) {
  const Image picture = as_image(expected().tensor("picture"));
  const std::vector<Image> pictures = {picture, rotate_by_orientation(picture, 6)};
  const Json json = parse_json(R"({"do_resize": false})", "test");
  EXPECT_THROW(ImageProcessor::from_json(json, "vit")(pictures), Error);
  EXPECT_THROW(ImageProcessor::from_json(json, "vit")({}), Error);
}

}  // namespace
}  // namespace imago
