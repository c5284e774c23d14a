#include "imago/cli/lora_option.h"

#include <fmt/core.h>

#include "imago/base/error.h"
#include "imago/base/json.h"

namespace imago::cli {
namespace {

constexpr const char* kWhere = "lora";

// Numbers and truth values as JSON has them, lists with "+" between their members, and text.
Json value_of(const std::string& text, bool is_list) {
  if (is_list && text != "all-linear") {
    Json list = Json::array();
    for (size_t start = 0; start <= text.size();) {
      const size_t end = std::min(text.find('+', start), text.size());
      list.push_back(text.substr(start, end - start));
      start = end + 1;
    }
    return list;
  }
  try {
    return parse_json(text, kWhere);
  } catch (const Error&) {
    return text;
  }
}

Json read_pairs(const std::string& text) {
  Json object = Json::object();
  for (size_t start = 0; start < text.size();) {
    const size_t end = std::min(text.find(',', start), text.size());
    const std::string pair = text.substr(start, end - start);
    const size_t equals = pair.find('=');
    if (equals == std::string::npos || equals == 0) {
      throw Error(ErrorKind::kInvalidArgument, kWhere, fmt::format("\"{}\" is no key=value", pair),
                  "write r=16,lora_alpha=32,target_modules=q_proj+v_proj");
    }
    const std::string key = pair.substr(0, equals);
    object[key] = value_of(pair.substr(equals + 1), key.ends_with("_modules") || key == "modules_to_save");
    start = end + 1;
  }
  return object;
}

}  // namespace

Json read_adapter_keys(const std::string& text, const std::string& where) {
  const Json given = parse_json(text, where);
  if (given.is_object()) return given;
  if (!given.is_string()) {
    throw Error(ErrorKind::kInvalidArgument, where, "the adapter is described by neither a mapping nor a text",
                "write {r: 16, lora_alpha: 32}, or r=16,lora_alpha=32");
  }
  const auto pairs = given.get<std::string>();
  return pairs.starts_with('{') ? parse_json(pairs, where) : read_pairs(pairs);
}

std::unique_ptr<peft::AdapterConfig> read_lora_option(const std::string& text, const std::string& task_type) {
  Json config = {{"peft_type", "LORA"}, {"task_type", task_type}, {"target_modules", "all-linear"}};
  const Json keys = read_adapter_keys(text, kWhere);
  for (const auto& [key, value] : keys.items()) config[key] = value;
  return peft::read_adapter_config(config, kWhere);
}

}  // namespace imago::cli
