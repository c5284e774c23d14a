#include "imago/models/deepseek_v3/deepseek_v3.h"

#include <gtest/gtest.h>

#include "imago/base/error.h"
#include "imago/base/json.h"

namespace imago::deepseek_v3 {
namespace {

DeepseekV3Config read(Json json) {
  json.update({{"model_type", "deepseek_v3"}});
  DeepseekV3Config config;
  read_config(json, config);
  return config;
}

TEST(DeepseekV3Config, ReadsThePublishedKeys) {
  EXPECT_NO_THROW(read({{"moe_layer_freq", 1},
                        {"ep_size", 1},
                        {"scoring_func", "sigmoid"},
                        {"topk_method", "noaux_tc"},
                        {"num_nextn_predict_layers", 1},
                        {"aux_loss_alpha", 0.001},
                        {"seq_aux", true}}));
}

TEST(DeepseekV3Config, RefusesWhatIsNotComputed) {
  EXPECT_THROW(read({{"scoring_func", "softmax"}}), Error);
  EXPECT_THROW(read({{"topk_method", "greedy"}}), Error);
  EXPECT_THROW(read({{"moe_layer_freq", 2}}), Error);
  EXPECT_THROW(read({{"num_key_value_heads", 1}}), Error);
  EXPECT_THROW(read({{"quantization_config", {{"quant_method", "fp8"}}}}), Error);
}

TEST(DeepseekV3Config, RefusesGroupsThatDoNotFit) {
  EXPECT_THROW(read({{"n_group", 7}}), Error);
  EXPECT_THROW(read({{"n_group", 256}}), Error);
  EXPECT_THROW(read({{"topk_group", 9}}), Error);
  EXPECT_THROW(read({{"topk_group", 1}, {"num_experts_per_tok", 33}}), Error);
}

}  // namespace
}  // namespace imago::deepseek_v3
