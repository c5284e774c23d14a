// LoRA (Hu et al. 2021, "LoRA: Low-Rank Adaptation of Large Language Models") with rank-stabilised scaling
// (Kalajdzievski 2023) and DoRA (Liu et al. 2024, "DoRA: Weight-Decomposed Low-Rank Adaptation").
#pragma once

#include <map>

#include "imago/peft/adapter_config.h"

namespace imago::peft {

class LoraConfig final : public AdapterConfig {
 public:
  int64_t r = 8;
  double lora_alpha = 8, lora_dropout = 0;
  std::string bias = "none";
  bool use_rslora = false, use_dora = false, lora_bias = false;
  std::string init_lora_weights = "true";                     // or "false" (nothing is zero), "gaussian"
  std::vector<int64_t> layers_to_transform;                   // empty: all
  std::vector<std::string> layers_pattern;                    // names of the lists of layers; empty: any
  std::map<std::string, double> rank_pattern, alpha_pattern;  // by the end of a module's path, as a pattern

  std::string_view peft_type() const override { return "LORA"; }
  std::string_view trained_biases() const override { return bias; }
  std::shared_ptr<AdapterPart> make_part(const LayerShape& layer, TorchGenerator& random) const override;
  std::unique_ptr<AdapterConfig> clone() const override { return std::make_unique<LoraConfig>(*this); }

  // Throws Error kInvalidArgument or kUnsupported for values that cannot be followed.
  void validate(std::string_view where) const;

 protected:
  void read_own(Json& keys, std::string_view where) override;
  void write_own(Json& json) const override;
  bool is_in_chosen_layer(std::string_view module) const override;
};

// W x + scaling B (A x), and with a magnitude m per output the same scaled to m / |W + scaling B A|, whose norm counts
// as a constant. Of an embedding A [r, rows] is looked up.
class LoraPart final : public AdapterPart {
 public:
  struct Factor {
    Tensor weight, bias;
    FIELDS(weight, bias)
  };
  Factor lora_A, lora_B;  // [r, in]; [out, r], and a bias [out] with lora_bias
  Tensor lora_embedding_A, lora_embedding_B;
  Tensor lora_magnitude_vector;  // [out], DoRA only
  double scaling = 1, dropout = 0;
  void each_field(FieldVisitor& visitor) override;

  Tensor forward(const Tensor& x, const nn::AdaptedLayer& below) const override;
  Merged merge(const Tensor& weight, const Tensor& bias, const Tensor& base_weight) const override;

  bool is_embedding() const { return lora_embedding_A.defined(); }
  int64_t rank() const { return (is_embedding() ? lora_embedding_A : lora_A.weight).size(0); }
  // What is added to the layer's weight, in its layout, float32; DoRA's magnitude left out.
  Tensor delta_weight() const;
  // |W + delta| of each output [out].
  Tensor weight_norm(const Tensor& weight) const;
};

}  // namespace imago::peft
