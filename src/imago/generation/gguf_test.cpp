// GGUF files that the reference package wrote, against what the reference computes with the same weights decoded
// (tools/golden/gguf_models.py).
#include <gtest/gtest.h>

#include <cmath>

#include "imago/auto/auto_model.h"
#include "imago/base/json.h"
#include "imago/generation/generate.h"
#include "imago/tensor/encoded_matrix.h"
#include "imago/tokenizers/chat/chat_template.h"
#include "imago/tokenizers/chat/template_files.h"
#include "imago/tokenizers/pretrained_tokenizer.h"

namespace imago {
namespace {

class GgufModel : public testing::TestWithParam<std::string> {
 protected:
  std::string path() const { return IMAGO_SOURCE_DIR "/src/imago/generation/testdata/" + GetParam(); }
  std::string file() const { return path() + ".gguf"; }
  const Json expected_ = read_json(path() + ".json");
};

INSTANTIATE_TEST_SUITE_P(All, GgufModel, testing::Values("llama_q8_0", "llama_mixed", "qwen2_q8_0", "gpt2_q8_0"),
                         [](const auto& test) { return test.param; });

Tensor ids_of(const Json& list) {
  const auto ids = list.get<std::vector<int64_t>>();
  return Tensor::from(ids, {1, static_cast<int64_t>(ids.size())});
}

TEST_P(GgufModel, TokenizerAndTemplate) {
  const PretrainedTokenizer tokenizer = PretrainedTokenizer::from_folder(file());
  const auto encode = [&](const std::string& text) { return tokenizer.tokenizer().encode(text).ids; };
  EXPECT_EQ(encode(expected_["text"].get<std::string>()), expected_["ids"].get<std::vector<int32_t>>());

  Json request = chat::special_token_variables(file());
  request["messages"] = expected_["messages"];
  request["add_generation_prompt"] = true;
  const chat::ChatTemplate chat_template(chat::TemplateFiles::load(file()).select());
  EXPECT_EQ(chat_template.apply(request, {}).text, expected_["chat"].get<std::string>());
  EXPECT_EQ(encode(expected_["chat"].get<std::string>()), expected_["chat_ids"].get<std::vector<int32_t>>());
}

TEST_P(GgufModel, GreedyTokensOfTheReference) {
  const auto model = AutoModelForCausalLM::from_pretrained(file());
  GenerationConfig config;
  config.max_new_tokens = static_cast<int64_t>(expected_["greedy"].size());
  const Tensor prompt = ids_of(expected_["ids"]);
  const GenerationOutput output = generate(*model, prompt, {}, config);
  const std::vector<int64_t> generated(output.sequences[0].begin() + prompt.size(1), output.sequences[0].end());
  EXPECT_EQ(generated, expected_["greedy"].get<std::vector<int64_t>>());
}

// The prompt at once takes the tiles of integers, its tokens one by one the products straight from the blocks. Both
// round activations to 16 bits, which is what these logits, of magnitude 3, are off by.
TEST_P(GgufModel, LogitsOfTheReference) {
  const auto model = AutoModelForCausalLM::from_pretrained(file());
  const auto want = expected_["logits"].get<std::vector<double>>();
  const Tensor prompt = ids_of(expected_["ids"]);
  const auto all = model->forward({.input_ids = prompt, .logits_to_keep = 1}).logits.to_vector<double>();
  ASSERT_EQ(all.size(), want.size());
  for (size_t i = 0; i < want.size(); ++i) EXPECT_NEAR(all[i], want[i], 2e-3) << i;

  KeyValueCache cache;
  std::vector<double> last;
  for (int64_t t = 0; t < prompt.size(1); ++t) {
    const Tensor token = Tensor::from<int64_t>({prompt.const_data<int64_t>()[t]}, {1, 1});
    last = model->forward({.input_ids = token, .past_key_values = &cache}).logits.to_vector<double>();
  }
  for (size_t i = 0; i < want.size(); ++i) EXPECT_NEAR(last[i], want[i], 2e-3) << i;
}

TEST_P(GgufModel, OtherDTypesKeepTheBlocks) {
  const auto model = AutoModelForCausalLM::from_pretrained(file(), {.dtype = DType::bf16});
  int64_t encoded = 0;
  for_each_parameter(*model, [&](const std::string& name, Tensor& parameter) {
    EXPECT_EQ(parameter.dtype(), DType::bf16) << name;
    if (parameter.encoding()) ++encoded;
  });
  EXPECT_GT(encoded, 8);
  const auto logits = model->forward({.input_ids = ids_of(expected_["ids"]), .logits_to_keep = 1}).logits;
  const auto got = logits.to_vector<double>(), want = expected_["logits"].get<std::vector<double>>();
  for (size_t i = 0; i < want.size(); ++i) EXPECT_NEAR(got[i], want[i], 0.15) << i;
}

// An encoder for embeddings, which has words for pieces. Its states are of magnitude 1.
TEST(GgufEncoder, StatesOfTheReference) {
  const std::string path = IMAGO_SOURCE_DIR "/src/imago/generation/testdata/bert_q8_0";
  const Json expected = read_json(path + ".json");
  const PretrainedTokenizer tokenizer = PretrainedTokenizer::from_folder(path + ".gguf");
  EXPECT_EQ(tokenizer.tokenizer().encode(expected["text"].get<std::string>()).ids,
            expected["ids"].get<std::vector<int32_t>>());
  const auto model = AutoModel::from_pretrained(path + ".gguf");
  const auto got = model->run({{"input_ids", ids_of(expected["ids"])}}).at("last_hidden_state").to_vector<double>();
  const auto want = expected["last_hidden_state"].get<std::vector<double>>();
  ASSERT_EQ(got.size(), want.size());
  for (size_t i = 0; i < want.size(); ++i) EXPECT_NEAR(got[i], want[i], 1e-3) << i;
}

}  // namespace
}  // namespace imago
