// (IA)^3 (Liu et al. 2022, "Few-Shot Parameter-Efficient Fine-Tuning is Better and Cheaper than In-Context Learning").
#pragma once

#include "imago/peft/adapter_config.h"

namespace imago::peft {

class Ia3Config final : public AdapterConfig {
 public:
  ModuleSelection feedforward_modules;  // of the targets: those whose input is scaled, rather than their output
  bool init_ia3_weights = true;         // with ones

  std::string_view peft_type() const override { return "IA3"; }
  std::shared_ptr<AdapterPart> make_part(const LayerShape& layer, TorchGenerator& random) const override;
  std::unique_ptr<AdapterConfig> clone() const override { return std::make_unique<Ia3Config>(*this); }

 protected:
  void read_own(Json& keys, std::string_view where) override;
  void write_own(Json& json) const override;
};

// A factor for each input [1, in], or for each output [out, 1].
class Ia3Part final : public AdapterPart {
 public:
  Tensor ia3_l;
  bool is_feedforward = false;
  void each_field(FieldVisitor& visitor) override { imago::internal::visit_fields(visitor, "ia3_l", ia3_l); }

  Tensor forward(const Tensor& x, const nn::AdaptedLayer& below) const override;
  Merged merge(const Tensor& weight, const Tensor& bias, const Tensor& base_weight) const override;
};

}  // namespace imago::peft
