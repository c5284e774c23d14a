#include "imago/export/quantize_folder.h"

#include <fmt/format.h>

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
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
#include "imago/ops/contiguous/contiguous.h"
#include "imago/tensor/encoded_matrix.h"

namespace imago {
namespace {

namespace fs = std::filesystem;
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
    if (is_weight_file(path) || path.filename().string().starts_with(".")) continue;
    if (entry.is_directory()) {
      fs::create_directories(to / path.filename());
      copy_companions(path, to / path.filename());
    } else if (entry.is_regular_file()) {
      write_file_atomically((to / path.filename()).string(), read_file(path.string()));
    }
  }
}

}  // namespace

QuantizeReport quantize_folder(const std::string& from, const std::string& to, const std::string& method,
                               const std::function<void(size_t, size_t)>& progress) {
  const HubFormat* const format = find_hub_format(method);
  if (format == nullptr) {
    std::vector<std::string_view> names;
    for (const HubFormat& each : hub_formats()) names.push_back(each.name);
    throw Error(ErrorKind::kUnsupported, kWhere, fmt::format("{} is no method for folders of the Hub", method),
                fmt::format("these are: {}; GGUF files (.gguf) have others", fmt::join(names, ", ")));
  }
  std::error_code ignored;
  if (fs::equivalent(from, to, ignored)) {
    throw Error(ErrorKind::kInvalidArgument, kWhere, "the model would overwrite itself", "name another folder");
  }
  const ErrorScope scope(from);
  const auto model = model_from_pretrained(from);
  std::map<std::string, bool> chosen;  // by the path of the weight
  std::vector<std::string> kept;
  for (const LinearLayer& layer : linear_layers(*model)) chosen[layer.path + ".weight"] = !layer.is_head;

  QuantizeReport report;
  NamedTensors tensors;
  const std::vector<StoredParameter> parameters = stored_parameters(*model);
  const WeightMap map = model->weight_map();
  size_t done = 0;
  for (const auto& [path, name, parameter] : parameters) {
    const ErrorScope layer_scope(name);
    const auto found = chosen.find(path);
    const bool fits = found != chosen.end() && found->second && format->fits(parameter.shape());
    const std::string layer = name.substr(0, name.rfind('.'));
    if (found != chosen.end() && !fits) kept.push_back(layer);
    const size_t first = tensors.size();
    if (fits) {
      format->encode(layer, decode(parameter), tensors);
    } else {
      tensors.emplace_back(name, contiguous(to_checkpoint_layout(map, path, decode(parameter))));
    }
    const std::string stored = fits ? method : std::string(to_string(parameter.dtype()));
    for (size_t i = first; i < tensors.size(); ++i) report.bytes_after += tensors[i].second.nbytes();
    report.bytes_before += parameter.numel() * size_of(parameter.dtype());
    report.weights += parameter.numel();
    ++report.tensors_by_format[stored];
    report.weights_by_format[stored] += parameter.numel();
    if (progress) progress(++done, parameters.size());
  }
  if (report.tensors_by_format.count(method) == 0) {
    throw Error(ErrorKind::kUnsupported, kWhere, fmt::format("no linear layer's sizes suit {}", method));
  }

  Json config = read_checkpoint_config(from);
  config["quantization_config"] = format->config(kept);
  save_checkpoint(to, tensors);
  if (fs::is_directory(from)) copy_companions(from, to);
  write_file_atomically(to + "/config.json", dump_json(config, 2) + "\n");
  return report;
}

}  // namespace imago
