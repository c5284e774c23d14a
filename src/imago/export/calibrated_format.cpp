#include "imago/export/calibrated_format.h"

#include <algorithm>

#include "imago/base/error.h"

namespace imago {

const std::vector<CalibratedFormat>& calibrated_formats() {
  static const std::vector<CalibratedFormat> formats = {gptq_format(), awq_format()};
  return formats;
}

const CalibratedFormat* find_calibrated_format(std::string_view name) {
  const auto& formats = calibrated_formats();
  const auto found =
      std::find_if(formats.begin(), formats.end(), [&](const CalibratedFormat& f) { return f.name == name; });
  return found == formats.end() ? nullptr : &*found;
}

Tensor& parameter_of(Model& model, const std::string& path) {
  Tensor* found = nullptr;
  for_each_parameter(model, [&](const std::string& name, Tensor& parameter) {
    if (name == path) found = &parameter;
  });
  if (found == nullptr) throw Error(ErrorKind::kInternal, "calibration", "there is no parameter " + path);
  return *found;
}

}  // namespace imago
