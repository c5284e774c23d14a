#include "imago/nn/model_part.h"

#include <fmt/format.h>

#include <algorithm>

#include "imago/base/error.h"
#include "imago/base/json.h"

namespace imago::nn {

std::unique_ptr<Model> make_part(const JsonText& config, std::string_view key, std::string_view default_type,
                                 std::initializer_list<std::string_view> auto_classes) {
  const ErrorScope scope(key);
  Json json = config.text.empty() ? Json::object() : parse_json(config.text, key);
  if (!json.is_object()) throw Error(ErrorKind::kInvalidFile, "config.json", fmt::format("{} is no object", key));
  // A part has no class of its own, which files write as null.
  if (json.contains("architectures") && json.at("architectures").is_null()) json.erase("architectures");
  const std::string type = json.value("model_type", std::string(default_type));
  for (const std::string_view auto_class : auto_classes) {
    for (const Registry::Entry& entry : registry().entries()) {
      const auto& classes = entry.auto_classes;
      if (entry.model_type == type && std::find(classes.begin(), classes.end(), auto_class) != classes.end())
        return entry.make(json);
    }
  }
  throw Error(ErrorKind::kUnsupported, "config.json",
              fmt::format("{} has the model type \"{}\", which this build does not have", key, type));
}

void throw_wrong_part(std::string_view key, const Model& part) {
  throw Error(ErrorKind::kUnsupported, "config.json",
              fmt::format("{} is a \"{}\", which cannot stand there", key, part.config().model_type));
}

int64_t config_number(const Model& part, std::string_view key) {
  const Json json = write_config(part.config());
  const auto found = json.find(std::string(key));
  if (found == json.end() || !found->is_number_integer()) {
    throw Error(ErrorKind::kUnsupported, "config.json",
                fmt::format("a \"{}\" as a part has no {}", part.config().model_type, key));
  }
  return found->get<int64_t>();
}

void add_part(WeightMap& map, const std::string& prefix, const WeightMap& part) {
  // Patterns hold in a bare model and below a head.
  const std::string dotted = prefix + ".", any = "*" + dotted;
  const auto add = [&](std::vector<std::string>& into, const std::vector<std::string>& patterns) {
    for (const std::string& pattern : patterns) into.push_back(pattern.starts_with('*') ? pattern : any + pattern);
  };
  add(map.ignored, part.ignored);
  add(map.optional, part.optional);
  add(map.keep_in_float32, part.keep_in_float32);
  add(map.always_float32, part.always_float32);
  for (const WeightRule& rule : part.rules) {
    const std::string parameter = rule.parameter.empty() ? std::string() : dotted + rule.parameter;
    map.rules.push_back({dotted + rule.checkpoint, parameter, rule.action});
  }
  for (const auto& [shared, stored] : part.tied) map.tied.emplace_back(dotted + shared, dotted + stored);
  for (StackRule rule : part.stacked) {
    rule.stacked = dotted + rule.stacked;
    for (std::string& name : rule.parts) name = dotted + name;
    map.stacked.push_back(std::move(rule));
  }
}

}  // namespace imago::nn
