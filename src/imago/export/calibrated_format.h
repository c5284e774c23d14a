// The Hub's methods that look at what goes into layers: GPTQ and AWQ.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "imago/base/json.h"
#include "imago/export/calibration.h"
#include "imago/io/tensor_file.h"

namespace imago {

// By the names of the Hub's configurations.
struct CalibratedOptions {
  int64_t bits = 4;        // of gptq: 2, 3, 4 or 8
  int64_t group_size = 0;  // 32, 64 or 128; 0: the largest that all layers' inputs are multiples of
  bool sym = true;         // of gptq
  bool desc_act = false;   // of gptq
};

// A model whose layers are rounded one block after another, each with inputs that the rounded ones before it give.
struct CalibratedRun {
  Model& model;  // its rounded layers take the places of the plain ones
  const std::vector<LinearLayer>& all;
  std::vector<std::string> chosen;  // paths of the layers to be rounded
  CalibrationText text;
  CalibratedOptions options;
  std::function<void()> layer_done;
  // What each layer is stored as, by suffixes of its name (".qweight").
  std::map<std::string, NamedTensors> made;
};

struct CalibratedFormat {
  std::string_view name;  // of a --method
  // Whether a weight of the shape can be stored so; others are kept.
  bool (*fits)(const Shape& shape, const CalibratedOptions& options);
  // Throws Error kUnsupported for a model that the method does not know how to treat, and what running it throws.
  void (*run)(CalibratedRun& run);
  Json (*config)(const CalibratedOptions& options, const std::vector<std::string>& kept);
};

const std::vector<CalibratedFormat>& calibrated_formats();
// Null where there is none of the name.
const CalibratedFormat* find_calibrated_format(std::string_view name);

// For the formats' own files: the parameter of a path. Throws Error kInternal where there is none.
Tensor& parameter_of(Model& model, const std::string& path);

CalibratedFormat gptq_format();
CalibratedFormat awq_format();

}  // namespace imago
