// Whole folders: what is written loads again, and stands for the values that the method gives. That the values are
// those of the methods' own packages is for quant/ to show.
#include "imago/export/quantize_folder.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "imago/auto/auto_model.h"
#include "imago/base/error.h"
#include "imago/base/file.h"
#include "imago/base/json.h"
#include "imago/export/hub_format.h"
#include "imago/export/linear_layers.h"
#include "imago/io/checkpoint.h"
#include "imago/tensor/encoded_matrix.h"

namespace imago {
namespace {

const std::string kModels = IMAGO_SOURCE_DIR "/src/imago/models/";

class QuantizeFolder : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::remove_all(out_); }
  void TearDown() override { std::filesystem::remove_all(out_); }
  const std::string out_ = testing::TempDir() + "imago_quantize_folder_test";
};

TEST(LinearLayers, HeadsAndEmbeddingsAreTold) {
  const auto model = model_from_pretrained(kModels + "llama/golden/causal_lm");
  std::vector<std::string> first;
  for (const LinearLayer& layer : linear_layers(*model)) {
    if (layer.path.find("layers.1.") == std::string::npos) first.push_back(layer.path + (layer.is_head ? " head" : ""));
  }
  EXPECT_EQ(first, (std::vector<std::string>{"model.layers.0.self_attn.q_proj", "model.layers.0.self_attn.k_proj",
                                             "model.layers.0.self_attn.v_proj", "model.layers.0.self_attn.o_proj",
                                             "model.layers.0.mlp.gate_proj", "model.layers.0.mlp.up_proj",
                                             "model.layers.0.mlp.down_proj", "lm_head head"}));
}

TEST(LinearLayers, EveryExpert) {
  const auto model = model_from_pretrained(kModels + "mixtral/golden/causal_lm");
  const auto& config = dynamic_cast<const CausalLM&>(*model).config();
  const auto experts = write_config(config).at("num_local_experts").get<int64_t>();
  int64_t found = 0;
  for (const LinearLayer& layer : linear_layers(*model)) {
    if (layer.path.find("layers.0.") != std::string::npos && layer.path.ends_with(".up_proj")) ++found;
  }
  EXPECT_EQ(found, experts);
}

TEST_F(QuantizeFolder, EveryMethodLoadsAgain) {
  const std::string from = kModels + "llama/golden/causal_lm";
  const auto before = AutoModelForCausalLM::from_pretrained(from);
  for (const HubFormat& format : hub_formats()) {
    SCOPED_TRACE(format.name);
    std::filesystem::remove_all(out_);
    if (format.name == "fp8") {  // whose tiles are larger than the model
      EXPECT_THROW(quantize_folder(from, out_, "fp8"), Error);
      continue;
    }
    size_t calls = 0;
    const QuantizeReport report =
        quantize_folder(from, out_, std::string(format.name), [&](size_t done, size_t) { calls = done; });
    EXPECT_GT(calls, 10u);
    EXPECT_LT(report.bytes_after, report.bytes_before);
    const Json config = read_json(out_ + "/config.json");
    EXPECT_EQ(config.at("quantization_config").at("quant_method"), "bitsandbytes");
    const auto after = AutoModelForCausalLM::from_pretrained(out_);
    std::map<std::string, Tensor> values;
    for_each_parameter(*before, [&](const std::string& name, Tensor& parameter) { values[name] = parameter; });
    int64_t encoded = 0;
    for_each_parameter(*after, [&](const std::string& name, Tensor& parameter) {
      const auto x = values.at(name).to_vector<float>(), y = decode(parameter).to_vector<float>();
      if (parameter.encoding() == nullptr) {
        EXPECT_EQ(x, y) << name;
        return;
      }
      ++encoded;
      double error = 0, square = 0;
      for (size_t i = 0; i < x.size(); ++i) {
        error += std::pow(x[i] - y[i], 2);
        square += std::pow(x[i], 2);
      }
      EXPECT_LT(std::sqrt(error / square), format.name == "int8" ? 0.01 : 0.15) << name;
    });
    EXPECT_EQ(encoded, 14);
  }
}

// GPT-2's checkpoints have inputs in rows; methods store outputs in rows, whatever the model.
TEST_F(QuantizeFolder, TransposedLayers) {
  quantize_folder(kModels + "gpt2/golden/causal_lm", out_, "int8");
  const auto before = model_from_pretrained(kModels + "gpt2/golden/causal_lm"), after = model_from_pretrained(out_);
  const Tensor ids = Tensor::from<int64_t>({3, 1, 4, 1, 5}, {1, 5});
  const auto x = before->run({{"input_ids", ids}}).at("logits").to_vector<double>(),
             y = after->run({{"input_ids", ids}}).at("logits").to_vector<double>();
  double error = 0, square = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    error += std::pow(x[i] - y[i], 2);
    square += std::pow(x[i], 2);
  }
  EXPECT_GT(error, 0);
  EXPECT_LT(std::sqrt(error / square), 0.02);
}

TEST_F(QuantizeFolder, CompanionsAreCopied) {
  const std::string from = testing::TempDir() + "imago_quantize_folder_test_source";
  std::filesystem::remove_all(from);
  std::filesystem::copy(kModels + "llama/golden/causal_lm", from);
  std::filesystem::create_directories(from + "/1_Pooling");
  write_file_atomically(from + "/tokenizer.json", "{}");
  write_file_atomically(from + "/1_Pooling/config.json", "{}");
  write_file_atomically(from + "/pytorch_model.bin.index.json", "{}");
  quantize_folder(from, out_, "nf4");
  EXPECT_TRUE(std::filesystem::exists(out_ + "/tokenizer.json"));
  EXPECT_TRUE(std::filesystem::exists(out_ + "/1_Pooling/config.json"));
  EXPECT_FALSE(std::filesystem::exists(out_ + "/pytorch_model.bin.index.json"));
  EXPECT_THROW(quantize_folder(from, from, "nf4"), Error);
  EXPECT_THROW(quantize_folder(from, out_, "nf5"), Error);
  EXPECT_TRUE(std::filesystem::exists(out_ + "/model.safetensors"));
  std::filesystem::remove_all(from);
}

}  // namespace
}  // namespace imago
