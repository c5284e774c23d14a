#include "imago/export/quantize.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "imago/auto/auto_model.h"
#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/export/divergence.h"
#include "imago/io/checkpoint.h"
#include "imago/io/gguf_header.h"
#include "imago/quant/block_matrix.h"
#include "imago/tensor/encoded_matrix.h"

namespace imago {
namespace {

const std::string kSource = IMAGO_SOURCE_DIR "/src/imago/generation/testdata/llama_q8_0";

class Quantize : public testing::Test {
 protected:
  void TearDown() override { std::filesystem::remove(out_); }
  std::vector<int64_t> ids() const { return read_json(kSource + ".json")["ids"].get<std::vector<int64_t>>(); }
  const std::string out_ = testing::TempDir() + "imago_quantize_test.gguf";
};

TEST_F(Quantize, MatricesChangeTheRestStays) {
  const QuantizeReport report = quantize_gguf(kSource + ".gguf", out_, "q4_0");
  const MappedFile before_file = MappedFile::open(kSource + ".gguf"), after_file = MappedFile::open(out_);
  const GgufHeader before = parse_gguf_header(before_file.bytes()), after = parse_gguf_header(after_file.bytes());
  EXPECT_EQ(after.names, before.names);
  int64_t bytes = 0;
  for (size_t i = 0; i < after.names.size(); ++i) {
    EXPECT_EQ(after.infos[i].shape, before.infos[i].shape);
    EXPECT_EQ(after.infos[i].format, after.infos[i].shape.size() == 2 ? "q4_0" : "") << after.names[i];
    bytes += after.infos[i].end - after.infos[i].begin;
  }
  EXPECT_EQ(report.bytes_after, bytes);
  EXPECT_LT(report.bits_per_weight(), 4.7);
  for (const auto& [key, value] : before.metadata.entries()) {
    if (key == "general.quantization_version") continue;
    ASSERT_NE(after.metadata.find(key), nullptr) << key;
    EXPECT_EQ(after.metadata.find(key)->bytes, value.bytes) << key;
  }
}

TEST_F(Quantize, ValuesAreThoseOfTheFormat) {
  quantize_gguf(kSource + ".gguf", out_, "iq4_nl");
  const std::string name = "model.layers.1.mlp.up_proj.weight";
  const Tensor before = decode(open_checkpoint(kSource + ".gguf").tensor(name));
  const Tensor expected = quant::encode(before, quant::find_format("iq4_nl"));
  EXPECT_EQ(decode(open_checkpoint(out_).tensor(name)).to_vector<float>(), decode(expected).to_vector<float>());
}

TEST_F(Quantize, RowsThatAreNoWholeLargeBlocksTakeSmallOnes) {
  const QuantizeReport report = quantize_gguf(kSource + ".gguf", out_, "q4_k");
  EXPECT_EQ(report.tensors_by_format.count("q4_k"), 0u);
  EXPECT_EQ(report.tensors_by_format.count("f16"), 0u);
  EXPECT_GT(report.tensors_by_format.at("q5_0"), 8);
  EXPECT_EQ(report.tensors_by_format.at("q8_0"), 2);  // the embeddings and the output matrix, in the place of q6_k
  EXPECT_EQ(quantize_gguf(kSource + ".gguf", out_, "q2_k").tensors_by_format.count("f16"), 0u);
  EXPECT_THROW(quantize_gguf(kSource + ".gguf", out_, "q9_x"), Error);
}

TEST_F(Quantize, DivergenceOfModels) {
  const auto original = AutoModelForCausalLM::from_pretrained(kSource + ".gguf");
  const Divergence none = compare_on_text(*original, *original, ids(), 64);
  EXPECT_EQ(none.kl_divergence, 0);
  EXPECT_EQ(none.top1_agreement, 1);
  EXPECT_EQ(none.tokens, static_cast<int64_t>(ids().size()) - 1);

  // The reference computes in float, as this does with plain weights; with the blocks activations are rounded to 16
  // bits.
  const auto plain = AutoModelForCausalLM::from_pretrained(kSource + ".gguf");
  for_each_parameter(*plain, [](const std::string&, Tensor& parameter) { parameter = decode(parameter); });
  const Divergence rounding = compare_on_text(*plain, *original, ids(), 64);
  const double perplexity = read_json(kSource + ".json")["perplexity"].get<double>();
  EXPECT_NEAR(rounding.perplexity_before / perplexity, 1, 1e-5);
  EXPECT_LT(std::abs(rounding.kl_divergence), 1e-6);

  quantize_gguf(kSource + ".gguf", out_, "q4_0");
  const auto changed = AutoModelForCausalLM::from_pretrained(out_);
  const Divergence some = compare_on_text(*original, *changed, ids(), 64);
  EXPECT_GT(some.kl_divergence, 1e-4);
  EXPECT_LT(some.kl_divergence, 1);
  EXPECT_NE(some.perplexity_before, some.perplexity_after);
  EXPECT_THROW(compare_on_text(*original, *changed, {1}, 64), Error);
}

}  // namespace
}  // namespace imago
