#include "imago/export/quantize_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "imago/auto/auto_model.h"
#include "imago/auto/load_weights.h"
#include "imago/base/error.h"
#include "imago/base/file.h"
#include "imago/base/json.h"
#include "imago/export/hub_format.h"
#include "imago/export/linear_layers.h"
#include "imago/io/checkpoint.h"
#include "imago/io/save_checkpoint.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/contiguous/contiguous.h"
#include "imago/tensor/encoded_matrix.h"

namespace imago {
namespace {

namespace fs = std::filesystem;
using Progress = std::function<void(size_t, size_t)>;
constexpr const char* kWhere = "quantize";

bool is_weight_file(const fs::path& path) {
  const std::string name = path.filename().string(), extension = path.extension().string();
  constexpr std::string_view kExtensions[] = {".safetensors", ".bin", ".gguf", ".pt",     ".pth",
                                              ".h5",          ".ot",  ".onnx", ".msgpack"};
  return name.ends_with(".index.json") || std::any_of(std::begin(kExtensions), std::end(kExtensions),
                                                      [&](std::string_view other) { return extension == other; });
}

// Tokenizer, templates, generation settings: all but weights.
void copy_companions(const fs::path& from, const fs::path& to) {
  for (const auto& entry : fs::directory_iterator(from)) {
    const fs::path& path = entry.path();
    const std::string name = path.filename().string();
    if (is_weight_file(path) || name.starts_with(".") || name.starts_with("checkpoint-"))
      continue;  // of a training run
    if (entry.is_directory()) {
      fs::create_directories(to / path.filename());
      copy_companions(path, to / path.filename());
    } else if (entry.is_regular_file()) {
      write_file_atomically((to / path.filename()).string(), read_file(path.string()));
    }
  }
}

// Methods that store every weight in one type.
constexpr std::pair<std::string_view, DType> kPlain[] = {
    {"f32", DType::f32}, {"f16", DType::f16}, {"bf16", DType::bf16}};

std::optional<DType> plain_type(const std::string& method) {
  for (const auto& [name, dtype] : kPlain) {
    if (name == method) return dtype;
  }
  return std::nullopt;
}

[[noreturn]] void throw_unknown(const std::string& method) {
  std::vector<std::string_view> names;
  for (const auto& [name, dtype] : kPlain) names.push_back(name);
  for (const HubFormat& each : hub_formats()) names.push_back(each.name);
  for (const CalibratedFormat& each : calibrated_formats()) names.push_back(each.name);
  throw Error(ErrorKind::kUnsupported, kWhere, fmt::format("{} is no method for folders of the Hub", method),
              fmt::format("these are: {}; GGUF files (.gguf) have others", fmt::join(names, ", ")));
}

// A model whose layers are stored by a method, and what is told of it.
class FolderQuantizer {
 public:
  FolderQuantizer(const std::string& from, const std::string& method, const QuantizeFolderOptions& options)
      : method_(method),
        options_(options),
        format_(find_hub_format(method)),
        calibrated_(find_calibrated_format(method)),
        model_(model_from_pretrained(from)),
        layers_(linear_layers(*model_)) {}

  void run(const Progress& progress) {
    if (calibrated_ != nullptr) {
      calibrate(progress);
    } else {
      for (const LinearLayer& layer : layers_) {
        if (!layer.is_head && format_->fits(parameter_of(*model_, layer.path + ".weight").shape())) {
          chosen_.insert(layer.path + ".weight");
        }
      }
    }
    if (chosen_.empty()) {
      throw Error(ErrorKind::kUnsupported, kWhere, fmt::format("no linear layer's sizes suit {}", method_));
    }
    collect(progress);
  }

  Json config() const {
    return calibrated_ != nullptr ? calibrated_->config(options_.calibrated, kept_) : format_->config(kept_);
  }
  const NamedTensors& tensors() const { return tensors_; }
  const QuantizeReport& report() const { return report_; }

 private:
  void calibrate(const Progress& progress) {
    if (options_.calibration.ids.empty()) {
      throw Error(ErrorKind::kInvalidArgument, kWhere, fmt::format("{} needs a text to be calibrated with", method_));
    }
    if (options_.calibrated.group_size == 0) options_.calibrated.group_size = common_group();
    CalibratedRun run{*model_, layers_, {}, options_.calibration, options_.calibrated, {}, {}};
    for (const LinearLayer& layer : layers_) {
      const Tensor& weight = parameter_of(*model_, layer.path + ".weight");
      if (layer.is_head || !calibrated_->fits(weight.shape(), options_.calibrated)) continue;
      run.chosen.push_back(layer.path);
      chosen_.insert(layer.path + ".weight");
    }
    size_t done = 0;
    run.layer_done = [&] {
      if (progress) progress(++done, run.chosen.size());
    };
    calibrated_->run(run);
    made_ = std::move(run.made);
  }

