// Generation without a cache gives the words that it gives with one.
#include <gtest/gtest.h>

#include "imago/auto/auto_image_text_to_text.h"
#include "imago/auto/auto_model.h"
#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/generation/generate.h"
#include "imago/generation/generate_about_images.h"
#include "imago/io/safetensors.h"

namespace imago {
namespace {

std::string golden(const std::string& name) { return IMAGO_SOURCE_DIR "/src/imago/models/" + name; }

TensorMap inputs_of(const std::string& folder) {
  const SafetensorsFile file = SafetensorsFile::open(folder + "/golden.safetensors");
  TensorMap tensors;
  for (const std::string& name : file.names()) {
    if (name.starts_with("inputs.")) tensors.emplace(name.substr(7), file.tensor(name));
  }
  return tensors;
}

GenerationConfig options(const char* json) { return GenerationConfig::from_json(parse_json(json, "test")); }

// Of a decoder, one with padding in front, a recurrent one, and an encoder with a decoder.
class UseCache : public testing::TestWithParam<const char*> {};

TEST_P(UseCache, ChangesNothing) {
  const std::string folder = golden(GetParam());
  TensorMap in = inputs_of(folder);
  const bool reads = std::string(GetParam()).starts_with("t5");
  const auto model = model_from_pretrained(folder, reads ? "AutoModelForSeq2SeqLM" : "AutoModelForCausalLM");
  GenerationConfig config = GenerationConfig::from_pretrained(folder, model->config());
  config.max_new_tokens = 7;
  for (const int64_t beams : {1, 3}) {
    config.num_beams = beams;
    config.use_cache = true;
    const auto cached = generate(*model, in["input_ids"], in["attention_mask"], config).sequences;
    config.use_cache = false;
    EXPECT_EQ(generate(*model, in["input_ids"], in["attention_mask"], config).sequences, cached) << beams << " beams";
  }
}

INSTANTIATE_TEST_SUITE_P(, UseCache,
                         testing::Values("llama/golden/causal_lm", "gpt2/golden/causal_lm_left_padding",
                                         "mamba/golden/causal_lm", "t5/golden/seq2seq_lm_right_padding"),
                         [](const auto& chosen) {
                           const std::string name = chosen.param;
                           return name.substr(0, name.find('/'));
                         });

TEST(UseCacheOfPictures, ChangesNothing) {
  for (const char* name : {"qwen2_vl/golden/image_text_to_text", "llava/golden/image_text_to_text"}) {
    const std::string folder = golden(name);
    const auto model = AutoModelForImageTextToText::from_pretrained(folder);
    ImageTextToTextInputs prompt;
    internal::assign_inputs([&](FieldVisitor& visitor) { prompt.each_field(visitor); }, inputs_of(folder));
    // The word that stands for a part of a picture would ask for another picture.
    GenerationConfig config = options(R"({"max_new_tokens": 7, "suppress_tokens": [5]})");
    const auto cached = generate(*model, prompt, config).sequences;
    config.use_cache = false;
    EXPECT_EQ(generate(*model, prompt, config).sequences, cached) << name;
    config.num_beams = 2;
    try {
      generate(*model, prompt, config);
      FAIL() << "several sequences without a cache";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kUnsupported);
      EXPECT_NE(std::string(error.what()).find("use_cache"), std::string::npos);
    }
  }
}

TEST(UseCacheOption, IsTheCallersAndNotTheFiles) {
  EXPECT_FALSE(options(R"({"use_cache": false})").use_cache);
  EXPECT_TRUE(options(R"({"use_cache": null})").use_cache);
}

}  // namespace
}  // namespace imago
