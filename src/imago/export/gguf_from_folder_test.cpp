// Models that the reference package wrote as GGUF (generation/testdata) are loaded, saved as the Hub has them, and
// written as GGUF again: the file must be the package's but for entries that follow from others.
#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "imago/auto/auto_model.h"
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

}  // namespace
}  // namespace imago
