#include "imago/pipelines/sentence_modules.h"

#include <fmt/format.h>

#include <array>
#include <filesystem>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/io/checkpoint.h"
#include "imago/nn/activations.h"
#include "imago/nn/layers.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/operators.h"
#include "imago/pipelines/similarity.h"

namespace imago {
namespace {

// Keys that only say what a module reads and writes; Imago has the usual ones.
void expect_usual_names(const Json& config) {
  for (const char* key : {"module_input_name", "module_output_name"}) {
    const Json name = config.value(key, Json());
    if (!name.is_null() && name.get<std::string>() != "sentence_embedding")
      throw Error(ErrorKind::kUnsupported, key, fmt::format("it is {}", dump_json(name)),
                  "sentence_embedding is known");
  }
}

void expect_known_keys(const Json& config, std::initializer_list<std::string_view> known) {
  for (const auto& [key, value] : config.items()) {
    if (std::find(known.begin(), known.end(), key) == known.end())
      throw Error(ErrorKind::kUnsupported, "config.json", fmt::format("the key \"{}\" is not known", key));
  }
}

// The folder's tensors into the fields of the same names, each of which has to be there and to have its shape.
template <HasFields Fields>
void load_fields(Fields& fields, const std::string& folder, DType dtype) {
  const Checkpoint checkpoint = Checkpoint::open(folder);
  size_t taken = 0;
  for_each_parameter(fields, [&](const std::string& path, Tensor& parameter) {
    const Tensor value = checkpoint.tensor(path);
    if (!(value.shape() == parameter.shape())) {
      throw Error(ErrorKind::kInvalidFile, path,
                  fmt::format("the shape is {}, config.json says {}", value.shape().to_string(),
                              parameter.shape().to_string()));
    }
    parameter = cast(value, dtype);
    ++taken;
  });
  if (taken != checkpoint.names().size())
    throw Error(ErrorKind::kInvalidFile, folder,
                fmt::format("it has {} tensors, config.json says {}", checkpoint.names().size(), taken));
}

// Classes of torch without parameters, as fullname() writes them, under the names of nn/activations.
constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kTorchActivations = {{
    {"torch.nn.modules.activation.Tanh", "tanh"},
    {"torch.nn.modules.linear.Identity", "linear"},
    {"torch.nn.modules.activation.ReLU", "relu"},
    {"torch.nn.modules.activation.GELU", "gelu"},
    {"torch.nn.modules.activation.Sigmoid", "sigmoid"},
    {"torch.nn.modules.activation.SiLU", "silu"},
    {"torch.nn.modules.activation.Mish", "mish"},
}};

class SentenceDense final : public SentenceModule {
 public:
  SentenceDense(const Json& config, const std::string& folder, DType dtype)
      : activation_(torch_activation(config.value("activation_function", std::string(kTorchActivations[0].first)))),
        use_residual_(config.value("use_residual", false)) {
    expect_known_keys(config, {"in_features", "out_features", "bias", "activation_function", "module_input_name",
                               "module_output_name", "use_residual"});
    expect_usual_names(config);
    const auto in = config.at("in_features").get<int64_t>(), out = config.at("out_features").get<int64_t>();
    layers_.linear = nn::Linear(in, out, config.value("bias", true));
    if (use_residual_ && in != out) layers_.residual = nn::Linear(in, out, false);
    load_fields(layers_, folder, dtype);
  }

  void apply(SentenceFeatures& features) const override {
    const Tensor x = features.sentence_embedding;
    features.sentence_embedding = activation_(layers_.linear(x));
    if (!use_residual_) return;
    features.sentence_embedding = features.sentence_embedding + (layers_.residual.weight ? layers_.residual(x) : x);
  }

 private:
  struct Layers {
    nn::Linear linear, residual;
    FIELDS(linear, residual)
  };

  Layers layers_;
  nn::Activation activation_;
  bool use_residual_;
};

class SentenceLayerNorm final : public SentenceModule {
 public:
  SentenceLayerNorm(const Json& config, const std::string& folder, DType dtype) {
    expect_known_keys(config, {"dimension"});
    layers_.norm = nn::LayerNorm(config.at("dimension").get<int64_t>(), 1e-5);
    load_fields(layers_, folder, dtype);
  }
  void apply(SentenceFeatures& features) const override {
    features.sentence_embedding = layers_.norm(features.sentence_embedding);
  }

 private:
  struct Layers {
    nn::LayerNorm norm;
    FIELDS(norm)
  };
  Layers layers_;
};

class SentenceNormalize final : public SentenceModule {
 public:
  SentenceNormalize(const Json& config, const std::string&, DType) {
    expect_known_keys(config, {"module_input_name", "module_output_name"});
    expect_usual_names(config);
  }
  void apply(SentenceFeatures& features) const override {
    const Tensor& x = features.sentence_embedding;
    features.sentence_embedding = cast(normalize_rows(widen(x)), x.dtype());
  }
};

// Of training only.
class SentenceDropout final : public SentenceModule {
 public:
  SentenceDropout(const Json& config, const std::string&, DType) { expect_known_keys(config, {"dropout"}); }
  void apply(SentenceFeatures&) const override {}
};

class PoolingFolder final : public SentenceModule {
 public:
  PoolingFolder(const Json& config, const std::string&, DType) : pooling_(make_sentence_pooling(config)) {}
  void apply(SentenceFeatures& features) const override { pooling_->apply(features); }

 private:
  std::unique_ptr<SentenceModule> pooling_;
};

using Maker = std::unique_ptr<SentenceModule> (*)(const Json& config, const std::string& folder, DType dtype);

template <class Module>
std::unique_ptr<SentenceModule> make(const Json& config, const std::string& folder, DType dtype) {
  return std::make_unique<Module>(config, folder, dtype);
}

constexpr std::array<std::pair<std::string_view, Maker>, 5> kModules = {{
    {"Pooling", make<PoolingFolder>},
    {"Dense", make<SentenceDense>},
    {"Normalize", make<SentenceNormalize>},
    {"LayerNorm", make<SentenceLayerNorm>},
    {"Dropout", make<SentenceDropout>},
}};

}  // namespace

nn::Activation torch_activation(const std::string& name) {
  std::string known;
  for (const auto& [torch_name, ours] : kTorchActivations) {
    if (torch_name == name) return nn::activation(ours);
    known += (known.empty() ? "" : ", ") + std::string(torch_name);
  }
  throw Error(ErrorKind::kUnsupported, "activation_function", fmt::format("\"{}\" is not known", name),
              "known are " + known);
}

std::unique_ptr<SentenceModule> load_sentence_module(std::string_view type, const std::string& folder, DType dtype) {
  const ErrorScope scope(folder);
  const std::string_view name = type.substr(type.rfind('.') + 1);
  for (const auto& [known, maker] : kModules) {
    if (name != known || !type.starts_with("sentence_transformers.")) continue;
    const std::string path = folder + "/config.json";
    const Json config = std::filesystem::exists(path) ? read_json(path) : Json::object();
    try {
      return maker(config, folder, dtype);
    } catch (const JsonError& error) {
      throw Error(ErrorKind::kInvalidFile, "config.json", error.what());
    }
  }
  throw Error(ErrorKind::kUnsupported, "modules.json", fmt::format("there is no module \"{}\"", type),
              "behind the model there may be Pooling, Dense, Normalize, LayerNorm and Dropout");
}

}  // namespace imago
