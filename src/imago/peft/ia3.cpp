#include "imago/peft/ia3.h"

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/contiguous/contiguous.h"
#include "imago/ops/operators.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/peft/config_keys.h"
#include "imago/tensor/encoded_matrix.h"
#include "imago/tensor/grad_meta.h"

namespace imago::peft {

void Ia3Config::read_own(Json& keys, std::string_view where) {
  feedforward_modules = read_selection(take(keys, "feedforward_modules"), where);
  init_ia3_weights = take_bool(keys, "init_ia3_weights", true, where);
}

void Ia3Config::write_own(Json& json) const {
  json["feedforward_modules"] = feedforward_modules.empty() ? Json::array() : write_selection(feedforward_modules);
  json["init_ia3_weights"] = init_ia3_weights;
}

std::shared_ptr<AdapterPart> Ia3Config::make_part(const LayerShape& layer, TorchGenerator& random) const {
  if (layer.kind != nn::AdapterSlot::Kind::kLinear) {
    throw Error(ErrorKind::kUnsupported, "ia3", "the target " + layer.module + " is no linear layer");
  }
  auto part = std::make_shared<Ia3Part>();
  part->is_feedforward = feedforward_modules.contains(layer.module);
  const Shape shape = part->is_feedforward ? Shape{1, layer.weight.size(1)} : Shape{layer.weight.size(0), 1};
  part->ia3_l = init_ia3_weights ? Tensor::ones(shape) : random.normal(shape, 1);
  return part;
}

Tensor Ia3Part::forward(const Tensor& x, const nn::AdaptedLayer& below) const {
  const Tensor factors = reshape(ia3_l, {-1});
  if (is_feedforward) return below.forward(cast(cast(x, factors.dtype()) * factors, x.dtype()));
  return cast(below.forward(x), factors.dtype()) * factors;
}

AdapterPart::Merged Ia3Part::merge(const Tensor& weight, const Tensor& bias, const Tensor& /*base_weight*/) const {
  const NoGrad no_grad;
  Merged merged{contiguous(cast(widen(decode(weight)) * ia3_l, weight.dtype())), bias};
  if (!is_feedforward && bias) merged.bias = contiguous(cast(widen(bias) * reshape(ia3_l, {-1}), bias.dtype()));
  return merged;
}

}  // namespace imago::peft
