#include "imago/train/trainable_parameters.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/nn/adapter.h"
#include "imago/ops/contiguous/contiguous.h"
#include "imago/tensor/grad_meta.h"
#include "imago/train/parallel/sharding.h"

namespace imago {
namespace {

// Which parameters are tables of an embedding, or as large as one of the vocabulary.
class Roles final : public nn::AdapterVisitor {
 public:
  explicit Roles(Model& model)
      : vocab_size_(parse_json(model.config().source.text, "config.json").value("vocab_size", int64_t{-1})) {
    model.each_field(*this);
  }
  void slot(const std::string& layer, nn::AdapterSlot& slot) override {
    if (slot.kind == nn::AdapterSlot::Kind::kEmbedding) embeddings_.insert(layer + ".weight");
  }
  NamedParameter::Role of(const std::string& name, const Tensor& tensor) const {
    if (embeddings_.contains(name)) return NamedParameter::Role::kEmbedding;
    const bool head = tensor.dim() == 2 && tensor.size(0) == vocab_size_;
    return head ? NamedParameter::Role::kHead : NamedParameter::Role::kOther;
  }

 private:
  int64_t vocab_size_;
  std::set<std::string> embeddings_;
};

}  // namespace

std::vector<NamedParameter> trainable_parameters(Model& model, const std::vector<std::string>& frozen) {
  const NoGrad no_grad;
  std::vector<std::pair<Tensor, Tensor>> copies;  // of each original
  std::vector<NamedParameter> parameters;
  const Roles roles(model);
  for_each_parameter(model, [&](const std::string& name, Tensor& tensor) {
    if (std::any_of(frozen.begin(), frozen.end(), [&](const auto& pattern) { return match_pattern(pattern, name); }))
      return;
    if (tensor.encoding()) {
      throw Error(ErrorKind::kUnsupported, "train", name + " is in a quantized format", "train the unquantized model");
    }
    if (!is_floating_point(tensor.dtype())) return;
    const auto found =
        std::find_if(copies.begin(), copies.end(), [&](const auto& c) { return c.first.is_same(tensor); });
    if (found != copies.end()) {
      tensor = found->second;
      return;
    }
    const Tensor original = tensor;
    tensor = clone(tensor.detach());
    tensor.set_requires_grad(true);
    copies.emplace_back(original, tensor);
    parameters.push_back({name, tensor, nullptr, roles.of(name, tensor)});
  });
  return parameters;
}

bool is_decayed(const NamedParameter& parameter) {
  // Vectors called weight are those of norms: the reference looks at the class, which a checkpoint's name hides
  // ("ln_1.weight").
  const std::string& name = parameter.name;
  const int dims = parameter.sharding ? parameter.sharding->shape.size() : parameter.value.dim();
  const bool is_norm = dims <= 1 && (name == "weight" || name.ends_with(".weight"));
  return !is_norm && name.find("bias") == std::string::npos;
}

}  // namespace imago
