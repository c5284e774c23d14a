#include "imago/peft/adapter_config.h"

#include <fmt/core.h>

#include <algorithm>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/base/quote.h"
#include "imago/nn/read_fields.h"
#include "imago/peft/config_keys.h"
#include "imago/peft/ia3.h"
#include "imago/peft/lora.h"

namespace imago::peft {
namespace {

// The reference trains the heads of classifiers whole, whatever they are called in the architecture.
std::vector<std::string> heads_of_task(const std::optional<std::string>& task_type) {
  if (task_type == "SEQ_CLS" || task_type == "TOKEN_CLS") return {"classifier", "score"};
  if (task_type == "QUESTION_ANS") return {"qa_outputs"};
  return {};
}

}  // namespace

void AdapterConfig::read(const Json& json, std::string_view where) {
  Json keys = json;
  take(keys, "peft_type");
  for (const char* inert : {"auto_mapping", "peft_version", "fan_in_fan_out"}) take(keys, inert);
  task_type = take_optional_text(keys, "task_type", where);
  base_model_name_or_path = take_optional_text(keys, "base_model_name_or_path", where);
  revision = take_optional_text(keys, "revision", where);
  inference_mode = take_bool(keys, "inference_mode", false, where);
  target_modules = read_selection(take(keys, "target_modules"), where);
  exclude_modules = read_selection(take(keys, "exclude_modules"), where);
  if (exclude_modules.is_all_linear()) {
    throw Error(ErrorKind::kInvalidArgument, where, "exclude_modules is \"all-linear\"", "name modules to exclude");
  }
  modules_to_save = take_texts(keys, "modules_to_save", where);
  for (const std::string& head : heads_of_task(task_type)) {
    if (std::find(modules_to_save.begin(), modules_to_save.end(), head) == modules_to_save.end()) {
      modules_to_save.push_back(head);
    }
  }
  read_own(keys, where);
  for (const auto& [key, value] : keys.items()) {
    throw Error(ErrorKind::kUnsupported, where, fmt::format("{} is {}", quote(key), quote(dump_json(value))),
                "this key of adapters is not supported");
  }
  if (target_modules.empty()) {
    throw Error(ErrorKind::kInvalidArgument, where, "target_modules chooses no module",
                "name modules (q_proj, v_proj), or say \"all-linear\"");
  }
}

Json AdapterConfig::write() const {
  const auto or_null = [](const std::optional<std::string>& text) { return text ? Json(*text) : Json(); };
  Json json = {{"auto_mapping", nullptr},
               {"base_model_name_or_path", or_null(base_model_name_or_path)},
               {"exclude_modules", write_selection(exclude_modules)},
               {"fan_in_fan_out", false},
               {"inference_mode", true},
               {"modules_to_save", modules_to_save.empty() ? Json() : Json(modules_to_save)},
               {"peft_type", std::string(peft_type())},
               {"revision", or_null(revision)},
               {"target_modules", write_selection(target_modules)},
               {"task_type", or_null(task_type)}};
  write_own(json);
  std::vector<std::string> keys;
  for (const auto& [key, value] : json.items()) keys.push_back(key);
  std::sort(keys.begin(), keys.end());
  Json sorted = Json::object();
  for (const std::string& key : keys) sorted[key] = json[key];
  return sorted;
}

bool AdapterConfig::targets(std::string_view module) const {
  if (exclude_modules.contains(module) || is_saved_whole(module)) return false;
  return target_modules.contains(module) && is_in_chosen_layer(module);
}

// The module itself, or one inside it, at any depth of the model.
bool AdapterConfig::is_saved_whole(std::string_view module) const {
  return std::any_of(modules_to_save.begin(), modules_to_save.end(), [&](const std::string& name) {
    for (size_t at = module.find(name); at != std::string_view::npos; at = module.find(name, at + 1)) {
      const size_t end = at + name.size();
      if ((at == 0 || module[at - 1] == '.') && (end == module.size() || module[end] == '.')) return true;
    }
    return false;
  });
}

std::unique_ptr<AdapterConfig> read_adapter_config(const Json& json, std::string_view where) {
  if (!json.is_object() || !json.contains("peft_type") || !json.at("peft_type").is_string()) {
    throw Error(ErrorKind::kInvalidFile, where, "there is no peft_type",
                "give the folder that PEFT's save_pretrained wrote");
  }
  const auto type = json.at("peft_type").get<std::string>();
  std::unique_ptr<AdapterConfig> kinds[] = {std::make_unique<LoraConfig>(), std::make_unique<Ia3Config>()};
  for (auto& kind : kinds) {
    if (kind->peft_type() != type) continue;
    kind->read(json, where);
    return std::move(kind);
  }
  throw Error(ErrorKind::kUnsupported, where, fmt::format("peft_type is {}", quote(type)),
              "adapters of the kinds LORA and IA3 are supported");
}

ModuleSelection read_selection(const Json& value, std::string_view where) {
  if (value.is_null()) return {};
  if (value.is_string()) return ModuleSelection::of_pattern(value.get<std::string>(), where);
  return ModuleSelection(texts_of(value, "a choice of modules", where));
}

Json write_selection(const ModuleSelection& selection) {
  if (selection.regex()) return *selection.regex();
  return selection.names().empty() ? Json() : Json(selection.names());
}

}  // namespace imago::peft
