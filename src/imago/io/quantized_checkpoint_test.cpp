// Each method against the weight that tools/quant/write_checkpoints.py expects, bit for bit.
#include "imago/io/quantized_checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/linear/linear.h"
#include "imago/tensor/encoded_matrix.h"

namespace imago {
namespace {

const std::string kFolder = IMAGO_SOURCE_DIR "/src/imago/io/testdata/quantized/";
const std::string kWeight = "model.layers.0.mlp.up_proj.weight";

class QuantizedCheckpoint : public testing::TestWithParam<const char*> {
 protected:
  std::string folder() const { return kFolder + GetParam(); }
  Json config() const { return read_json(folder() + "/config.json").at("quantization_config"); }
  Checkpoint files() const { return Checkpoint::open(folder()); }
  Tensor expected() const { return Checkpoint::open_file(folder() + "/expected.safetensors").tensor("weight"); }
};

// Products take activations as they are, or as RoundedActivations has it.
class ExactProducts : public QuantizedCheckpoint {};

const auto kExact = {"nf4",
                     "nf4_nested",
                     "nf4_bfloat16",
                     "fp4",
                     "int8",
                     "gptq",
                     "gptq_v2",
                     "gptq_act_order",
                     "gptq_2",
                     "gptq_3",
                     "gptq_8",
                     "awq",
                     "fp8",
                     "fp8_made",
                     "packed_4",
                     "packed_4_zeros",
                     "packed_8_channel",
                     "scaled_int8",
                     "scaled_fp8"};
const auto kRounded = {"w8a8", "bitlinear", "autobitlinear"};
const auto name_of = [](const auto& test) { return std::string(test.param); };

INSTANTIATE_TEST_SUITE_P(Exact, QuantizedCheckpoint, testing::ValuesIn(kExact), name_of);
INSTANTIATE_TEST_SUITE_P(Rounded, QuantizedCheckpoint, testing::ValuesIn(kRounded), name_of);
INSTANTIATE_TEST_SUITE_P(Exact, ExactProducts, testing::ValuesIn(kExact), name_of);

TEST_P(QuantizedCheckpoint, WeightsAreTheReferences) {
  const Checkpoint whole = with_whole_weights(files(), config());
  EXPECT_EQ(whole.names().size(), 2u) << "the weight and model.norm.weight";
  const Tensor weight = whole.tensor(kWeight), want = expected();
  ASSERT_TRUE(weight.encoding());
  EXPECT_EQ(weight.shape(), whole.info(kWeight).shape);
  ASSERT_EQ(weight.shape(), want.shape());
  const Tensor values = decode(Tensor::encoded(weight.encoding(), DType::f32));
  EXPECT_EQ(cast(cast(values, want.dtype()), DType::f64).to_vector<double>(),
            cast(want, DType::f64).to_vector<double>());
}

TEST_P(ExactProducts, AreThoseOfTheDecodedWeight) {
  const Tensor weight = with_whole_weights(files(), config()).tensor(kWeight);
  const Tensor encoded = Tensor::encoded(weight.encoding(), DType::f32), plain = decode(encoded);
  for (const int64_t m : {1, 5, 40}) {
    Tensor x = Tensor::empty({m, weight.size(1)});
    for (int64_t i = 0; i < x.numel(); ++i) x.data<float>()[i] = static_cast<float>(i * 7919 % 200 - 100) / 100;
    const auto got = linear(x, encoded).to_vector<float>(), want = linear(x, plain).to_vector<float>();
    double largest = 0;
    for (const float value : want) largest = std::max<double>(largest, std::abs(value));
    for (size_t i = 0; i < want.size(); ++i) ASSERT_NEAR(got[i], want[i], 1e-4 * largest) << m << ", " << i;
  }
}

// Products with activations of 8 bits are the method's own package's: `y` in float, `f64.y` in double. The roundings of
// x are equal, so that no more than a float sum's error remains.
TEST(RoundedActivations, AreTheReferences) {
  for (const char* method : {"w8a8", "bitlinear", "autobitlinear"}) {
    SCOPED_TRACE(method);
    const std::string folder = kFolder + method;
    const Json config = read_json(folder + "/config.json").at("quantization_config");
    const Tensor weight = with_whole_weights(Checkpoint::open(folder), config).tensor(kWeight);
    const Checkpoint expected = Checkpoint::open_file(folder + "/expected.safetensors");
    const Tensor bias = expected.contains("bias") ? expected.tensor("bias") : Tensor();
    const Tensor x = expected.tensor("x");
    const auto got = linear(x, Tensor::encoded(weight.encoding(), DType::f32), bias).to_vector<float>();
    const auto theirs = expected.tensor("y").to_vector<float>();
    const auto exact = expected.tensor("f64.y").to_vector<double>();
    ASSERT_EQ(got.size(), exact.size());
    double ours = 0, reference = 0, squares = 0;
    for (size_t i = 0; i < got.size(); ++i) {
      ours = std::max(ours, std::abs(got[i] - exact[i]));
      reference = std::max(reference, std::abs(theirs[i] - exact[i]));
      squares += exact[i] * exact[i];
    }
    EXPECT_LE(ours, 2 * reference + 4 * 0x1p-23 * std::sqrt(squares / static_cast<double>(exact.size())));
  }
}

// Whichever part is missing, the error names it.
TEST_P(QuantizedCheckpoint, MissingParts) {
  const Checkpoint all = files();
  for (const std::string& part : all.names()) {
    if (part == "model.norm.weight" || part.ends_with(".g_idx") || part.ends_with(".weight_format") ||
        part.ends_with(".weight_zero_point")) {
      continue;
    }
    try {
      const Checkpoint whole = with_whole_weights(all.with({}, {part}), config());
      EXPECT_FALSE(whole.contains(kWeight) && whole.tensor(kWeight).encoding()) << part;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kInvalidFile) << part;
    }
  }
}

TEST(QuantizationConfig, RefusesByName) {
  const Checkpoint files = Checkpoint::open(kFolder + "gptq");
  const auto refused = [&](const char* config) {
    try {
      with_whole_weights(files, parse_json(config, "config.json"));
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_THAT(refused(R"({"quant_method": "hqq"})"), testing::HasSubstr("hqq"));
  EXPECT_THAT(refused(R"({"quant_method": "gptq", "bits": 5})"), testing::HasSubstr("5 bits"));
  EXPECT_THAT(refused(R"({"quant_method": "gptq", "bits": 4, "checkpoint_format": "marlin"})"),
              testing::HasSubstr("marlin"));
  EXPECT_THAT(refused(R"({"quant_method": "awq", "bits": 4, "version": "gemv"})"), testing::HasSubstr("gemv"));
  EXPECT_THAT(refused(R"({"quant_method": "bitnet", "quantization_mode": "online"})"), testing::HasSubstr("online"));
  EXPECT_THAT(refused(R"({"quant_method": "bitnet", "use_rms_norm": true})"), testing::HasSubstr("use_rms_norm"));
  EXPECT_THAT(refused(R"({"quant_method": 4})"), testing::HasSubstr("quant_method"));
  EXPECT_THAT(refused(R"([])"), testing::HasSubstr("object"));
}

}  // namespace
}  // namespace imago
