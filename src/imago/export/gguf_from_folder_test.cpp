// Models that the reference package wrote as GGUF (generation/testdata) are loaded, saved as the Hub has them, and
// written as GGUF again: the file must be the package's but for entries that follow from others.
#include <gmock/gmock.h>

#include <filesystem>
#include <set>

#include "imago/auto/auto_model.h"
#include "imago/auto/init_weights.h"
#include "imago/auto/load_weights.h"
#include "imago/base/error.h"
#include "imago/base/file.h"
#include "imago/base/json.h"
#include "imago/export/quantize.h"
#include "imago/io/gguf_header.h"
#include "imago/io/save_checkpoint.h"
#include "imago/tensor/encoded_matrix.h"
#include "imago/tokenizers/chat/template_files.h"
#include "imago/tokenizers/pretrained_tokenizer.h"

namespace imago {
namespace {

class GgufFromFolder : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string original() const { return IMAGO_SOURCE_DIR "/src/imago/generation/testdata/" + GetParam() + ".gguf"; }
  std::string out() const { return folder_ + "/out.gguf"; }

  // The original as a folder of the Hub, in float32.
  void save_folder(const std::function<void(Json&)>& change = {}) const {
    Json config = read_checkpoint_config(original());
    if (change) change(config);
    write_file_atomically(folder_ + "/config.json", dump_json(config, 2));
    const auto model = model_from_pretrained(original());
    for_each_parameter(*model, [](const std::string&, Tensor& parameter) { parameter = decode(parameter); });
    save_checkpoint(folder_, checkpoint_tensors(*model));
    const PretrainedTokenizer tokenizer = PretrainedTokenizer::from_folder(original());
    tokenizer.tokenizer().save(folder_ + "/tokenizer.json");
    const SpecialTokens& special = tokenizer.special_tokens();
    Json around = Json::object();
    const auto add = [&](const char* key, const std::optional<std::string>& token) {
      if (token) around[key] = *token;
    };
    add("bos_token", special.bos_token);
    add("eos_token", special.eos_token);
    add("unk_token", special.unk_token);
    add("sep_token", special.sep_token);
    add("pad_token", special.pad_token);
    add("cls_token", special.cls_token);
    add("mask_token", special.mask_token);
    if (!special.cls_token) around["chat_template"] = chat::TemplateFiles::load(original()).select();
    write_file_atomically(folder_ + "/tokenizer_config.json", dump_json(around, 2));
  }

  const std::string folder_ = testing::TempDir() + "imago_gguf_from_folder_test";
};

INSTANTIATE_TEST_SUITE_P(All, GgufFromFolder, testing::Values("llama_q8_0", "qwen2_q8_0", "gpt2_q8_0", "bert_q8_0"),
                         [](const auto& test) { return test.param; });

TEST_P(GgufFromFolder, TheFileOfTheReferencePackage) {
  save_folder();
  quantize_gguf(folder_, out(), "q8_0");
  const MappedFile before_file = MappedFile::open(original()), after_file = MappedFile::open(out());
  const GgufHeader before = parse_gguf_header(before_file.bytes()), after = parse_gguf_header(after_file.bytes());
  for (const auto& [key, value] : before.metadata.entries()) {
    const GgufValue* const written = after.metadata.find(key);
    ASSERT_NE(written, nullptr) << key;
    EXPECT_EQ(written->describe(), value.describe()) << key;
    EXPECT_EQ(written->bytes, value.bytes) << key;
  }
  ASSERT_EQ(std::set<std::string>(after.names.begin(), after.names.end()),
            std::set<std::string>(before.names.begin(), before.names.end()));
  for (size_t i = 0; i < before.names.size(); ++i) {
    const auto at = std::find(after.names.begin(), after.names.end(), before.names[i]) - after.names.begin();
    const TensorInfo &a = before.infos[i], &b = after.infos[static_cast<size_t>(at)];
    EXPECT_EQ(a.shape, b.shape) << before.names[i];
    ASSERT_EQ(a.format, b.format) << before.names[i];
    const auto bytes = [](const MappedFile& file, const TensorInfo& info) {
      return file.bytes().subspan(static_cast<size_t>(info.begin), static_cast<size_t>(info.end - info.begin));
    };
    const auto x = bytes(before_file, a), y = bytes(after_file, b);
    EXPECT_TRUE(std::equal(x.begin(), x.end(), y.begin(), y.end())) << before.names[i];
  }
}

TEST_P(GgufFromFolder, WhatNoEntrySaysIsRefused) {
  save_folder([](Json& config) {
    const bool gpt2 = config["model_type"] == "gpt2";
    config[gpt2 ? "activation_function" : "hidden_act"] = "relu";
  });
  try {
    quantize_gguf(folder_, out(), "q8_0");
    FAIL() << "written";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUnsupported);
    EXPECT_NE(std::string(error.what()).find("relu"), std::string::npos) << error.what();
  }
  EXPECT_FALSE(std::filesystem::exists(out()));
}