  // The largest size of groups that every layer's inputs are a multiple of; 32, which most are, where there is none.
  int64_t common_group() const {
    for (const int64_t size : {128, 64, 32}) {
      if (std::all_of(layers_.begin(), layers_.end(), [&](const LinearLayer& layer) {
            return layer.is_head || parameter_of(*model_, layer.path + ".weight").size(1) % size == 0;
          })) {
        return size;
      }
    }
    return 32;
  }

  void collect(const Progress& progress) {
    const std::vector<StoredParameter> parameters = stored_parameters(*model_);
    const WeightMap map = model_->weight_map();
    size_t done = 0;
    for (const auto& [path, name, parameter] : parameters) {
      const ErrorScope scope(name);
      const size_t first = tensors_.size();
      const std::string layer = name.substr(0, name.rfind('.'));
      if (!chosen_.contains(path)) {
        if (is_linear(path)) kept_.push_back(layer);
        tensors_.emplace_back(name, contiguous(to_checkpoint_layout(map, path, decode(parameter))));
      } else if (calibrated_ != nullptr) {
        for (const auto& [suffix, tensor] : made_.at(path.substr(0, path.rfind('.')))) {
          tensors_.emplace_back(layer + suffix, tensor);
        }
      } else {
        format_->encode(layer, decode(parameter), tensors_);
        if (progress) progress(++done, chosen_.size());
      }
      const std::string stored = chosen_.contains(path) ? method_ : std::string(to_string(parameter.dtype()));
      for (size_t i = first; i < tensors_.size(); ++i) report_.bytes_after += tensors_[i].second.nbytes();
      report_.bytes_before += parameter.numel() * size_of(parameter.dtype());
      report_.weights += parameter.numel();
      ++report_.tensors_by_format[stored];
      report_.weights_by_format[stored] += parameter.numel();
    }
  }

  bool is_linear(const std::string& path) const {
    return std::any_of(layers_.begin(), layers_.end(),
                       [&](const LinearLayer& layer) { return layer.path + ".weight" == path; });
  }

  std::string method_;
  QuantizeFolderOptions options_;
  const HubFormat* format_;
  const CalibratedFormat* calibrated_;
  std::unique_ptr<Model> model_;
  std::vector<LinearLayer> layers_;
  std::set<std::string> chosen_;   // weights, by their paths
  std::vector<std::string> kept_;  // linear layers, by their names in the checkpoint
  std::map<std::string, NamedTensors> made_;
  NamedTensors tensors_;
  QuantizeReport report_;
};

// What is written, and the config.json beside it.
struct Folder {
  NamedTensors tensors;
  Json config;
  QuantizeReport report;
};

Folder in_plain_type(const std::string& from, DType dtype) {
  const std::unique_ptr<Model> model = model_from_pretrained(from);
  const WeightMap map = model->weight_map();
  Folder folder{.tensors = {}, .config = read_checkpoint_config(from), .report = {}};
  for (const auto& [path, name, parameter] : stored_parameters(*model)) {
    const ErrorScope scope(name);
    const Tensor value = to_checkpoint_layout(map, path, decode(parameter));
    folder.tensors.emplace_back(name, contiguous(is_floating_point(value.dtype()) ? cast(value, dtype) : value));
    folder.report.bytes_before += parameter.numel() * size_of(parameter.dtype());
    folder.report.bytes_after += folder.tensors.back().second.nbytes();
    folder.report.weights += parameter.numel();
    const std::string stored(to_string(folder.tensors.back().second.dtype()));
    ++folder.report.tensors_by_format[stored];
    folder.report.weights_by_format[stored] += parameter.numel();
  }
  folder.config.erase("quantization_config");
  folder.config.erase("torch_dtype");  // the older name
  folder.config["dtype"] = std::string(to_string(dtype));
  return folder;
}

Folder in_fewer_bits(const std::string& from, const std::string& method, const QuantizeFolderOptions& options,
                     const Progress& progress) {
  FolderQuantizer quantizer(from, method, options);
  quantizer.run(progress);
  Json config = read_checkpoint_config(from);
  config["quantization_config"] = quantizer.config();
  return {quantizer.tensors(), std::move(config), quantizer.report()};
}

}  // namespace

QuantizeReport quantize_folder(const std::string& from, const std::string& to, const std::string& method,
                               const QuantizeFolderOptions& options, const Progress& progress) {
  const std::optional<DType> plain = plain_type(method);
  if (!plain && find_hub_format(method) == nullptr && find_calibrated_format(method) == nullptr) throw_unknown(method);
  std::error_code ignored;
  if (fs::equivalent(from, to, ignored)) {
    throw Error(ErrorKind::kInvalidArgument, kWhere, "the model would overwrite itself", "name another folder");
  }
  const ErrorScope scope(from);
  const Folder folder = plain ? in_plain_type(from, *plain) : in_fewer_bits(from, method, options, progress);
  save_checkpoint(to, folder.tensors);
  if (fs::is_directory(from)) copy_companions(from, to);
  write_file_atomically(to + "/config.json", dump_json(folder.config, 2) + "\n");
  return folder.report;
}

}  // namespace imago
