#include "imago/peft/lora.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/nn/dropout.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/contiguous/contiguous.h"
#include "imago/ops/embedding/embedding.h"
#include "imago/ops/linear/linear.h"
#include "imago/ops/matmul/matmul.h"
#include "imago/ops/operators.h"
#include "imago/ops/permute/permute.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/unary/unary.h"
#include "imago/peft/config_keys.h"
#include "imago/tensor/encoded_matrix.h"
#include "imago/tensor/grad_meta.h"

namespace imago::peft {
namespace {

constexpr int64_t kMaxRank = 1 << 16;

// Of the numbered parts of a path the first that has a name before and behind it ("model.layers.3.mlp"); -1 for none.
// With `lists` only those behind one of these names count.
int64_t layer_number(std::string_view module, const std::vector<std::string>& lists) {
  std::string_view list;
  bool first = true;
  while (!module.empty()) {
    const size_t dot = module.find('.');
    const std::string_view part = module.substr(0, dot);
    module = dot == std::string_view::npos ? std::string_view() : module.substr(dot + 1);
    int64_t number = -1;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), number);
    const bool is_number = error == std::errc{} && end == part.data() + part.size();
    const bool named =
        lists.empty() ? !list.empty() && !first : std::find(lists.begin(), lists.end(), list) != lists.end();
    if (is_number && number >= 0 && named && !module.empty()) return number;
    first = list.empty();
    list = part;
  }
  return -1;
}

// Of torch's kaiming_uniform_ with a = sqrt(5), rounded where it rounds.
double kaiming_bound(int64_t fan_in) {
  const double gain = std::sqrt(2 / (1 + std::sqrt(5.0) * std::sqrt(5.0)));
  return std::sqrt(3.0) * (gain / std::sqrt(static_cast<double>(fan_in)));
}

Json whole_if_whole(double value) {
  return std::abs(value) < 1e15 && value == std::floor(value) ? Json(static_cast<int64_t>(value)) : Json(value);
}

double by_pattern(const std::map<std::string, double>& patterns, std::string_view module, double otherwise) {
  for (const auto& [pattern, value] : patterns) {
    if (Pattern(fmt::format("(.*\\.)?({})", pattern), "adapter_config.json").matches_all_of(module)) return value;
  }
  return otherwise;
}

}  // namespace

void LoraConfig::read_own(Json& keys, std::string_view where) {
  const double rank = take_number(keys, "r", static_cast<double>(r), where);
  r = rank >= 1 && rank <= kMaxRank && rank == std::floor(rank) ? static_cast<int64_t>(rank) : 0;  // which is refused
  lora_alpha = take_number(keys, "lora_alpha", lora_alpha, where);
  lora_dropout = take_number(keys, "lora_dropout", lora_dropout, where);
  bias = take_optional_text(keys, "bias", where).value_or("none");
  use_rslora = take_bool(keys, "use_rslora", false, where);
  use_dora = take_bool(keys, "use_dora", false, where);
  lora_bias = take_bool(keys, "lora_bias", false, where);
  const Json init = take(keys, "init_lora_weights");
  if (!init.is_null()) init_lora_weights = init.is_string() ? init.get<std::string>() : dump_json(init);
  const Json layers = take(keys, "layers_to_transform");
  if (layers.is_number_integer()) layers_to_transform = {layers.get<int64_t>()};
  if (layers.is_array()) {
    for (const Json& layer : layers)
      layers_to_transform.push_back(layer.is_number_integer() ? layer.get<int64_t>() : -1);
  }
  layers_pattern = take_texts(keys, "layers_pattern", where);
  rank_pattern = take_numbers(keys, "rank_pattern", where);
  alpha_pattern = take_numbers(keys, "alpha_pattern", where);
  for (const char* key :
       {"alora_invocation_tokens", "arrow_config", "corda_config", "ensure_weight_tying", "eva_config", "kasa_config",
        "layer_replication", "loftq_config", "lora_ga_config", "megatron_config", "monteclora_config",
        "target_parameters", "trainable_token_indices", "use_bdlora", "use_qalora", "velora_config"}) {
    expect_unset(keys, key, where);
  }
  for (const char* inert : {"megatron_core", "qalora_group_size", "runtime_config"}) take(keys, inert);
  validate(where);
}

