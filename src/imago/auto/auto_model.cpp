#include "imago/auto/auto_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "imago/auto/load_weights.h"
#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/io/checkpoint.h"
#include "imago/io/gguf_file.h"
#include "imago/io/hub_cache.h"
#include "imago/io/quantized_checkpoint.h"

namespace imago {

void register_all_models(Registry& registry);
void register_all_gguf(GgufArchitectures& architectures);

namespace {

// A whole checkpoint in one file, rather than a folder.
bool is_gguf(const std::string& path) {
  std::error_code ignored;
  return path.ends_with(".gguf") && std::filesystem::is_regular_file(path, ignored);
}

// A class may also be named itself: some heads of the reference have no auto class.
bool serves(const Registry::Entry& entry, std::string_view auto_class) {
  return entry.architecture == auto_class ||
         std::find(entry.auto_classes.begin(), entry.auto_classes.end(), auto_class) != entry.auto_classes.end();
}

std::string string_at(const Json& config, const char* key) {
  const auto found = config.find(key);
  return found != config.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::vector<std::string> architectures_of(const Json& config) {
  const auto found = config.find("architectures");
  std::vector<std::string> names;
  if (found == config.end() || !found->is_array()) return names;
  for (const Json& name : *found) {
    if (name.is_string()) names.push_back(name.get<std::string>());
  }
  return names;
}

[[noreturn]] void throw_unknown(const Json& config, std::string_view auto_class) {
  const std::string model_type = string_at(config, "model_type");
  std::vector<std::string> known, heads;
  for (const Registry::Entry& entry : registry().entries()) {
    if (known.empty() || known.back() != entry.model_type) known.push_back(entry.model_type);
    if (entry.model_type == model_type) heads.push_back(entry.architecture);
  }
  if (heads.empty()) {
    throw Error(ErrorKind::kUnsupported, "auto", fmt::format("this build has no model type \"{}\"", model_type),
                fmt::format("it has {}", fmt::join(known, ", ")));
  }
  const std::string wanted =
      auto_class.empty() ? fmt::format("{}", fmt::join(architectures_of(config), ", ")) : std::string(auto_class);
  throw Error(ErrorKind::kUnsupported, "auto", fmt::format("model type \"{}\" has no {}", model_type, wanted),
              fmt::format("it has {}", fmt::join(heads, ", ")));
}

// By the class that the checkpoint names, if it serves the wanted head; else by model type and head.
const Registry::Entry& find_entry(const Json& config, std::string_view auto_class) {
  const auto& entries = registry().entries();
  const std::string model_type = string_at(config, "model_type");
  for (const std::string& architecture : architectures_of(config)) {
    for (const Registry::Entry& entry : entries) {
      const bool same_type = model_type.empty() || entry.model_type == model_type;
      if (entry.architecture == architecture && same_type && (auto_class.empty() || serves(entry, auto_class)))
        return entry;
    }
  }
  for (const Registry::Entry& entry : entries) {
    const bool wanted = auto_class.empty() ? architectures_of(config).empty() && serves(entry, auto_class::kModel)
                                           : serves(entry, auto_class);
    if (entry.model_type == model_type && wanted) return entry;
  }
  throw_unknown(config, auto_class);
}

// Weights come whole from open_checkpoint, whatever they were stored as, so that models need not know; but one that
// takes MXFP4 experts as they are reads of them here.
Json without_quantization(Json config) {
  const auto found = config.find("quantization_config");
  if (found != config.end() && found->is_object() && string_at(*found, "quant_method") != "mxfp4") {
    config.erase("quantization_config");
  }
  return config;
}

}  // namespace

const Registry& registry() {
  static const Registry instance = [] {
    Registry all;
    register_all_models(all);
    return all;
  }();
  return instance;
}

const GgufArchitectures& gguf_architectures() {
  static const GgufArchitectures instance = [] {
    GgufArchitectures all;
    register_all_gguf(all);
    return all;
  }();
  return instance;
}

std::string resolve_checkpoint(const std::string& path_or_id, const std::string& revision) {
  if (is_gguf(path_or_id)) return path_or_id;
  return find_model_folder(path_or_id, revision);
}

Json read_checkpoint_config(const std::string& checkpoint) {
  if (!is_gguf(checkpoint)) return read_json(checkpoint + "/config.json");
  return parse_json(GgufFile::open(checkpoint, gguf_architectures()).config(), checkpoint);
}

Checkpoint open_checkpoint(const std::string& checkpoint) {
  if (!is_gguf(checkpoint)) {
    const Checkpoint files = Checkpoint::open(checkpoint);
    const Json config = read_checkpoint_config(checkpoint);
    const auto quantization = config.find("quantization_config");
    return quantization == config.end() || quantization->is_null() ? files : with_whole_weights(files, *quantization);
  }
  return Checkpoint::of_file(std::make_shared<GgufFile>(GgufFile::open(checkpoint, gguf_architectures())));
}

std::unique_ptr<Model> model_from_config(const Json& config, std::string_view auto_class) {
  if (!config.is_object()) throw Error(ErrorKind::kInvalidFile, "config.json", "the file is no JSON object");
  return find_entry(config, auto_class).make(config);
}

std::unique_ptr<Model> model_from_pretrained(const std::string& path_or_id, std::string_view auto_class,
                                             const PretrainedOptions& options) {
  const std::string folder = resolve_checkpoint(path_or_id, options.revision);
  const ErrorScope scope(folder);
  std::unique_ptr<Model> model = model_from_config(without_quantization(read_checkpoint_config(folder)), auto_class);
  load_weights(*model, open_checkpoint(folder), {.dtype = options.dtype, .allow_missing = options.allow_missing});
  return model;
}

void internal::throw_wrong_interface(std::string_view auto_class) {
  throw Error(ErrorKind::kInternal, "auto", fmt::format("the registered {} is called in another way", auto_class));
}

}  // namespace imago
