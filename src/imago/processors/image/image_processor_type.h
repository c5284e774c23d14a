// The kinds of image processors, each a row of a table: the reference's class of that name with its defaults.
#pragma once

#include <string_view>

#include "imago/processors/image/image_processor.h"

namespace imago {

// A picture cut into tiles, row by row, and the whole of it behind them.
struct Tiles {
  std::vector<Image> pictures;
  TileGrid grid;
};

struct ImageProcessorType {
  std::string_view name;         // "ViTImageProcessor"; the file may have it with "Fast" or "Pil" behind it
  std::string_view model_types;  // whose checkpoints it is for where the file does not name it; separated by spaces
  std::string_view defaults;     // as preprocessor_config.json
  Image (*resize)(const Image&, const ImageProcessorConfig&);
  bool gives_mask = false;  // whether the model is told where padding is
  // Of those that make several pictures of one.
  Tiles (*split)(const Image&, const ImageProcessorConfig&) = nullptr;
  bool patches = false;      // whether the model takes patches in a row, and `size` counts pixels of the whole
  bool pads_itself = false;  // whether do_pad is a part of `resize`
};

// Throw Error kUnsupported naming the kinds there are.
const ImageProcessorType& image_processor_type(std::string_view name);
const ImageProcessorType& image_processor_type_of_model(std::string_view model_type);

}  // namespace imago
