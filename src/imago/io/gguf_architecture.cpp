#include "imago/io/gguf_architecture.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "imago/base/error.h"
#include "imago/base/quote.h"
#include "imago/nn/weight_map.h"

namespace imago {
namespace {

constexpr const char* kWhere = "gguf";

// What the stars of "blk.*.attn_q" stand for in "blk.17.attn_q", where these are numbers.
std::optional<std::vector<std::string>> match_numbers(std::string_view pattern, std::string_view name) {
  std::vector<std::string> stars;
  const auto is_number = [](const std::string& text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  };
  if (!match_pattern(pattern, name, &stars) || !std::all_of(stars.begin(), stars.end(), is_number)) return std::nullopt;
  return stars;
}

// The first star alone.
std::string fill(std::string_view pattern, const std::vector<std::string>& numbers) {
  std::string name(pattern);
  if (const size_t star = name.find('*'); star != std::string::npos && !numbers.empty())
    name.replace(star, 1, numbers[0]);
  return name;
}

// "blk.0.attn_q" and ".weight".
std::pair<std::string_view, std::string_view> split_suffix(std::string_view name) {
  const size_t dot = name.rfind('.');
  return {name.substr(0, dot), dot == std::string_view::npos ? std::string_view() : name.substr(dot)};
}

[[noreturn]] void throw_missing(const std::string& key) {
  throw Error(ErrorKind::kInvalidFile, kWhere, fmt::format("the metadata has no {}", quote(key)));
}

}  // namespace

std::string GgufSource::key(std::string_view name) const { return fmt::format("{}.{}", architecture, name); }

bool GgufSource::has_tensor(std::string_view name) const {
  return std::find(header.names.begin(), header.names.end(), name) != header.names.end();
}

const Shape& GgufSource::shape(std::string_view name) const {
  const auto at = std::find(header.names.begin(), header.names.end(), name);
  if (at == header.names.end()) {
    throw Error(ErrorKind::kInvalidFile, kWhere, fmt::format("the file has no tensor {}", quote(name)));
  }
  return header.infos[static_cast<size_t>(at - header.names.begin())].shape;
}

std::vector<double> GgufSource::floats(std::string_view name) const {
  shape(name);  // that it is there
  const auto at = std::find(header.names.begin(), header.names.end(), name) - header.names.begin();
  const TensorInfo& info = header.infos[static_cast<size_t>(at)];
  if (info.dtype != DType::f32 || !info.format.empty()) {
    throw Error(ErrorKind::kInvalidFile, kWhere, fmt::format("tensor {} is not float32", quote(name)));
  }
  std::vector<float> values(static_cast<size_t>(info.shape.product()));
  std::memcpy(values.data(), file.data() + info.begin, values.size() * sizeof(float));
  return {values.begin(), values.end()};
}

int64_t GgufSource::integer(std::string_view name) const {
  const auto value = header.metadata.integer(key(name));
  if (!value) throw_missing(key(name));
  return *value;
}

double GgufSource::number(std::string_view name) const {
  const auto value = header.metadata.number(key(name));
  if (!value) throw_missing(key(name));
  return *value;
}

std::string GgufTarget::key(std::string_view name) const { return fmt::format("{}.{}", architecture, name); }

GgufName hub_name(const GgufArchitecture& architecture, std::string_view name) {
  const auto [stem, suffix] = split_suffix(name);
  for (const GgufArchitecture::Tensor& rule : architecture.tensors) {
    if (const auto numbers = match_numbers(rule.gguf, stem))
      return {fill(rule.checkpoint, *numbers).append(suffix), &rule};
  }
  throw Error(ErrorKind::kUnsupported, kWhere,
              fmt::format("the architecture {} has no tensor {} that is known", architecture.name, quote(name)));
}

GgufName gguf_name(const GgufArchitecture& architecture, std::string_view name) {
  const auto [stem, suffix] = split_suffix(name);
  for (const GgufArchitecture::Tensor& rule : architecture.tensors) {
    const auto numbers = match_numbers(rule.checkpoint, stem);
    if (!numbers) continue;
    GgufName found{fill(rule.gguf, *numbers).append(suffix), &rule};
    if (numbers->size() > 1) found.item = std::stoll(numbers->back());
    return found;
  }
  return {};
}

const GgufArchitecture& GgufArchitectures::find(std::string_view name, bool with_experts) const {
  std::vector<std::string_view> names;
  const GgufArchitecture* found = nullptr;
  for (const GgufArchitecture& architecture : list_) {
    if (architecture.is_written_only) continue;
    // Of a name without an entry for those with experts, the one entry serves both.
    if (architecture.name == name && (found == nullptr || architecture.has_experts == with_experts))
      found = &architecture;
    if (!architecture.has_experts) names.push_back(architecture.name);
  }
  if (found != nullptr) return *found;
  throw Error(ErrorKind::kUnsupported, kWhere, fmt::format("the architecture {} is not known", quote(name)),
              fmt::format("this build has {}", fmt::join(names, ", ")));
}

const GgufArchitecture& GgufArchitectures::find_for_model(std::string_view model_type) const {
  std::vector<std::string_view> types;
  for (const GgufArchitecture& architecture : list_) {
    if (architecture.describe == nullptr) continue;
    if (architecture.model_type == model_type) return architecture;
    types.push_back(architecture.model_type);
  }
  throw Error(ErrorKind::kUnsupported, kWhere,
              fmt::format("models of the type {} are not written as GGUF files", quote(model_type)),
              fmt::format("this build writes {}", fmt::join(types, ", ")));
}

}  // namespace imago