TEST_P(GgufFromFolder, FloatsAreKept) {
  save_folder();
  const QuantizeReport report = quantize_gguf(folder_, out(), "f32");
  EXPECT_EQ(report.weights_by_format.size(), 1u);
  const auto before = model_from_pretrained(original()), after = model_from_pretrained(out());
  std::map<std::string, std::vector<float>> values;
  for_each_parameter(*before, [&](const std::string& name, Tensor& p) { values[name] = decode(p).to_vector<float>(); });
  for_each_parameter(*after, [&](const std::string& name, Tensor& parameter) {
    EXPECT_EQ(parameter.to_vector<float>(), values.at(name)) << name;
    values.erase(name);
  });
  EXPECT_TRUE(values.empty());
}

// Models of which the package's files are not here, by random weights.
class GgufOfModel : public testing::TestWithParam<std::pair<const char*, const char*>> {};

INSTANTIATE_TEST_SUITE_P(
    All, GgufOfModel,
    testing::Values(std::pair{"mistral", "MistralForCausalLM"}, std::pair{"qwen3", "Qwen3ForCausalLM"},
                    std::pair{"gemma2", "Gemma2ForCausalLM"}, std::pair{"gemma3_text", "Gemma3ForCausalLM"},
                    std::pair{"olmo2", "Olmo2ForCausalLM"}, std::pair{"smollm3", "SmolLM3ForCausalLM"},
                    std::pair{"phi3", "Phi3ForCausalLM"}, std::pair{"qwen3_moe", "Qwen3MoeForCausalLM"},
                    std::pair{"mixtral", "MixtralForCausalLM"}),
    [](const auto& test) { return std::string(test.param.first); });

TEST_P(GgufOfModel, ComputesAsTheFolder) {
  const std::string folder = testing::TempDir() + "imago_gguf_of_model_test";
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  const std::string with_tokenizer = IMAGO_SOURCE_DIR "/src/imago/generation/testdata/llama_q8_0.gguf";
  const PretrainedTokenizer tokenizer = PretrainedTokenizer::from_folder(with_tokenizer);
  tokenizer.tokenizer().save(folder + "/tokenizer.json");
  write_file_atomically(folder + "/tokenizer_config.json", R"({"bos_token": "<s>", "eos_token": "</s>"})");
  const Json config = {{"model_type", GetParam().first},
                       {"architectures", Json::array({GetParam().second})},
                       {"vocab_size", 320},
                       {"hidden_size", 32},
                       {"intermediate_size", 48},
                       {"num_hidden_layers", 7},
                       {"num_attention_heads", 4},
                       {"num_key_value_heads", 2},
                       {"head_dim", 8},
                       {"query_pre_attn_scalar", 8},
                       {"sliding_window", 4096},
                       {"max_position_embeddings", 64},
                       {"bos_token_id", 0},
                       {"eos_token_id", 1},
                       {"pad_token_id", 0}};
  Json known = config;
  if (std::string_view(GetParam().first).substr(0, 5) != "gemma") known.erase("query_pre_attn_scalar");
  const std::string_view type = GetParam().first;
  if (type == "olmo2" || type == "mixtral") known.erase("sliding_window");
  if (type == "qwen3_moe" || type == "mixtral") {
    known["num_local_experts"] = 5;
    known["num_experts_per_tok"] = 2;
  }
  if (type == "qwen3_moe") {
    known["moe_intermediate_size"] = 24;
    known["norm_topk_prob"] = true;
  }
  write_file_atomically(folder + "/config.json", dump_json(known, 2));
  const auto model = model_from_config(known);
  init_weights(*model, 5, DType::f32);
  save_checkpoint(folder, checkpoint_tensors(*model));
  quantize_gguf(folder, folder + "/out.gguf", "f32");
  const TensorMap inputs = {{"input_ids", Tensor::from(std::vector<int64_t>{0, 5, 300, 17, 42, 9}, {1, 6})}};
  const auto read = model_from_pretrained(folder + "/out.gguf");
  // The file has the norms' epsilon as a float.
  EXPECT_THAT(read->run(inputs, {}).at("logits").to_vector<float>(),
              testing::Pointwise(testing::FloatNear(1e-6F), model->run(inputs, {}).at("logits").to_vector<float>()));
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace imago
