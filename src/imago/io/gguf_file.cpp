#include "imago/io/gguf_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/base/quote.h"
#include "imago/quant/block_matrix.h"

namespace imago {

struct GgufFile::Parts {
  GgufMetadata metadata;
  std::string config;
  std::vector<std::string> names;
  std::vector<TensorInfo> infos;
  std::vector<int64_t> rotary_heads;
};

namespace {

constexpr const char* kWhere = "gguf";

// "blk.17.attn_q" against "blk.*.attn_q": the number, or nothing.
std::optional<std::string_view> match_number(std::string_view pattern, std::string_view name) {
  const size_t star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == name ? std::optional(std::string_view()) : std::nullopt;
  const std::string_view before = pattern.substr(0, star), after = pattern.substr(star + 1);
  if (name.size() <= pattern.size() - 1 || !name.starts_with(before) || !name.ends_with(after)) return std::nullopt;
  const std::string_view number = name.substr(star, name.size() - before.size() - after.size());
  const bool digits = std::all_of(number.begin(), number.end(), [](char c) { return c >= '0' && c <= '9'; });
  return digits ? std::optional(number) : std::nullopt;
}

struct HubName {
  std::string name;
  std::string_view rotary_heads;
};

HubName hub_name(const GgufArchitecture& architecture, std::string_view name) {
  const size_t dot = name.rfind('.');
  const std::string_view stem = name.substr(0, dot), suffix = dot == std::string_view::npos ? "" : name.substr(dot);
  for (const GgufArchitecture::Tensor& rule : architecture.tensors) {
    const auto number = match_number(rule.gguf, stem);
    if (!number) continue;
    std::string to(rule.checkpoint);
    if (const size_t star = to.find('*'); star != std::string::npos) to.replace(star, 1, *number);
    return {to.append(suffix), rule.rotary_heads};
  }
  throw Error(ErrorKind::kUnsupported, kWhere,
              fmt::format("the architecture {} has no tensor {} that is known", architecture.name, quote(name)));
}

// Entries of the architecture's own are all known, or the arithmetic may be another.
void check_keys(const GgufArchitecture& architecture, const GgufMetadata& metadata) {
  const std::string prefix = std::string(architecture.name) + ".";
  std::vector<std::string> unknown;
  for (const auto& [key, value] : metadata.entries()) {
    if (!key.starts_with(prefix)) continue;
    const std::string_view rest = key.substr(prefix.size());
    const bool known = std::any_of(architecture.keys.begin(), architecture.keys.end(),
                                   [&](const GgufArchitecture::Key& k) { return k.key == rest; });
    if (!known) unknown.push_back(quote(key));
  }
  if (unknown.empty()) return;
  throw Error(ErrorKind::kUnsupported, kWhere,
              fmt::format("the metadata has entries that are not known: {}", fmt::join(unknown, ", ")),
              "they may change what the model computes");
}

// The file rounds numbers such as 1e-5 to float; the Hub has the decimal one that was meant.
double decimal_of(double number) {
  const std::string digits = fmt::format("{}", static_cast<float>(number));
  double decimal = number;
  std::from_chars(digits.data(), digits.data() + digits.size(), decimal);
  return decimal;
}

void read_keys(const GgufArchitecture& architecture, const GgufSource& source, Json& config) {
  using Kind = GgufArchitecture::Kind;
  for (const GgufArchitecture::Key& rule : architecture.keys) {
    if (rule.kind == Kind::kIgnored) continue;
    const std::string key = source.key(rule.key);
    if (source.header.metadata.find(key) == nullptr && !rule.required) continue;
    if (rule.kind == Kind::kInteger) {
      config[rule.config] = source.integer(rule.key);
    } else {
      config[rule.config] = decimal_of(source.number(rule.key));
    }
  }
}

// Ids that generation ends at, and the others that have a role.
void read_special_ids(const GgufMetadata& metadata, Json& config) {
  const auto id = [&](std::string_view name) { return metadata.integer(fmt::format("tokenizer.ggml.{}", name)); };
  if (const auto bos = id("bos_token_id")) config["bos_token_id"] = *bos;
  if (const auto pad = id("padding_token_id")) config["pad_token_id"] = *pad;
  Json ends = Json::array();
  for (const char* name : {"eos_token_id", "eot_token_id", "eom_token_id"}) {
    const auto end = id(name);
    if (end && std::find(ends.begin(), ends.end(), *end) == ends.end()) ends.push_back(*end);
  }
  if (!ends.empty()) config["eos_token_id"] = ends.size() == 1 ? ends[0] : ends;
}

std::string make_config(const GgufArchitecture& architecture, const GgufSource& source) {
  Json config = {{"architectures", Json::array({std::string(architecture.architecture)})},
                 {"model_type", std::string(architecture.model_type)}};
  check_keys(architecture, source.header.metadata);
  read_keys(architecture, source, config);
  read_special_ids(source.header.metadata, config);
  if (architecture.complete != nullptr) architecture.complete(source, config);
  return dump_json(config, 2);
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

const GgufArchitecture& GgufArchitectures::find(std::string_view name) const {
  std::vector<std::string_view> names;
  for (const GgufArchitecture& architecture : list_) {
    if (architecture.name == name) return architecture;
    names.push_back(architecture.name);
  }
  throw Error(ErrorKind::kUnsupported, kWhere, fmt::format("the architecture {} is not known", quote(name)),
              fmt::format("this build has {}", fmt::join(names, ", ")));
}

GgufFile GgufFile::open(const std::string& path, const GgufArchitectures& architectures) {
  const ErrorScope scope(path);
  MappedFile file = MappedFile::open(path);
  GgufHeader header = parse_gguf_header(file.bytes());
  const auto name = header.metadata.text("general.architecture");
  if (!name) throw_missing("general.architecture");
  const GgufArchitecture& architecture = architectures.find(*name);
  const GgufSource source{architecture.name, header, file.bytes()};
  Parts parts;
  parts.config = make_config(architecture, source);
  for (size_t i = 0; i < header.names.size(); ++i) {
    const std::string& stored = header.names[i];
    const auto& ignored = architecture.ignored_tensors;
    if (std::find(ignored.begin(), ignored.end(), stored) != ignored.end()) continue;
    HubName hub = hub_name(architecture, stored);
    const int64_t heads = hub.rotary_heads.empty() ? 0 : source.integer(hub.rotary_heads);
    const int64_t rows = header.infos[i].shape[0];
    if (!hub.rotary_heads.empty() && (heads < 1 || rows % (2 * heads) != 0)) {
      throw Error(ErrorKind::kInvalidFile, kWhere,
                  fmt::format("tensor {} has {} rows for {} heads", quote(stored), rows, heads));
    }
    parts.names.push_back(std::move(hub.name));
    parts.infos.push_back(header.infos[i]);
    parts.infos.back().as_parameter = true;
    parts.rotary_heads.push_back(heads);
  }
  parts.metadata = std::move(header.metadata);
  return GgufFile(std::move(file), std::move(parts));
}

GgufFile::GgufFile(MappedFile file, Parts parts)
    : TensorFile(std::move(file), std::move(parts.names), std::move(parts.infos)),
      metadata_(std::move(parts.metadata)),
      config_(std::move(parts.config)),
      rotary_heads_(std::move(parts.rotary_heads)) {}

std::shared_ptr<Storage> GgufFile::halves_from_pairs(const TensorInfo& info, int64_t heads) const {
  const int64_t rows = info.shape[0], row_bytes = (info.end - info.begin) / rows, head_rows = rows / heads;
  const std::shared_ptr<Storage> storage = Storage::allocate(info.end - info.begin, Device::kCPU);
  const std::byte* from = bytes().data() + info.begin;
  for (int64_t row = 0; row < rows; ++row) {
    const int64_t in_head = row % head_rows, half = head_rows / 2;
    const int64_t source = row - in_head + 2 * (in_head % half) + in_head / half;
    std::memcpy(storage->data() + row * row_bytes, from + source * row_bytes, static_cast<size_t>(row_bytes));
  }
  return storage;
}

Tensor GgufFile::read(size_t index) const {
  const TensorInfo& info = info_at(index);
  const int64_t heads = rotary_heads_[index];
  if (info.format.empty() && heads == 0) {
    return view(info.begin, info.end - info.begin, 0, contiguous_strides(info.shape), info);
  }
  const std::shared_ptr<Storage> storage =
      heads == 0 ? mapped(info.begin, info.end - info.begin) : halves_from_pairs(info, heads);
  if (info.format.empty())
    return Tensor::on_storage(storage, 0, info.shape, contiguous_strides(info.shape), info.dtype);
  const quant::Format& format = quant::find_format(info.format);
  const int64_t columns = info.shape[info.shape.size() - 1];
  const Tensor matrix = Tensor::encoded(
      std::make_shared<quant::BlockMatrix>(format, info.shape.product() / columns, columns, storage), info.dtype);
  if (info.shape.size() == 2) return matrix;
  // Biases and the like are no operands of linear: they become plain.
  return decode(matrix).alias(info.shape, contiguous_strides(info.shape), 0);
}

}  // namespace imago
