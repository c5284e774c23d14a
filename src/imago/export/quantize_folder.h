// Folders of the Hub with their linear layers in fewer bits, as the Hub has them.
#pragma once

#include <functional>
#include <string>

#include "imago/export/calibrated_format.h"
#include "imago/export/quantize.h"

namespace imago {

struct QuantizeFolderOptions {
  CalibrationText calibration;  // what the methods that need it read (calibrated_formats)
  CalibratedOptions calibrated;
};

// Writes the model of `from` (a folder, or a GGUF file) to the folder `to`. By "f32", "f16" or "bf16" every weight is
// stored in this type. By a method of the Hub (hub_formats and calibrated_formats) its linear layers but the head's
// are, whatever else the model has stays as it is, and config.json has a quantization_config. The other files of the
// folder are copied. What the folder `from` has quantized is decoded first. `progress` is called with the number of
// layers done and of all. With calibration, memory is taken for the inputs of one layer and for what is written. Throws
// Error kInvalidArgument where `to` is `from`, kUnsupported for a method or a model that is not known; what loading
// throws; kIo.
QuantizeReport quantize_folder(const std::string& from, const std::string& to, const std::string& method,
                               const QuantizeFolderOptions& options = {},
                               const std::function<void(size_t done, size_t total)>& progress = {});

}  // namespace imago
