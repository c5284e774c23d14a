#include "imago/peft/adapters.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "imago/auto/auto_model.h"
#include "imago/auto/load_weights.h"
#include "imago/autograd/backward.h"
#include "imago/base/error.h"
#include "imago/base/file.h"
#include "imago/base/json.h"
#include "imago/io/safetensors.h"
#include "imago/ops/compare/compare.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/peft/lora.h"
#include "imago/train/adamw.h"
#include "imago/verify/compare.h"

namespace imago::peft {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

const std::string kRoot = IMAGO_SOURCE_DIR "/src/imago/";
const std::string kGoldens = kRoot + "peft/golden/";

std::vector<std::string> cases() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(kGoldens)) {
    if (entry.is_directory()) names.push_back(entry.path().filename());
  }
  std::sort(names.begin(), names.end());
  return names;
}

// A golden adapter on its base model.
struct Case {
  explicit Case(const std::string& name)
      : folder(kGoldens + name),
        json(read_json(folder + "/golden.json")),
        expected(SafetensorsFile::open(folder + "/golden.safetensors")),
        base(kRoot + json.at("base").get<std::string>()),
        model(model_from_pretrained(base, json.at("auto_class").get<std::string>())) {
    for (const std::string& path : {folder, base}) {
      if (!fs::exists(path + "/golden.safetensors")) continue;
      const SafetensorsFile file = SafetensorsFile::open(path + "/golden.safetensors");
      for (const std::string& tensor : file.names()) {
        if (tensor.starts_with("inputs.")) inputs[tensor.substr(7)] = file.tensor(tensor);
      }
    }
  }

  void check(const std::string& name, const Tensor& ours) const {
    const TensorCheck result =
        compare_floating(name, ours.detach(), expected.tensor(name), expected.tensor("f64." + name), DType::f32);
    EXPECT_TRUE(result.passed) << name << ": " << result.ours << " with " << result.allowed
                               << " allowed, the reference " << result.reference << " " << result.note;
  }

  std::string folder;
  Json json;
  SafetensorsFile expected;
  std::string base;
  std::unique_ptr<Model> model;
  TensorMap inputs;
};

std::string gradient_name(std::string name) {
  if (const size_t at = name.find(".base_layer"); at != std::string::npos && name.ends_with(".weight"))
    name.erase(at, 11);
  return "grads." + name;
}

class Golden : public testing::TestWithParam<std::string> {};

TEST_P(Golden, GivesTheReferencesOutputsAndGradients) {
  Case golden(GetParam());
  Adapters adapters(*golden.model);
  adapters.load(golden.folder, "default", true);
  const TensorMap outputs = golden.model->run(golden.inputs);
  golden.check("outputs.logits", outputs.at("logits"));
  golden.check("outputs.loss", outputs.at("loss"));
  backward(outputs.at("loss"));
  size_t gradients = 0;
  for (const Adapters::NamedTensor& each : adapters.tensors()) {
    const std::string name = gradient_name(each.name);
    if (!golden.expected.contains(name)) continue;
    ++gradients;
    Tensor gradient = each.tensor->grad();
    ASSERT_TRUE(gradient.defined()) << name;
    golden.check(name, gradient);
  }
  size_t expected = 0;
  for (const std::string& name : golden.expected.names()) expected += name.starts_with("grads.") ? 1 : 0;
  EXPECT_EQ(gradients, expected);
}

TEST_P(Golden, TrainsAsTheReferenceDoes) {
  Case golden(GetParam());
  Adapters adapters(*golden.model);
  adapters.load(golden.folder, "default", true);
  Tensors parameters;
  for (const Adapters::NamedTensor& each : adapters.tensors()) {
    if (!each.name.ends_with("base_layer.weight")) parameters.push_back(*each.tensor);
  }
  AdamW optimizer(parameters, {.lr = golden.json.at("lr").get<double>(), .weight_decay = 0.01});
  const Tensor losses = Tensor::empty(golden.expected.tensor("losses").shape());
  for (int64_t step = 0; step < losses.numel(); ++step) {
    const Tensor loss = golden.model->run(golden.inputs).at("loss");
    losses.data<float>()[step] = loss.item<float>();
    backward(loss);
    optimizer.step();
    optimizer.zero_grad();
  }
  golden.check("losses", losses);
}

