#include "imago/export/linear_layers.h"

#include <algorithm>
#include <set>

#include "imago/base/error.h"
#include "imago/nn/linear_observer.h"
#include "imago/tensor/grad_meta.h"

namespace imago {
namespace {

// "model.layers.*.mlp.up_proj"
std::string without_numbers(const std::string& path) {
  std::string pattern;
  for (size_t begin = 0; begin <= path.size();) {
    const size_t end = std::min(path.find('.', begin), path.size());
    const std::string part = path.substr(begin, end - begin);
    const bool number = !part.empty() && part.find_first_not_of("0123456789") == std::string::npos;
    pattern += (begin == 0 ? "" : ".") + (number ? std::string("*") : part);
    begin = end + 1;
  }
  return pattern;
}

struct Seen final : nn::LinearObserver {
  void observe(const nn::Linear& layer, const Tensor&) override { patterns.insert(without_numbers(layer.path)); }
  std::set<std::string> patterns;
};

void run_on_a_few_tokens(const Model& model) {
  const NoGrad no_grad;
  const Tensor ids = Tensor::zeros({1, 4}, DType::i64);
  TensorMap inputs = {{"input_ids", ids}};
  if (model.config().is_encoder_decoder) inputs["decoder_input_ids"] = ids;
  try {
    model.run(inputs);
  } catch (const Error& error) {
    throw Error(ErrorKind::kUnsupported, "linear layers",
                std::string("the model cannot be run on tokens alone: ") + error.what());
  }
}

}  // namespace

std::vector<LinearLayer> linear_layers(Model& model) {
  std::set<std::string> patterns;
  {
    Seen seen;
    run_on_a_few_tokens(model);
    patterns = std::move(seen.patterns);
  }
  const WeightMap map = model.weight_map();
  const std::string dotted = map.base_model_prefix + ".";
  std::vector<LinearLayer> layers;
  bool is_prefixed = false;
  for_each_parameter(model, [&](const std::string& path, Tensor&) {
    is_prefixed = is_prefixed || (!map.base_model_prefix.empty() && path.starts_with(dotted));
  });
  constexpr std::string_view kWeight = ".weight";
  for_each_parameter(model, [&](const std::string& path, Tensor& parameter) {
    if (!path.ends_with(kWeight) || parameter.dim() != 2) return;
    const std::string layer = path.substr(0, path.size() - kWeight.size());
    if (!patterns.contains(without_numbers(layer))) return;
    const bool tied = std::any_of(map.tied.begin(), map.tied.end(), [&, &weight = path](const auto& t) {
      return t.first == weight || t.second == weight;
    });
    layers.push_back({layer, tied || (is_prefixed && !path.starts_with(dotted))});
  });
  return layers;
}

}  // namespace imago
