// AutoModelForImageTextToText: models that read texts with pictures in them, by name.
#pragma once

#include "imago/auto/auto_model.h"
#include "imago/nn/image_text_to_text.h"

namespace imago {

namespace auto_class {
inline constexpr char kImageTextToText[] = "AutoModelForImageTextToText";
}  // namespace auto_class

using AutoModelForImageTextToText = AutoModelFor<auto_class::kImageTextToText, ImageTextToText>;

}  // namespace imago
