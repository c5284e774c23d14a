// Whole folders: what is written loads again, and stands for the values that the method gives. That the values are
// those of the methods' own packages is for quant/ to show.
#include "imago/export/quantize_folder.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "imago/auto/auto_model.h"
#include "imago/base/error.h"
#include "imago/base/file.h"
#include "imago/base/json.h"
#include "imago/export/hub_format.h"
#include "imago/export/linear_layers.h"
#include "imago/io/checkpoint.h"
#include "imago/ops/cast/cast.h"
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
        quantize_folder(from, out_, std::string(format.name), {}, [&](size_t done, size_t) { calls = done; });
    EXPECT_GT(calls, 10u);
    EXPECT_LT(report.bytes_after, report.bytes_before);
    const Json config = read_json(out_ + "/config.json");
    EXPECT_EQ(config.at("quantization_config").at("quant_method"),
              format.name == "w8a8" ? "compressed-tensors" : "bitsandbytes");
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
      EXPECT_LT(std::sqrt(error / square), format.name == "int8" || format.name == "w8a8" ? 0.01 : 0.15) << name;
    });
    EXPECT_EQ(encoded, 14);
  }
}

TEST_F(QuantizeFolder, AllWeightsInOneType) {
  const std::string from = kModels + "llama/golden/causal_lm";
  const QuantizeReport report = quantize_folder(from, out_, "bf16");
  EXPECT_EQ(report.bytes_after * 2, report.bytes_before);
  EXPECT_EQ(read_checkpoint_config(out_).at("dtype"), "bfloat16");
  const auto after = AutoModelForCausalLM::from_pretrained(out_, {.dtype = DType::f32});
  std::map<std::string, Tensor> values;
  for_each_parameter(*after, [&](const std::string& name, Tensor& parameter) { values[name] = parameter; });
  const auto before = AutoModelForCausalLM::from_pretrained(from);
  for_each_parameter(*before, [&](const std::string& name, Tensor& parameter) {
    EXPECT_EQ(values.at(name).to_vector<float>(), cast(parameter, DType::bf16).to_vector<float>()) << name;
  });
}

std::vector<int64_t> some_ids(int64_t count) {
  std::vector<int64_t> ids;
  for (int64_t i = 0; i < count; ++i) ids.push_back(i * i * 7 % 61);
  return ids;
}

double relative_error(const std::vector<double>& x, const std::vector<double>& y) {
  double error = 0, square = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    error += std::pow(x[i] - y[i], 2);
    square += std::pow(x[i], 2);
  }
  return std::sqrt(error / square);
}

// What the methods that look at inputs write loads again. Inputs of 48 are no whole number of groups and rows of 16
// weights of 3 bits no whole number of words, so that some layers stay.
TEST_F(QuantizeFolder, CalibratedMethodsLoadAgain) {
  const std::string from = kModels + "llama/golden/causal_lm";
  QuantizeFolderOptions options;
  options.calibration = {some_ids(200), 50};
  std::map<std::string, double> errors;  // of logits
  for (const auto& [method, bits, layers] :
       {std::tuple("gptq", 2, 12), {"gptq", 3, 4}, {"gptq", 4, 12}, {"gptq", 8, 12}, {"awq", 4, 12}}) {
    SCOPED_TRACE(testing::Message() << method << " " << bits);
    std::filesystem::remove_all(out_);
    options.calibrated.bits = bits;
    options.calibrated.desc_act = bits == 3;
    const QuantizeReport report = quantize_folder(from, out_, method, options);
    EXPECT_EQ(report.tensors_by_format.at(method), layers);
    const Json config = read_json(out_ + "/config.json").at("quantization_config");
    EXPECT_EQ(config.at("quant_method"), method);
    EXPECT_EQ(config.at("bits"), bits);
    EXPECT_EQ(config.at("group_size"), 32);
    const auto before = model_from_pretrained(from), after = model_from_pretrained(out_);
    std::map<std::string, std::vector<double>> weights;
    for_each_parameter(*before, [&](const std::string& name, Tensor& p) { weights[name] = p.to_vector<double>(); });
    // Of inputs in the order of their magnitude the last ones make up for all others: there only products tell.
    const bool by_products = options.calibrated.desc_act || method == std::string("awq");
    // Even steps over +-2.2 deviations, which 32 weights reach, twice for what makes up for others.
    const double bound = 2 * 4.4 / (std::pow(2, bits) - 1) / std::sqrt(12);
    for_each_parameter(*after, [&](const std::string& name, Tensor& p) {
      if (p.encoding() == nullptr || by_products) return;
      EXPECT_LT(relative_error(weights.at(name), decode(p).to_vector<double>()), bound) << name;
    });
    const auto ids = some_ids(40);
    const TensorMap input = {{"input_ids", Tensor::from(ids, {1, 40})}};
    errors[method + std::to_string(bits)] = relative_error(before->run(input).at("logits").to_vector<double>(),
                                                           after->run(input).at("logits").to_vector<double>());
  }
  EXPECT_LT(errors.at("gptq8"), errors.at("gptq4") / 8);
  EXPECT_LT(errors.at("gptq4"), errors.at("gptq2") / 2);
  EXPECT_LT(errors.at("awq4"), errors.at("gptq2") / 2);
  options.calibration.ids.clear();
  EXPECT_THROW(quantize_folder(from, out_, "gptq", options), Error);
}

// A norm that adds one to its weight would not pass scales on: AWQ sees it.
TEST_F(QuantizeFolder, AwqSeesNormsOfAnotherKind) {
  QuantizeFolderOptions options;
  options.calibration = {some_ids(120), 60};
  try {
    quantize_folder(kModels + "gemma2/golden/causal_lm", out_, "awq", options);
    FAIL() << "written";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUnsupported) << error.what();
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
