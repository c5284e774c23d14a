#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <map>

#include "imago/auto/auto_model.h"
#include "imago/auto/load_weights.h"
#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/export/gguf_parts.h"
#include "imago/io/checkpoint.h"
#include "imago/io/gguf_architecture.h"
#include "imago/nn/weight_map.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/concat/concat.h"
#include "imago/ops/contiguous/contiguous.h"
#include "imago/ops/operators.h"
#include "imago/tensor/encoded_matrix.h"
#include "imago/tokenizers/chat/template_files.h"
#include "imago/tokenizers/legacy/gguf_tokenizer_entries.h"

namespace imago {
namespace {

constexpr const char* kWhere = "gguf";

// Keys that say nothing of the arithmetic, or that entries of every architecture stand for.
bool is_common(std::string_view key) {
  constexpr std::string_view kCommon[] = {"model_type",
                                          "architectures",
                                          "dtype",
                                          "pad_token_id",
                                          "bos_token_id",
                                          "eos_token_id",
                                          "decoder_start_token_id",
                                          "tie_word_embeddings",
                                          "problem_type",
                                          "id2label"};
  return std::find(std::begin(kCommon), std::end(kCommon), key) != std::end(kCommon);
}

template <class List>
bool has(const List& list, std::string_view value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

class Describer {
 public:
  Describer(const GgufArchitecture& architecture, const Model& model, const std::string& folder, GgufEntries& entries)
      : architecture_(architecture),
        config_(write_config(model.config())),
        default_(write_config(
            model_from_config(Json{{"model_type", std::string(architecture.model_type)},
                                   {"architectures", Json::array({std::string(architecture.architecture)})}})
                ->config())),
        folder_(folder),
        target_{architecture.name, entries, folder, {}} {}

  std::vector<std::pair<std::string, std::vector<float>>> run() {
    check_keys();
    target_.entries.add_text("general.architecture", architecture_.name);
    target_.entries.add_text("general.type", "model");
    target_.entries.add_text("general.name", name());
    write_keys();
    architecture_.describe(config_, target_);
    write_tokenizer();
    write_templates();
    return std::move(target_.tensors);
  }

 private:
  // What no entry says must be what readers take for granted.
  void check_keys() const {
    std::vector<std::string> silent;
    for (const auto& [key, value] : default_.items()) {
      const bool written = std::any_of(architecture_.keys.begin(), architecture_.keys.end(),
                                       [&, &name = key](const auto& rule) { return rule.config == name; });
      if (is_common(key) || written || has(architecture_.described, key)) continue;
      const auto found = config_.find(key);
      if (found != config_.end() && *found != value) silent.push_back(fmt::format("{} = {}", key, dump_json(*found)));
    }
    if (silent.empty()) return;
    throw Error(ErrorKind::kUnsupported, kWhere,
                fmt::format("the architecture {} has no entries for {}", architecture_.name, fmt::join(silent, ", ")));
  }

  void write_keys() {
    using Kind = GgufArchitecture::Kind;
    for (const GgufArchitecture::Key& rule : architecture_.keys) {
      if (rule.kind == Kind::kIgnored || has(architecture_.described, rule.config)) continue;
      const auto found = config_.find(rule.config);
      if (found == config_.end() || found->is_null()) {
        if (!rule.required) continue;
        throw Error(ErrorKind::kUnsupported, kWhere, fmt::format("config.json has no {}", rule.config));
      }
      if (rule.kind == Kind::kInteger) {
        target_.entries.add_integer(target_.key(rule.key), found->get<int64_t>());
      } else {
        target_.entries.add_number(target_.key(rule.key), found->get<double>());
      }
    }
  }

  std::string name() const {
    std::string name = std::filesystem::weakly_canonical(folder_).filename().string();
    return name.empty() ? std::string(architecture_.model_type) : name;
  }

  void write_tokenizer() {
    const auto rows = config_.at("vocab_size").get<int64_t>();
    const PretrainedTokenizer tokenizer = PretrainedTokenizer::from_folder(folder_);
    tokenizers::add_tokenizer(tokenizer, rows, target_.entries);
    add_id("bos_token_id");
    add_id("pad_token_id");
    // Generation ends at each of these.
    std::vector<int64_t> ends = ids_of("eos_token_id");
    const auto eos = tokenizer.eos_token_id();
    if (target_.entries.contains("tokenizer.ggml.eos_token_id")) {
      ends.erase(std::remove(ends.begin(), ends.end(), eos.value_or(-1)), ends.end());
    } else if (!ends.empty()) {
      target_.entries.add_integer("tokenizer.ggml.eos_token_id", ends[0]);
      ends.erase(ends.begin());
    }
    constexpr const char* kFurther[] = {"tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"};
    if (ends.size() > std::size(kFurther)) {
      throw Error(ErrorKind::kUnsupported, kWhere,
                  fmt::format("{} tokens end a text; the format has room for three", ends.size() + 1));
    }
    for (size_t i = 0; i < ends.size(); ++i) target_.entries.add_integer(kFurther[i], ends[i]);
  }

  std::vector<int64_t> ids_of(const char* key) const {
    Json source = config_;
    if (const std::string path = folder_ + "/generation_config.json"; std::filesystem::exists(path)) {
      const Json generation = read_json(path);
      if (generation.is_object() && generation.contains(key)) source = generation;
    }
    const auto found = source.find(key);
    if (found == source.end() || found->is_null()) return {};
    return found->is_array() ? found->get<std::vector<int64_t>>() : std::vector<int64_t>{found->get<int64_t>()};
  }

  // Where the tokenizer names no token for the part.
  void add_id(const char* key) {
    const std::string entry =
        fmt::format("tokenizer.ggml.{}", std::string_view(key) == "pad_token_id" ? "padding_token_id" : key);
    const auto found = config_.find(key);
    if (found == config_.end() || found->is_null() || target_.entries.contains(entry)) return;
    if (found->get<int64_t>() >= 0) target_.entries.add_integer(entry, found->get<int64_t>());
  }

  void write_templates() {
    std::vector<std::pair<std::string, std::string>> templates;
    try {
      templates = chat::TemplateFiles::load(folder_).templates();
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::kNotFound) throw;
    }
    std::vector<std::string> others;
    for (const auto& [name, source] : templates) {
      if (name == "default") {
        target_.entries.add_text("tokenizer.chat_template", source);
      } else {
        target_.entries.add_text("tokenizer.chat_template." + name, source);
        others.push_back(name);
      }
    }
    if (!others.empty()) target_.entries.add_texts("tokenizer.chat_templates", others);
  }

  const GgufArchitecture& architecture_;
  const Json config_, default_;
  std::string folder_;
  GgufTarget target_;
};

// A matrix with each head's rows in pairs (0, 1), (2, 3), ... where the Hub has halves (0, n/2), (1, n/2 + 1), ....
Tensor pairs_from_halves(const Tensor& values, int64_t heads) {
  const int64_t rows = values.size(0), head_rows = rows / heads, half = head_rows / 2,
                row_bytes = values.nbytes() / std::max<int64_t>(rows, 1);
  const Tensor result = Tensor::empty(values.shape(), values.dtype());
  const auto* from = static_cast<const std::byte*>(values.const_data_raw());
  auto* to = static_cast<std::byte*>(result.data_raw());
  for (int64_t row = 0; row < rows; ++row) {
    const int64_t in_head = row % head_rows, source = row - in_head + in_head / 2 + in_head % 2 * half;
    std::memcpy(to + row * row_bytes, from + source * row_bytes, static_cast<size_t>(row_bytes));
  }
  return result;
}

int64_t heads_of(const GgufArchitecture::Tensor& rule, const GgufEntries& entries, std::string_view architecture) {
  if (rule.rotary_heads.empty()) return 0;
  const std::string key = fmt::format("{}.{}", architecture, rule.rotary_heads);
  for (const auto& [name, value] : entries.list()) {
    if (name != key) continue;
    uint32_t heads = 0;
    std::memcpy(&heads, value.bytes.data(), sizeof(heads));
    return heads;
  }
  throw Error(ErrorKind::kInternal, kWhere, fmt::format("{} was not written", key));
}

GgufPart vector_part(const std::string& name, const std::vector<float>& values) {
  const auto size = static_cast<int64_t>(values.size());
  return {name, {size}, {}, size * static_cast<int64_t>(sizeof(float)), {}, [values] { return Tensor::from(values); }};
}

// Matrices of one shape, as experts are, one behind the other.
GgufPart stack_part(const std::string& name, const std::map<int64_t, Tensor>& items) {
  Tensors matrices;
  for (const auto& [index, matrix] : items) matrices.push_back(matrix);
  const Shape& each = matrices[0].shape();
  const auto count = static_cast<int64_t>(matrices.size());
  return {name, {count, each[0], each[1]}, {}, count * matrices[0].nbytes(), {}, [matrices] {
            Tensors values;
            for (const Tensor& matrix : matrices) values.push_back(cast(decode(matrix), DType::f32));
            return stack(values, 0);
          }};
}

}  // namespace

GgufParts gguf_parts_of_folder(const std::string& folder) {
  Json config = read_checkpoint_config(folder);
  const auto type = config.find("model_type");
  const GgufArchitecture& architecture = gguf_architectures().find_for_model(
      type != config.end() && type->is_string() ? type->get<std::string>() : std::string());
  config.erase("quantization_config");  // which open_checkpoint has seen to
  config["architectures"] = Json::array({std::string(architecture.architecture)});
  const std::shared_ptr<Model> model = model_from_config(config);
  GgufParts result;
  result.owner = model;
  result.left_out = load_weights(*model, open_checkpoint(folder)).unused;
  for (const auto& [name, values] : Describer(architecture, *model, folder, result.entries).run()) {
    result.parts.push_back(vector_part(name, values));
  }
  std::map<std::string, std::map<int64_t, Tensor>> stacks;
  for (const auto& [path, name, tensor] : stored_parameters(*model)) {
    if (std::any_of(architecture.left_out.begin(), architecture.left_out.end(),
                    [&checkpoint = name](std::string_view pattern) { return match_pattern(pattern, checkpoint); })) {
      result.left_out.push_back(name);
      continue;
    }
    const GgufName stored = gguf_name(architecture, name);
    if (stored.rule == nullptr) {
      throw Error(ErrorKind::kUnsupported, kWhere,
                  fmt::format("the architecture {} has no place for the tensor {}", architecture.name, name));
    }
    if (stored.item) {
      stacks[stored.name][*stored.item] = tensor;
      continue;
    }
    const int64_t heads = heads_of(*stored.rule, result.entries, architecture.name);
    result.parts.push_back({stored.name,
                            tensor.shape(),
                            {},
                            tensor.nbytes(),
                            {},
                            [tensor = tensor, heads, added = static_cast<double>(stored.rule->added)] {
                              const Tensor values = contiguous(cast(decode(tensor), DType::f32));
                              if (added != 0) return values + added;
                              return heads == 0 ? values : pairs_from_halves(values, heads);
                            }});
  }
  for (const auto& [name, items] : stacks) result.parts.push_back(stack_part(name, items));
  return result;
}

}  // namespace imago
