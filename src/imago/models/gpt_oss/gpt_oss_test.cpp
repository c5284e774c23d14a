#include "imago/models/gpt_oss/gpt_oss.h"

#include <gtest/gtest.h>

#include "imago/base/error.h"
#include "imago/base/json.h"

namespace imago::gpt_oss {
namespace {

GptOssConfig read(Json json) {
  json.update({{"model_type", "gpt_oss"}});
  GptOssConfig config;
  read_config(json, config);
  return config;
}

// What the published files of the 20B and the 120B have.
TEST(GptOssConfig, ReadsThePublishedKeys) {
  const GptOssConfig config =
      read({{"experts_per_token", 4},
            {"initial_context_length", 4096},
            {"hidden_act", "silu"},
            {"rope_theta", 150000},
            {"rope_scaling",
             {{"rope_type", "yarn"},
              {"factor", 32.0},
              {"beta_fast", 32.0},
              {"beta_slow", 1.0},
              {"truncate", false},
              {"original_max_position_embeddings", 4096}}},
            {"quantization_config", {{"quant_method", "mxfp4"}, {"modules_to_not_convert", {"lm_head"}}}}});
  EXPECT_TRUE(config.has_mxfp4_experts());
  EXPECT_EQ(rotary_config(config).rope_type, "yarn");
}

TEST(GptOssConfig, WithoutRopeParametersIsYarn) {
  const nn::RotaryConfig rotary = rotary_config(read({}));
  EXPECT_EQ(rotary.rope_type, "yarn");
  EXPECT_EQ(rotary.rope_theta, 150000);
  EXPECT_FALSE(rotary.truncate);
}

TEST(GptOssConfig, RefusesOtherQuantization) {
  EXPECT_THROW(read({{"quantization_config", {{"quant_method", "gptq"}}}}), Error);
  EXPECT_THROW(read({{"quantization_config", {{"quant_method", "mxfp4"}, {"group_size", 16}}}}), Error);
  EXPECT_THROW(read({{"quantization_config", {{"quant_method", "mxfp4"}}}, {"hidden_size", 40}}), Error);
  EXPECT_THROW(read({{"num_experts_per_tok", 129}}), Error);
}

}  // namespace
}  // namespace imago::gpt_oss