TEST_P(Golden, MergesAndUnmergesToTheBit) {
  Case golden(GetParam());
  const Tensor before = golden.model->run(golden.inputs).at("logits");
  {
    Adapters adapters(*golden.model);
    adapters.load(golden.folder);
    adapters.merge();
    // Without a record of it merging has to give what the adapter gives: the reference merges an adapter of tied
    // embeddings into the output as well.
    const bool recorded = golden.expected.contains("merged.logits");
    golden.check(recorded ? "merged.logits" : "outputs.logits", golden.model->run(golden.inputs).at("logits"));
    adapters.unmerge();
    golden.check("outputs.logits", golden.model->run(golden.inputs).at("logits"));
    adapters.set_active({});
    EXPECT_TRUE(all(eq(golden.model->run(golden.inputs).at("logits"), before)).item<bool>());
  }
  EXPECT_TRUE(all(eq(golden.model->run(golden.inputs).at("logits"), before)).item<bool>());
}

TEST_P(Golden, IsSavedAsItWasLoaded) {
  Case golden(GetParam());
  const std::string folder = fs::temp_directory_path() / ("imago_adapter_" + std::to_string(::getpid()));
  Adapters adapters(*golden.model);
  adapters.load(golden.folder);
  adapters.save(folder);
  const SafetensorsFile ours = SafetensorsFile::open(folder + "/adapter_model.safetensors");
  const SafetensorsFile theirs = SafetensorsFile::open(golden.folder + "/adapter_model.safetensors");
  EXPECT_THAT(ours.names(), testing::UnorderedElementsAreArray(theirs.names()));
  for (const std::string& name : theirs.names()) {
    EXPECT_TRUE(all(eq(ours.tensor(name), theirs.tensor(name))).item<bool>()) << name;
  }
  const Json saved = read_json(folder + "/adapter_config.json"),
             original = read_json(golden.folder + "/adapter_config.json");
  for (const auto& [key, value] : saved.items()) {
    const bool says_the_same = key == "target_modules" || key == "modules_to_save" || key == "layers_pattern";
    if (says_the_same || key == "fan_in_fan_out" || key == "auto_mapping")
      continue;  // nor does anything follow from these
    EXPECT_EQ(dump_json(value), dump_json(original.at(key))) << key;
  }
  Case again(GetParam());
  Adapters reloaded(*again.model);
  reloaded.load(folder);
  EXPECT_TRUE(all(eq(again.model->run(golden.inputs).at("logits"), golden.model->run(golden.inputs).at("logits")))
                  .item<bool>());
  fs::remove_all(folder);
}

INSTANTIATE_TEST_SUITE_P(Peft, Golden, testing::ValuesIn(cases()), [](const auto& each) { return each.param; });

TEST(Adapters, ComputeSeveralAtOnceAndCombined) {
  Case golden("lora");
  const SafetensorsFile expected = SafetensorsFile::open(kGoldens + "several.safetensors");
  Adapters adapters(*golden.model);
  adapters.load(kGoldens + "lora", "lora");
  adapters.load(kGoldens + "lora_rank_2", "rank_2");
  const auto check = [&](const std::string& name) {
    const Tensor ours = golden.model->run(golden.inputs).at("logits");
    const TensorCheck result =
        compare_floating(name, ours, expected.tensor(name), expected.tensor("f64." + name), DType::f32);
    EXPECT_TRUE(result.passed) << name << " " << result.ours << " of " << result.allowed;
  };
  adapters.set_active({"lora", "rank_2"});
  check("both.logits");
  adapters.add_weighted({"lora", "rank_2"}, {0.7, -0.4}, "cat", "cat");
  adapters.set_active({"cat"});
  check("cat.logits");
  adapters.add_weighted({"lora"}, {0.6}, "linear", "linear");
  adapters.set_active({"linear"});
  check("linear.logits");
  adapters.set_active({"lora"});
  golden.check("outputs.logits", golden.model->run(golden.inputs).at("logits"));
}

