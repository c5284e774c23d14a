#include "imago/peft/prompt.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>

#include "imago/auto/auto_model.h"
#include "imago/autograd/backward.h"
#include "imago/base/error.h"
#include "imago/base/file.h"
#include "imago/generation/generate.h"
#include "imago/io/safetensors.h"
#include "imago/ops/concat/concat.h"
#include "imago/ops/slice/slice.h"
#include "imago/tensor/grad_meta.h"
#include "imago/train/adamw.h"
#include "imago/verify/compare.h"

namespace imago::peft {
namespace {

namespace fs = std::filesystem;

const std::string kRoot = IMAGO_SOURCE_DIR "/src/imago/";

class Prompts : public testing::TestWithParam<const char*> {
 protected:
  Prompts()
      : folder_(kRoot + "peft/prompt_golden/" + GetParam()),
        golden_(SafetensorsFile::open(folder_ + "/golden.safetensors")),
        base_(kRoot + read_json(folder_ + "/golden.json").at("base").get<std::string>()),
        model_(PromptedCausalLM::load(AutoModelForCausalLM::from_pretrained(base_), folder_)) {
    const SafetensorsFile inputs = SafetensorsFile::open(base_ + "/golden.safetensors");
    for (const std::string& name : inputs.names()) {
      if (name.starts_with("inputs.")) inputs_[name.substr(7)] = inputs.tensor(name);
    }
  }

  // The learned tensors: a network's, or the prompt itself.
  std::vector<std::pair<std::string, Tensor*>> parameters() {
    if (model_->network() == nullptr) return {{"prompt_embeddings", &model_->prompt_embeddings()}};
    std::vector<std::pair<std::string, Tensor*>> list;
    for (const auto& [name, tensor] : model_->network()->tensors()) list.emplace_back(name, tensor);
    return list;
  }

  void check(const std::string& name, const Tensor& ours) const {
    const TensorCheck result =
        compare_floating(name, ours.detach(), golden_.tensor(name), golden_.tensor("f64." + name), DType::f32);
    EXPECT_TRUE(result.passed) << name << ": " << result.ours << " with " << result.allowed
                               << " allowed, the reference " << result.reference << " " << result.note;
  }

