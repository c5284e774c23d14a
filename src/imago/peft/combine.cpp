#include "imago/peft/combine.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "imago/base/error.h"
#include "imago/ops/concat/concat.h"
#include "imago/ops/contiguous/contiguous.h"
#include "imago/ops/operators.h"
#include "imago/ops/pad/pad.h"
#include "imago/tensor/grad_meta.h"

namespace imago::peft {
namespace {

constexpr const char* kWhere = "add_weighted";

// Room for the largest rank that a layer may have.
int64_t rank_of(const LoraConfig& config) {
  int64_t rank = config.r;
  for (const auto& [pattern, value] : config.rank_pattern) rank = std::max(rank, static_cast<int64_t>(value));
  return rank;
}

ModuleSelection all_targets(const std::vector<const LoraConfig*>& configs) {
  std::vector<std::string> names;
  std::string pattern;
  for (const LoraConfig* config : configs) {
    if (const auto& regex = config->target_modules.regex()) pattern += (pattern.empty() ? "(" : "|(") + *regex + ")";
    for (const std::string& name : config->target_modules.names()) {
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
  }
  if (pattern.empty()) return ModuleSelection(std::move(names));
  if (names.empty()) return ModuleSelection::of_pattern(std::move(pattern), kWhere);
  throw Error(ErrorKind::kUnsupported, kWhere, "some adapters choose their modules by name and some by a pattern");
}

Tensor& first_factor(LoraPart& part) { return part.is_embedding() ? part.lora_embedding_A : part.lora_A.weight; }
Tensor& second_factor(LoraPart& part) { return part.is_embedding() ? part.lora_embedding_B : part.lora_B.weight; }

}  // namespace

LoraConfig combined_config(const std::vector<const LoraConfig*>& configs, const std::vector<double>& weights,
                           const std::string& combination_type) {
  if (configs.empty() || configs.size() != weights.size()) {
    throw Error(ErrorKind::kInvalidArgument, kWhere,
                fmt::format("{} adapters and {} weights", configs.size(), weights.size()), "give a weight for each");
  }
  if (combination_type != "linear" && combination_type != "cat") {
    throw Error(ErrorKind::kUnsupported, kWhere, fmt::format("combination_type is \"{}\"", combination_type),
                "use linear or cat");
  }
  LoraConfig combined = *configs[0];
  int64_t rank = 0;
  for (const LoraConfig* config : configs) {
    if (config->layers_to_transform != combined.layers_to_transform ||
        config->layers_pattern != combined.layers_pattern)
      throw Error(ErrorKind::kUnsupported, kWhere, "adapters on different layers_to_transform");
    if (config->lora_bias) throw Error(ErrorKind::kUnsupported, kWhere, "an adapter with lora_bias");
    if (combination_type == "linear" && rank != 0 && rank_of(*config) != rank) {
      throw Error(ErrorKind::kInvalidArgument, kWhere,
                  fmt::format("adapters of the ranks {} and {}", rank, rank_of(*config)),
                  "\"linear\" takes one rank; \"cat\" takes several");
    }
    rank = combination_type == "cat" ? rank + rank_of(*config) : rank_of(*config);
  }
  combined.r = rank;
  combined.lora_alpha = static_cast<double>(rank);
  combined.use_rslora = false;
  combined.rank_pattern.clear();
  combined.alpha_pattern.clear();
  combined.target_modules = all_targets(configs);
  return combined;
}

std::shared_ptr<LoraPart> combine(const std::vector<WeightedPart>& parts, int64_t rank,
                                  const std::string& combination_type) {
  const NoGrad no_grad;
  auto combined = std::make_shared<LoraPart>(*parts[0].part);
  combined->scaling = 1;
  Tensors first, second;
  for (const auto& [part, weight] : parts) {
    LoraPart copy = *part;
    const double factor = weight * part->scaling;
    const Tensor a = first_factor(copy).detach(), b = second_factor(copy).detach();
    if (combination_type == "cat") {
      first.push_back(a * factor);
      second.push_back(b);
    } else {  // the sign goes to one of the two, whose product it would leave otherwise
      const double root = std::sqrt(std::abs(factor));
      const Tensor scaled_a = a * (factor < 0 ? -root : root), scaled_b = b * root;
      first = {first.empty() ? scaled_a : first[0] + scaled_a};
      second = {second.empty() ? scaled_b : second[0] + scaled_b};
    }
  }
  Tensor a = concat(first, 0), b = concat(second, 1);
  // Layers that not all adapters are on have less than the whole rank.
  const int64_t missing = rank - a.size(0);
  first_factor(*combined) = contiguous(missing == 0 ? a : pad(a, {0, 0, 0, missing}, 0));
  second_factor(*combined) = contiguous(missing == 0 ? b : pad(b, {0, missing}, 0));
  return combined;
}

}  // namespace imago::peft