TEST(Adapters, BeginAsTheBaseModelWithTorchsValues) {
  Case golden("lora");
  const Tensor before = golden.model->run(golden.inputs).at("logits");
  Adapters adapters(*golden.model);
  LoraConfig config;
  config.r = 2;
  config.target_modules = ModuleSelection({"q_proj"});
  adapters.add(config, 0);
  EXPECT_TRUE(all(eq(golden.model->run(golden.inputs).at("logits"), before)).item<bool>());
  // torch.manual_seed(0), then get_peft_model.
  const std::vector<float> first = adapters.tensors()[0].tensor->detach().to_vector<float>();
  EXPECT_THAT(std::vector<float>(first.begin(), first.begin() + 3),
              ElementsAre(-0.061842385679483414F, -0.14489001035690308F, -0.03760308027267456F));
}

TEST(Adapters, AreRefusedByName) {
  Case golden("lora");
  Adapters adapters(*golden.model);
  const std::string folder = fs::temp_directory_path() / ("imago_refused_" + std::to_string(::getpid()));
  fs::create_directories(folder);
  fs::copy_file(golden.folder + "/adapter_model.safetensors", folder + "/adapter_model.safetensors");
  const auto expect_error = [&](const char* key, const Json& value, const char* what) {
    Json json = read_json(golden.folder + "/adapter_config.json");
    json[key] = value;
    write_file_atomically(folder + "/adapter_config.json", dump_json(json));
    try {
      adapters.load(folder);
      ADD_FAILURE() << key << " was accepted";
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr(what)) << key;
    }
  };
  expect_error("peft_type", "LOHA", "LOHA");
  expect_error("use_qalora", true, "use_qalora");
  expect_error("trainable_token_indices", Json::array({1}), "trainable_token_indices");
  expect_error("a_new_key", 1, "a_new_key");
  expect_error("init_lora_weights", "pissa", "pissa");
  expect_error("r", 0, "rank");
  expect_error("r", 5, "mismatched");
  expect_error("target_modules", Json::array({"no_such"}), "q_proj");
  expect_error("target_modules", Json::array({"q_proj", "v_proj", "k_proj"}), "missing");
  expect_error("target_modules", Json::array({"q_proj"}), "unexpected");
  expect_error("target_modules", "(q_proj", "no regular expression");
  expect_error("target_modules", nullptr, "target_modules");
  fs::remove_all(folder);
}

TEST(ModuleSelection, ChoosesAsTheReferenceDoes) {
  const ModuleSelection names({"q_proj", "layers.1.v_proj"});
  EXPECT_TRUE(names.contains("model.layers.0.q_proj"));
  EXPECT_TRUE(names.contains("q_proj"));
  EXPECT_FALSE(names.contains("model.layers.0.eq_proj"));
  EXPECT_TRUE(names.contains("model.layers.1.v_proj"));
  EXPECT_FALSE(names.contains("model.layers.11.v_proj.x"));
  const ModuleSelection pattern = ModuleSelection::of_pattern(R"(.*\.[01]\.(q|v)_proj)", "test");
  EXPECT_TRUE(pattern.contains("layers.1.v_proj"));
  EXPECT_FALSE(pattern.contains("layers.1.v_proj_2"));
  EXPECT_FALSE(pattern.contains("layers.2.v_proj"));
  EXPECT_TRUE(ModuleSelection::of_pattern("All-Linear", "test").is_all_linear());
}

}  // namespace
}  // namespace imago::peft