  std::string folder_;
  SafetensorsFile golden_;
  std::string base_;
  std::unique_ptr<PromptedCausalLM> model_;
  TensorMap inputs_;
};

TEST_P(Prompts, GiveTheReferencesOutputsGradientsAndLosses) {
  const std::vector<std::pair<std::string, Tensor*>> trained = parameters();
  for (const auto& [name, tensor] : trained) tensor->set_requires_grad(true);
  const TensorMap outputs = model_->run(inputs_, {});
  check("outputs.logits", outputs.at("logits"));
  check("outputs.loss", outputs.at("loss"));
  backward(outputs.at("loss"));
  if (!golden_.contains("losses")) return;  // PEFT trains another thing, from which these values come
  Tensors leaves;
  for (const auto& [name, tensor] : trained) {
    check("grads." + name, tensor->grad());
    tensor->set_grad({});
    leaves.push_back(*tensor);
  }
  AdamW optimizer(leaves, {.lr = 1e-2, .weight_decay = 0.01});
  std::vector<float> losses;
  for (int64_t step = 0; step < golden_.tensor("losses").size(0); ++step) {
    const Tensor loss = model_->run(inputs_, {}).at("loss");
    losses.push_back(loss.item<float>());
    backward(loss);
    optimizer.step();
    optimizer.zero_grad();
  }
  check("losses", Tensor::from(losses));
}

// With the cache, as the reference continues when it computes each token from all before it.
TEST_P(Prompts, ContinueAsTheReferenceDoes) {
  const NoGrad no_grad;
  GenerationConfig config;
  config.max_new_tokens = 8;
  config.pad_token_id = 0;
  const Tensor ids = narrow(inputs_.at("input_ids"), 0, 0, 1);
  const auto output = generate(*model_, ids, Tensor::ones(ids.shape(), DType::i64), config);
  EXPECT_EQ(output.sequences[0], golden_.tensor("generate.sequences").to_vector<int64_t>());
}

TEST_P(Prompts, ContinueBesideARowWithPadding) {
  const NoGrad no_grad;
  GenerationConfig config;
  config.max_new_tokens = 8;
  config.pad_token_id = 0;
  const Tensor ids = narrow(inputs_.at("input_ids"), 0, 0, 1);
  const int64_t tokens = ids.size(1);
  const Tensor mask = Tensor::ones({2, tokens}, DType::i64);
  mask.data<int64_t>()[tokens] = 0;  // the second row's first
  const auto output = generate(*model_, concat({ids, ids}, 0), mask, config);
  EXPECT_EQ(output.sequences[0], golden_.tensor("generate.sequences").to_vector<int64_t>());
}

TEST_P(Prompts, AreSavedAsTheyWereLoaded) {
  const fs::path copy = fs::temp_directory_path() / ("imago_prompt_" + std::to_string(::getpid()));
  fs::remove_all(copy);
  model_->save(copy);
  EXPECT_TRUE(is_prompt(copy));
  const auto again = PromptedCausalLM::load(AutoModelForCausalLM::from_pretrained(base_), copy);
  EXPECT_EQ(again->network() == nullptr, model_->network() == nullptr);
  EXPECT_EQ(again->run(inputs_, {}).at("logits").to_vector<float>(),
            model_->run(inputs_, {}).at("logits").to_vector<float>());
  // What the network gives is what PEFT's file has.
  const auto theirs_given = SafetensorsFile::open(folder_ + "/adapter_model.safetensors").tensor("prompt_embeddings"),
             given = SafetensorsFile::open(copy / "adapter_model.safetensors").tensor("prompt_embeddings");
  const std::vector<float> a = given.to_vector<float>(), b = theirs_given.to_vector<float>();
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], 1e-6) << i;
  const Json theirs = read_json(folder_ + "/adapter_config.json"), ours = read_json(copy / "adapter_config.json");
  for (const auto& [key, value] : ours.items()) {
    if (key == "inference_mode") continue;
    EXPECT_EQ(value, theirs.at(key)) << key;
  }
  fs::remove_all(copy);
}

INSTANTIATE_TEST_SUITE_P(Goldens, Prompts,
                         testing::Values("prompt_llama", "prompt_gpt2", "prefix_llama", "prefix_gpt2", "p_tuning",
                                         "p_tuning_network", "prefix_projection"),
                         [](const auto& instance) { return std::string(instance.param); });

TEST(Prompt, RefusesWhatItDoesNotCompute) {
  const auto read = [](const char* text) { return PromptConfig::read(parse_json(text, "t"), "t"); };
  EXPECT_EQ(read(R"({"peft_type": "PROMPT_TUNING", "num_virtual_tokens": 3})").num_virtual_tokens, 3);
  for (const char* bad : {R"({"peft_type": "LORA"})", R"({"peft_type": "PROMPT_TUNING"})",
                          R"({"peft_type": "PROMPT_TUNING", "num_virtual_tokens": -1})",
                          R"({"peft_type": "PREFIX_TUNING", "num_virtual_tokens": 3, "num_transformer_submodules": 2})",
                          R"({"peft_type": "PROMPT_TUNING", "num_virtual_tokens": 3, "task_type": "SEQ_CLS"})",
                          R"({"peft_type": "PROMPT_TUNING", "num_virtual_tokens": 3, "unheard_of": 1})"}) {
    EXPECT_THROW(read(bad), Error) << bad;
  }
  EXPECT_THROW(PromptedCausalLM(AutoModelForMaskedLM::from_pretrained(kRoot + "models/bert/golden/masked_lm"),
                                {.num_virtual_tokens = 2}, 0),
               Error);
}

}  // namespace
}  // namespace imago::peft
