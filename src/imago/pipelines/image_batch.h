// Pictures on their way into models.
#pragma once

#include <functional>
#include <span>

#include "imago/nn/image_model.h"
#include "imago/pipelines/pipeline_task.h"
#include "imago/processors/image/image.h"

namespace imago {

// What an input holds, or the file that it names, upright.
Image read_image(const PipelineInput& input);
Image read_image(const PictureInput& picture);

// The dtype of the model's parameters, in which it takes pictures.
DType floating_dtype_of(Model& model);

ImageInputs inputs_of(const ImageFeatures& features);

// Reads and prepares `batch_size` pictures at a time, and calls body(the first one's index, the pictures as they were
// read, what the model takes of them, in its dtype).
using ImageBatchFunction =
    std::function<void(size_t first, std::span<const Image> images, const ImageFeatures& features)>;
void for_each_image_batch(const PipelineModel& model, std::span<const PipelineInput> inputs, int64_t batch_size,
                          const ImageBatchFunction& body);

}  // namespace imago
