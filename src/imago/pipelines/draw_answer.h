// What a pipeline found in a picture, drawn on it.
#pragma once

#include <string_view>

#include "imago/base/json.h"
#include "imago/processors/image/image.h"

namespace imago {

// Whether the answers of a task can be drawn.
bool can_draw(std::string_view task);

// Boxes of object-detection, masks of image-segmentation and mask-generation, with their labels; of depth-estimation
// the picture beside its depth, what is near in bright colours. A small picture is enlarged first. Throws Error
// kUnsupported for another task.
Image draw_answer(std::string_view task, const Image& image, const Json& answer);

}  // namespace imago
