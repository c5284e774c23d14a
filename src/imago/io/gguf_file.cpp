#include "imago/io/gguf_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/base/mapped_pages.h"
#include "imago/base/quote.h"
#include "imago/quant/block_matrix.h"

namespace imago {

struct GgufFile::Parts {
  GgufMetadata metadata;
  std::string config;
  std::vector<std::string> names;
  std::vector<TensorInfo> infos;
  std::vector<int64_t> rotary_heads;
  std::vector<float> added;

  void add(const GgufName& hub, const TensorInfo& stored, int64_t heads);
};

namespace {

constexpr const char* kWhere = "gguf";

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

}  // namespace

void GgufFile::Parts::add(const GgufName& hub, const TensorInfo& stored, int64_t heads) {
  const size_t star = hub.name.find('*');
  const bool is_stack = star != std::string::npos;
  if (is_stack && stored.shape.size() != 3)
    throw Error(ErrorKind::kInvalidFile, kWhere, fmt::format("tensor {} is no stack of matrices", quote(hub.name)));
  const int64_t count = is_stack ? stored.shape[0] : 1;
  const int64_t bytes = (stored.end - stored.begin) / std::max<int64_t>(count, 1);
  for (int64_t item = 0; item < count; ++item) {
    TensorInfo info = stored;
    info.as_parameter = true;
    std::string name = hub.name;
    if (is_stack) {
      name.replace(star, 1, std::to_string(item));
      info.shape = {stored.shape[1], stored.shape[2]};
      info.begin = stored.begin + item * bytes;
      info.end = info.begin + bytes;
    }
    names.push_back(std::move(name));
    infos.push_back(std::move(info));
    rotary_heads.push_back(heads);
    added.push_back(hub.rule->added);
  }
}

GgufFile GgufFile::open(const std::string& path, const GgufArchitectures& architectures) {
  const ErrorScope scope(path);
  MappedFile file = MappedFile::open(path);
  GgufHeader header = parse_gguf_header(file.bytes());
  const auto name = header.metadata.text("general.architecture");
  if (!name) throw Error(ErrorKind::kInvalidFile, kWhere, "the metadata has no \"general.architecture\"");
  const bool with_experts = header.metadata.integer(*name + ".expert_count").value_or(0) > 0;
  const GgufArchitecture& architecture = architectures.find(*name, with_experts);
  const GgufSource source{architecture.name, header, file.bytes()};
  Parts parts;
  parts.config = make_config(architecture, source);
  for (size_t i = 0; i < header.names.size(); ++i) {
    const std::string& stored = header.names[i];
    const auto& ignored = architecture.ignored_tensors;
    if (std::find(ignored.begin(), ignored.end(), stored) != ignored.end()) continue;
    const GgufName hub = hub_name(architecture, stored);
    const std::string_view counted = hub.rule->rotary_heads;
    const int64_t heads = counted.empty() ? 0 : source.integer(counted);
    const int64_t rows = header.infos[i].shape[0];
    if (!counted.empty() && (heads < 1 || rows % (2 * heads) != 0)) {
      throw Error(ErrorKind::kInvalidFile, kWhere,
                  fmt::format("tensor {} has {} rows for {} heads", quote(stored), rows, heads));
    }
    parts.add(hub, header.infos[i], heads);
  }
  parts.metadata = std::move(header.metadata);
  return GgufFile(std::move(file), std::move(parts));
}

GgufFile::GgufFile(MappedFile file, Parts parts)
    : TensorFile(std::move(file), std::move(parts.names), std::move(parts.infos)),
      metadata_(std::move(parts.metadata)),
      config_(std::move(parts.config)),
      rotary_heads_(std::move(parts.rotary_heads)),
      added_(std::move(parts.added)) {}

std::shared_ptr<Storage> GgufFile::halves_from_pairs(const TensorInfo& info, int64_t heads) const {
  const int64_t rows = info.shape[0], row_bytes = (info.end - info.begin) / rows, head_rows = rows / heads;
  const std::shared_ptr<Storage> storage = Storage::allocate(info.end - info.begin, Device::kCPU);
  const std::byte* from = bytes().data() + info.begin;
  for (int64_t row = 0; row < rows; ++row) {
    const int64_t in_head = row % head_rows, half = head_rows / 2;
    const int64_t source = row - in_head + 2 * (in_head % half) + in_head / half;
    std::memcpy(storage->data() + row * row_bytes, from + source * row_bytes, static_cast<size_t>(row_bytes));
  }
  forget_mapped_pages(from, info.end - info.begin);
  return storage;
}

Tensor GgufFile::read(size_t index) const {
  const Tensor stored = read_stored(index);
  if (added_[index] == 0) return stored;
  const Tensor plain = decode(stored);
  if (plain.dtype() != DType::f32) {
    throw Error(ErrorKind::kUnsupported, kWhere, fmt::format("{} is not float32", quote(names()[index])));
  }
  Tensor values = Tensor::empty(plain.shape());
  for (int64_t i = 0; i < values.numel(); ++i) {
    values.data<float>()[i] = plain.const_data<float>()[i] - added_[index];
  }
  return values;
}

Tensor GgufFile::read_stored(size_t index) const {
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
