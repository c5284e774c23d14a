#include "imago/io/shard_index.h"

#include <fmt/core.h>
#include <simdjson.h>

#include <algorithm>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/base/quote.h"
#include "imago/io/name_table.h"

namespace imago {
namespace {

constexpr const char* kWhere = "shard index";

[[noreturn]] void fail(const std::string& what) { throw Error(ErrorKind::kInvalidFile, kWhere, what); }

// A shard lies beside its index. A name with a path could point to any file of the machine.
void check_shard_name(std::string_view tensor, std::string_view shard) {
  const bool is_path = shard.find_first_of(std::string_view("/\\\0", 3)) != std::string_view::npos;
  if (shard.empty() || shard.size() > 255 || is_path || shard.starts_with('.')) {
    fail(fmt::format("tensor {} is said to be in {}, which is not the name of a file beside the index", quote(tensor),
                     quote(shard)));
  }
}

simdjson::dom::object find_weight_map(simdjson::dom::object index) {
  simdjson::dom::object weight_map;
  bool found = false;
  for (const auto& [key, value] : index) {
    if (key != "weight_map") continue;
    if (found) fail("\"weight_map\" occurs twice");
    if (value.get(weight_map) != simdjson::SUCCESS) fail("\"weight_map\" is not an object");
    found = true;
  }
  if (!found) fail("\"weight_map\" is missing");
  return weight_map;
}

}  // namespace

ShardIndex parse_shard_index(std::string_view json) {
  simdjson::dom::parser parser;
  simdjson::dom::object document;
  if (const auto error = parser.parse(json.data(), json.size(), true).get(document)) {
    fail(fmt::format("the index is not a JSON object: {}", simdjson::error_message(error)));
  }
  std::vector<std::string> names;
  std::vector<std::string_view> shard_of;
  for (const auto& [key, value] : find_weight_map(document)) {
    std::string_view shard;
    if (value.get(shard) != simdjson::SUCCESS) fail(fmt::format("the shard of {} is not a string", quote(key)));
    check_shard_name(key, shard);
    names.emplace_back(key);
    shard_of.push_back(shard);
  }
  ShardIndex index;
  index.shards.assign(shard_of.begin(), shard_of.end());
  std::sort(index.shards.begin(), index.shards.end());
  index.shards.erase(std::unique(index.shards.begin(), index.shards.end()), index.shards.end());
  const NameTable table(std::move(names));
  if (const std::string* twice = table.duplicate()) fail(fmt::format("tensor {} is listed twice", quote(*twice)));
  for (size_t i = 0; i < shard_of.size(); ++i) {
    const auto at = std::lower_bound(index.shards.begin(), index.shards.end(), shard_of[i]);
    index.tensors.emplace_back(table[i], static_cast<size_t>(at - index.shards.begin()));
  }
  return index;
}

std::string write_shard_index(const ShardIndex& index, int64_t total_size, int64_t total_parameters) {
  std::vector<std::pair<std::string, size_t>> tensors = index.tensors;
  std::sort(tensors.begin(), tensors.end());
  Json document = {{"metadata", Json::object()}, {"weight_map", Json::object()}};
  if (total_parameters >= 0) document["metadata"]["total_parameters"] = total_parameters;
  document["metadata"]["total_size"] = total_size;
  // Assigning by key would search the ordered object each time, which is quadratic.
  auto& weight_map = document["weight_map"].as_object();
  for (const auto& [name, shard] : tensors) weight_map.emplace_back(name, index.shards[shard]);
  return dump_json(document, 2, true) + "\n";
}

}  // namespace imago
