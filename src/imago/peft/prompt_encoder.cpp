#include "imago/peft/prompt_encoder.h"

#include <fmt/core.h>

#include <cmath>

#include "imago/base/error.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/contiguous/contiguous.h"
#include "imago/ops/linear/linear.h"
#include "imago/ops/unary/unary.h"
#include "imago/tensor/grad_meta.h"

namespace imago::peft {

PromptEncoder::PromptEncoder(std::string head, bool with_tanh, int64_t tokens, const std::vector<int64_t>& sizes,
                             TorchGenerator& random)
    : head_(std::move(head)), with_tanh_(with_tanh), embedding_(random.normal({tokens, sizes.front()}, 1)) {
  for (size_t i = 0; i + 1 < sizes.size(); ++i) {
    const double bound = 1 / std::sqrt(static_cast<double>(sizes[i]));  // torch's, of weight and bias
    nn::Linear layer(sizes[i], sizes[i + 1]);
    layer.weight = random.uniform({sizes[i + 1], sizes[i]}, -bound, bound);
    layer.bias = random.uniform({sizes[i + 1]}, -bound, bound);
    layers_.push_back(std::move(layer));
  }
}

Tensor PromptEncoder::operator()() const {
  Tensor x = embedding_;
  for (size_t i = 0; i < layers_.size(); ++i) {
    if (i > 0) x = with_tanh_ ? tanh(x) : relu(x);
    x = linear(x, layers_[i].weight, layers_[i].bias);
  }
  return x;
}

std::vector<PromptEncoder::NamedTensor> PromptEncoder::tensors() {
  std::vector<NamedTensor> list = {{"embedding.weight", &embedding_}};
  for (size_t i = 0; i < layers_.size(); ++i) {
    list.push_back({fmt::format("{}.{}.weight", head_, 2 * i), &layers_[i].weight});
    list.push_back({fmt::format("{}.{}.bias", head_, 2 * i), &layers_[i].bias});
  }
  return list;
}

void PromptEncoder::load(const std::string& path) {
  const SafetensorsFile file = SafetensorsFile::open(path);
  const std::vector<NamedTensor> wanted = tensors();
  if (file.names().size() != wanted.size()) {
    throw Error(ErrorKind::kInvalidFile, path,
                fmt::format("{} tensors, the network has {}", file.names().size(), wanted.size()));
  }
  const NoGrad no_grad;
  for (const auto& [name, tensor] : wanted) {
    if (!file.contains(name)) throw Error(ErrorKind::kInvalidFile, path, name + " is missing");
    const Tensor found = file.tensor(name);
    if (!(found.shape() == tensor->shape())) {
      throw Error(ErrorKind::kInvalidFile, path,
                  fmt::format("{} is {}, the network's {}", name, found.describe(), tensor->describe()));
    }
    const bool trained = tensor->requires_grad();
    *tensor = clone(cast(found, DType::f32));
    tensor->set_requires_grad(trained);
  }
}

void PromptEncoder::save(const std::string& path) {
  const NoGrad no_grad;
  NamedTensors written;
  for (const auto& [name, tensor] : tensors()) written.emplace_back(name, contiguous(tensor->detach()));
  save_safetensors(path, written, SafetensorsMetadata{{"format", "pt"}});
}

}  // namespace imago::peft