void LoraConfig::validate(std::string_view where) const {
  const auto refuse = [&](ErrorKind kind, const std::string& what, std::string_view hint = {}) {
    throw Error(kind, where, what, hint);
  };
  const auto expect_rank = [&](double rank) {
    if (rank >= 1 && rank <= kMaxRank && rank == std::floor(rank)) return;
    refuse(ErrorKind::kInvalidArgument, fmt::format("the rank r is {}", rank), "give a whole number, as 8 or 16");
  };
  expect_rank(static_cast<double>(r));
  for (const auto& [pattern, rank] : rank_pattern) expect_rank(rank);
  if (!(lora_dropout >= 0 && lora_dropout < 1)) {
    refuse(ErrorKind::kInvalidArgument, fmt::format("lora_dropout is {}, not in [0, 1)", lora_dropout));
  }
  if (!std::isfinite(lora_alpha)) refuse(ErrorKind::kInvalidArgument, "lora_alpha is not finite");
  if (bias != "none" && bias != "all" && bias != "lora_only") {
    refuse(ErrorKind::kUnsupported, fmt::format("bias is \"{}\"", bias), "use none, all or lora_only");
  }
  if (init_lora_weights != "true" && init_lora_weights != "false" && init_lora_weights != "gaussian") {
    refuse(ErrorKind::kUnsupported, fmt::format("init_lora_weights is \"{}\"", init_lora_weights),
           "adapters of an initialisation that changes the base model must be converted with PEFT first");
  }
  if (use_dora && lora_bias) refuse(ErrorKind::kUnsupported, "use_dora with lora_bias");
}

void LoraConfig::write_own(Json& json) const {
  json["r"] = r;
  json["lora_alpha"] = whole_if_whole(lora_alpha);
  json["lora_dropout"] = lora_dropout;
  json["bias"] = bias;
  json["use_rslora"] = use_rslora;
  json["use_dora"] = use_dora;
  json["lora_bias"] = lora_bias;
  json["init_lora_weights"] = init_lora_weights == "gaussian" ? Json("gaussian") : Json(init_lora_weights == "true");
  json["layers_to_transform"] = layers_to_transform.empty() ? Json() : Json(layers_to_transform);
  json["layers_pattern"] = layers_pattern.empty() ? Json() : Json(layers_pattern);
  json["rank_pattern"] = Json::object();
  for (const auto& [pattern, rank] : rank_pattern) json["rank_pattern"][pattern] = static_cast<int64_t>(rank);
  json["alpha_pattern"] = Json::object();
  for (const auto& [pattern, alpha] : alpha_pattern) json["alpha_pattern"][pattern] = whole_if_whole(alpha);
}

bool LoraConfig::is_in_chosen_layer(std::string_view module) const {
  if (layers_to_transform.empty()) return true;
  const int64_t number = layer_number(module, layers_pattern);
  return std::find(layers_to_transform.begin(), layers_to_transform.end(), number) != layers_to_transform.end();
}

std::shared_ptr<AdapterPart> LoraConfig::make_part(const LayerShape& layer, TorchGenerator& random) const {
  auto part = std::make_shared<LoraPart>();
  const auto rank = static_cast<int64_t>(by_pattern(rank_pattern, layer.module, static_cast<double>(r)));
  const double alpha = by_pattern(alpha_pattern, layer.module, lora_alpha);
  part->scaling = alpha / (use_rslora ? std::sqrt(static_cast<double>(rank)) : static_cast<double>(rank));
  part->dropout = lora_dropout;
  const bool zeros = init_lora_weights != "false";
  if (layer.kind == nn::AdapterSlot::Kind::kEmbedding) {
    if (lora_bias) throw Error(ErrorKind::kUnsupported, "lora", "lora_bias on the embedding " + layer.module);
    const int64_t rows = layer.weight.size(0), out = layer.weight.size(1);
    part->lora_embedding_A = zeros ? Tensor::zeros({rank, rows}) : random.normal({rank, rows}, 1);
    part->lora_embedding_B = random.normal({out, rank}, 1);
  } else {
    const int64_t out = layer.weight.size(0), in = layer.weight.size(1);
    // torch draws both factors when it makes the layers, and A once more for LoRA's own initialisation.
    const double bound_A = kaiming_bound(in), bound_B = kaiming_bound(rank);
    part->lora_A.weight = random.uniform({rank, in}, -bound_A, bound_A);
    part->lora_B.weight = random.uniform({out, rank}, -bound_B, bound_B);
    if (lora_bias)
      part->lora_B.bias =
          random.uniform({out}, -1 / std::sqrt(static_cast<double>(rank)), 1 / std::sqrt(static_cast<double>(rank)));
    if (init_lora_weights == "true") part->lora_A.weight = random.uniform({rank, in}, -bound_A, bound_A);
    if (init_lora_weights == "gaussian") part->lora_A.weight = random.normal({rank, in}, 1 / static_cast<double>(rank));
    if (zeros) part->lora_B.weight = Tensor::zeros({out, rank});
    if (zeros && lora_bias) part->lora_B.bias = Tensor::zeros({out});
  }
  if (use_dora) part->lora_magnitude_vector = part->weight_norm(layer.weight);
  return part;
}

