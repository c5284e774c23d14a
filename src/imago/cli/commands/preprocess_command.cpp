#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "imago/auto/auto_model.h"
#include "imago/base/error.h"
#include "imago/base/file.h"
#include "imago/base/json.h"
#include "imago/cli/command.h"
#include "imago/cli/options.h"
#include "imago/io/safetensors.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/processors/audio/feature_extractor.h"
#include "imago/processors/image/decode.h"
#include "imago/processors/image/image_processor.h"

namespace imago {
namespace {

// In the order of their numbers.
constexpr std::array kFilters = {"nearest", "lanczos", "bilinear", "bicubic", "box", "hamming"};

Tensor as_tensor(const Image& image) {
  return Tensor::from(image.pixels, {image.height, image.width, Image::kChannels});
}

class PreprocessCommand final : public cli::Command {
 public:
  std::string name() const override { return "preprocess"; }
  std::string description() const override {
    return "write what a model is given of pictures or sounds, or with no model their pixels, as safetensors";
  }
  std::string example() const override {
    return "imago preprocess photo.jpg -m google/vit-base-patch16-224 -o photo.safetensors";
  }

  void add_options(cli::Options& options) override {
    options.option("files", files_, "JPEG, PNG, WebP or GIF files; for a model that hears WAV, FLAC, MP3 or OGG")
        .required();
    options.option("-m,--model", model_, "a checkpoint's folder or Hub id, whose preprocessor_config.json counts");
    options.option("--height", height_, "with no model: resize to this height").positive();
    options.option("--width", width_, "with no model: resize to this width").positive();
    options.option("--filter", filter_, "with no model: how to resize").one_of({kFilters.begin(), kFilters.end()});
    options.option("-o,--output", output_, "the file to write");
    options.flag("--as-stored", as_stored_, "leave EXIF orientations alone");
    options.flag("--json", json_, "print one JSON document with the tensors' shapes");
  }

  int run() override {
    NamedTensors tensors = hears() ? of_sounds() : of_pictures();
    if (!output_.empty()) save_safetensors(output_, tensors);
    report(tensors);
    return 0;
  }

 private:
  bool hears() const {
    if (model_.empty()) return false;
    const std::string path = resolve_checkpoint(model_) + "/preprocessor_config.json";
    return std::filesystem::exists(path) && read_json(path).contains("feature_extractor_type");
  }

  NamedTensors of_sounds() const {
    const auto extractor = AudioFeatureExtractor::from_folder(resolve_checkpoint(model_));
    std::vector<Audio> sounds;
    for (const std::string& file : files_) sounds.push_back(load_audio(file, extractor->sampling_rate()));
    const TensorMap features = extractor->extract(sounds);
    return {features.begin(), features.end()};
  }

  NamedTensors of_pictures() const {
    std::vector<Image> images;
    for (const std::string& file : files_) images.push_back(load(file));
    NamedTensors tensors;
    if (!model_.empty()) {
      const ImageFeatures features = ImageProcessor::from_folder(resolve_checkpoint(model_))(images);
      const bool in_rows = !features.tiles.empty();  // of the models that take rows of pictures: one row
      tensors.emplace_back("pixel_values", in_rows ? unsqueeze(features.pixel_values, 0) : features.pixel_values);
      if (features.pixel_mask && in_rows) {
        tensors.emplace_back("pixel_attention_mask", unsqueeze(features.pixel_mask, 0));
      } else if (features.pixel_mask) {
        tensors.emplace_back("pixel_mask", features.pixel_mask);
      }
      if (features.image_grid_thw) tensors.emplace_back("image_grid_thw", features.image_grid_thw);
    } else {
      for (size_t i = 0; i < images.size(); ++i)
        tensors.emplace_back(fmt::format("pixels.{}", i), as_tensor(images[i]));
    }
    return tensors;
  }

  Image load(const std::string& file) const {
    const ErrorScope scope(file);
    Image image = as_stored_ ? decode_image(MappedFile::open(file).bytes()) : load_image(file);
    if (height_ == 0 && width_ == 0) return image;
    const auto filter = std::find(kFilters.begin(), kFilters.end(), filter_) - kFilters.begin();
    return resize(image, height_ > 0 ? height_ : image.height, width_ > 0 ? width_ : image.width,
                  static_cast<Resample>(filter));
  }

  void report(const NamedTensors& tensors) const {
    Json shapes = Json::object();
    for (const auto& [name, tensor] : tensors) {
      if (!json_) fmt::print("{}  {}\n", name, tensor.describe());
      shapes[name] = std::vector<int64_t>(tensor.shape().begin(), tensor.shape().end());
    }
    if (json_) fmt::print("{}\n", dump_json({{"files", files_}, {"shapes", shapes}}, 2));
  }

  std::vector<std::string> files_;
  std::string model_, output_, filter_ = "bicubic";
  int64_t height_ = 0, width_ = 0;
  bool as_stored_ = false, json_ = false;
};

}  // namespace

void register_preprocess_command(CommandTable& table) { table.add(std::make_unique<PreprocessCommand>()); }

}  // namespace imago
