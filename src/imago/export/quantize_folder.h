// Folders of the Hub with their linear layers in fewer bits, as the Hub has them.
#pragma once

#include <functional>
#include <string>

#include "imago/export/quantize.h"

namespace imago {

// Writes the model of `from` (a folder, or a GGUF file) to the folder `to` by a method of the Hub (hub_formats): its
// linear layers but the head's, whatever else the model has as it is, quantization_config in config.json, and the other
// files of the folder. What the folder `from` has quantized is decoded first. `progress` is called with the number of
// layers done and of all.
// Throws Error kInvalidArgument where `to` is `from`, kUnsupported for a method or a model that is not known; what
// loading throws; kIo.
QuantizeReport quantize_folder(const std::string& from, const std::string& to, const std::string& method,
                               const std::function<void(size_t done, size_t total)>& progress = {});

}  // namespace imago