Tensor LoraPart::delta_weight() const {
  const NoGrad no_grad;
  if (is_embedding()) {
    return transpose(matmul(widen(lora_embedding_B), widen(lora_embedding_A)), 0, 1) * scaling;
  }
  return matmul(widen(lora_B.weight), widen(lora_A.weight)) * scaling;
}

Tensor LoraPart::weight_norm(const Tensor& weight) const {
  const NoGrad no_grad;
  const Tensor whole = widen(decode(weight)) + delta_weight();
  return contiguous(norm(whole, 2, {is_embedding() ? 0 : 1}));
}

void LoraPart::each_field(FieldVisitor& visitor) {
  imago::internal::visit_fields(visitor, "lora_A, lora_B, lora_embedding_A, lora_embedding_B, lora_magnitude_vector",
                                lora_A, lora_B, lora_embedding_A, lora_embedding_B, lora_magnitude_vector);
}

Tensor LoraPart::forward(const Tensor& x, const nn::AdaptedLayer& below) const {
  const Tensor y = below.forward(x);
  if (is_embedding()) {
    const Tensor found = embedding(x, contiguous(transpose(lora_embedding_A, 0, 1)), below.padding_idx);
    const Tensor added = linear(found, lora_embedding_B) * scaling;
    if (!lora_magnitude_vector) return widen(y) + added;
    const Tensor scale = lora_magnitude_vector / weight_norm(below.weight);
    return widen(y) * scale + added * scale;
  }
  const Tensor input = nn::dropout(cast(x, lora_A.weight.dtype()), dropout);
  const Tensor added = linear(linear(input, lora_A.weight), lora_B.weight, lora_B.bias);
  if (!lora_magnitude_vector) return cast(y, added.dtype()) + added * scaling;
  const Tensor scale = lora_magnitude_vector / weight_norm(below.weight);
  const Tensor wide = cast(y, added.dtype());
  Tensor without_bias = below.bias ? wide - cast(below.bias, added.dtype()) : wide;
  // Where inputs are dropped, the magnitude scales what the layer gives for what is left of them.
  if (dropout > 0 && nn::training_generator() != nullptr)
    without_bias = linear(input, cast(decode(below.weight), added.dtype()));
  return wide + ((scale - 1) * without_bias + scale * added * scaling);
}

AdapterPart::Merged LoraPart::merge(const Tensor& weight, const Tensor& bias, const Tensor& base_weight) const {
  const NoGrad no_grad;
  Merged merged{{}, bias};
  Tensor whole = widen(decode(weight)) + delta_weight();
  if (lora_magnitude_vector) {
    const Tensor scale = lora_magnitude_vector / weight_norm(base_weight);
    whole = whole * (is_embedding() ? scale : reshape(scale, {-1, 1}));
  }
  merged.weight = contiguous(cast(whole, weight.dtype()));
  if (lora_B.bias) {
    if (!bias) {
      throw Error(ErrorKind::kUnsupported, "merge", "an adapter with lora_bias on a layer without bias",
                  "run the adapter unmerged");
    }
    merged.bias = cast(widen(bias) + lora_B.bias * scaling, bias.dtype());
  }
  return merged;
}

}  // namespace imago::peft
