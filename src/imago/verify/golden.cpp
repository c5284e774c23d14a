#include "imago/verify/golden.h"

#include <fmt/core.h>

#include "imago/base/error.h"
#include "imago/base/json.h"

namespace imago {
namespace {

// What the forward pass was asked for besides its inputs.
RunOptions read_forward(const Json& forward) {
  RunOptions options;
  for (const auto& [key, value] : forward.items()) {
    if (key == "output_hidden_states") {
      options.output_hidden_states = value.get<bool>();
    } else if (key == "output_attentions") {
      options.output_attentions = value.get<bool>();
    } else if (key == "attn_implementation") {
      options.attention = value == "eager" ? AttentionImplementation::kEager : AttentionImplementation::kSdpa;
    } else if (key != "return_dict" && key != "use_cache") {
      throw Error(ErrorKind::kUnsupported, "golden.json", fmt::format("the forward option \"{}\"", key));
    }
  }
  // The reference gives weights only from its eager attention.
  if (options.output_attentions) options.attention = AttentionImplementation::kEager;
  return options;
}

AdamWOptions read_train(const Json& train) {
  AdamWOptions options;
  options.lr = train.value("lr", options.lr);
  options.eps = train.value("eps", options.eps);
  options.weight_decay = train.value("weight_decay", options.weight_decay);
  if (train.contains("betas")) {
    options.beta1 = train.at("betas").at(0).get<double>();
    options.beta2 = train.at("betas").at(1).get<double>();
  }
  if (train.value("optimizer", std::string("AdamW")) != "AdamW") {
    throw Error(ErrorKind::kUnsupported, "golden.json",
                fmt::format("the optimizer {}", dump_json(train.at("optimizer"))));
  }
  return options;
}

}  // namespace

Golden Golden::open(const std::string& folder) {
  Golden golden{.file = SafetensorsFile::open(folder + "/golden.safetensors")};
  const Json json = read_json(folder + "/golden.json");
  try {
    golden.auto_class = json.at("auto_class").get<std::string>();
    golden.forward = read_forward(json.value("forward", Json::object()));
    if (json.contains("generate") && json["generate"].is_object())
      golden.runs.push_back({"generate.sequences", dump_json(json["generate"])});
    const Json runs = json.value("generate_runs", Json::object());
    for (const auto& [name, options] : runs.items())
      golden.runs.push_back({"generate." + name + ".sequences", dump_json(options)});
    golden.train = read_train(json.value("train", Json::object()));
    if (json.contains("dtype")) golden.dtype = parse_dtype(json["dtype"].get<std::string>());
    golden.seed = json.value("seed", uint64_t{0});
    golden.training = json.value("training", false);
    const Json forward = json.value("forward", Json::object());
    golden.says_attention = forward.contains("attn_implementation") || golden.forward.output_attentions;
  } catch (const JsonError& error) {
    throw Error(ErrorKind::kInvalidFile, "golden.json", error.what());
  }
  if (const Tensor losses = golden.tensor("losses")) golden.train_steps = losses.numel();
  return golden;
}

TensorMap Golden::with_prefix(const std::string& prefix) const {
  TensorMap tensors;
  for (const std::string& name : file.names()) {
    if (name.starts_with(prefix)) tensors.emplace(name.substr(prefix.size()), file.tensor(name));
  }
  return tensors;
}

}  // namespace imago
