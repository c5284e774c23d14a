#include "imago/train/noisy_embeddings.h"

#include <cmath>
#include <map>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/operators.h"

namespace imago {
namespace {

class Noisy final : public nn::LayerAdapter {
 public:
  Noisy(std::shared_ptr<const nn::LayerAdapter> below, double alpha, TorchGenerator& generator)
      : below_(std::move(below)), alpha_(alpha), generator_(generator) {}

  Tensor forward(const Tensor& ids, const nn::AdaptedLayer& layer) const override {
    const Tensor x = below_ ? below_->forward(ids, layer) : layer.forward(ids);
    const double bound = alpha_ / std::sqrt(static_cast<double>(x.size(1) * x.size(2)));
    return x + cast(generator_.uniform(x.shape(), -bound, bound), x.dtype());
  }

 private:
  std::shared_ptr<const nn::LayerAdapter> below_;
  double alpha_;
  TorchGenerator& generator_;
};

// The first table with a row for each word of the vocabulary.
class TableFinder final : public nn::AdapterVisitor {
 public:
  TableFinder(Model& model, int64_t vocab_size) {
    for_each_parameter(model, [&](const std::string& name, Tensor& tensor) {
      if (tensor.dim() == 2 && tensor.size(0) == vocab_size) tables_[name] = true;
    });
  }
  void slot(const std::string& layer, nn::AdapterSlot& slot) override {
    const bool embeds = slot.kind == nn::AdapterSlot::Kind::kEmbedding;
    if (found == nullptr && embeds && tables_.contains(layer + ".weight")) found = &slot;
  }
  nn::AdapterSlot* found = nullptr;

 private:
  std::map<std::string, bool> tables_;
};

}  // namespace

NoisyEmbeddings::NoisyEmbeddings(Model& model, double alpha, TorchGenerator& generator) {
  if (alpha == 0) return;
  const Json config = parse_json(model.config().source.text, "config.json");
  TableFinder finder(model, config.value("vocab_size", int64_t{-1}));
  model.each_field(finder);
  if (finder.found == nullptr) {
    throw Error(ErrorKind::kUnsupported, "train", "neftune_noise_alpha: the model has no table of vocab_size tokens",
                "leave it out");
  }
  slot_ = finder.found;
  previous_ = slot_->adapter;
  slot_->adapter = std::make_shared<Noisy>(previous_, alpha, generator);
}

NoisyEmbeddings::~NoisyEmbeddings() {
  if (slot_ != nullptr) slot_->adapter = previous_;
}

}  // namespace imago
