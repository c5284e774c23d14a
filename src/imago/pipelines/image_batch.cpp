#include "imago/pipelines/image_batch.h"

#include <algorithm>
#include <filesystem>

#include "imago/base/error.h"
#include "imago/ops/cast/cast.h"
#include "imago/processors/image/decode.h"

namespace imago {

DType floating_dtype_of(Model& model) {
  std::optional<DType> dtype;
  for_each_parameter(model, [&](const std::string&, Tensor& tensor) {
    if (!dtype && is_floating_point(tensor.dtype())) dtype = tensor.dtype();
  });
  return dtype.value_or(DType::f32);
}

Image read_image(const PipelineInput& input) { return input.image ? *input.image : load_image(input.text); }

Image read_image(const PictureInput& picture) { return picture.image ? *picture.image : load_image(picture.file); }

std::vector<PictureInput> video_pictures(const std::string& folder) {
  namespace fs = std::filesystem;
  if (!fs::is_directory(folder)) {
    throw Error(fs::exists(folder) ? ErrorKind::kUnsupported : ErrorKind::kNotFound, folder,
                "a video is a folder of pictures: its files are not decoded here",
                "cut it into pictures, as with ffmpeg -i video.mp4 -vf fps=2 folder/%05d.png");
  }
  std::vector<std::string> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.is_regular_file() && !entry.path().filename().string().starts_with('.'))
      files.push_back(entry.path().string());
  }
  if (files.empty()) throw Error(ErrorKind::kNotFound, folder, "there is no picture in the folder");
  std::sort(files.begin(), files.end());
  return {files.begin(), files.end()};
}

ImageInputs inputs_of(const ImageFeatures& features) {
  ImageInputs in;
  in.pixel_values = features.pixel_values;
  return in;
}

void for_each_image_batch(const PipelineModel& model, std::span<const PipelineInput> inputs, int64_t batch_size,
                          const ImageBatchFunction& body) {
  const DType dtype = floating_dtype_of(*model.model);
  for (size_t first = 0; first < inputs.size(); first += static_cast<size_t>(batch_size)) {
    const size_t count = std::min(inputs.size() - first, static_cast<size_t>(batch_size));
    std::vector<Image> images;
    for (const PipelineInput& input : inputs.subspan(first, count)) images.push_back(read_image(input));
    ImageFeatures features = (*model.image_processor)(images);
    features.pixel_values = cast(features.pixel_values, dtype);
    body(first, images, features);
  }
}

}  // namespace imago
