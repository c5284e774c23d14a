#include "imago/models/falcon/falcon.h"

#include <gtest/gtest.h>

#include "imago/base/error.h"
#include "imago/base/json.h"

namespace imago::falcon {
namespace {

FalconConfig read(Json json) {
  json.update({{"model_type", "falcon"}, {"hidden_size", 32}, {"num_attention_heads", 4}});
  FalconConfig config;
  read_config(json, config);
  return config;
}

TEST(FalconConfig, ThreeLayoutsOfQueriesKeysAndValues) {
  EXPECT_EQ(read({{"new_decoder_architecture", true}, {"num_kv_heads", 2}}).groups(), 2);
  EXPECT_EQ(read({{"multi_query", true}, {"num_kv_heads", 4}}).groups(), 1);
  EXPECT_EQ(read({{"multi_query", false}}).groups(), 4);
}

TEST(FalconConfig, TwoNormsAreThoseOfTheNewArchitecture) {
  EXPECT_TRUE(read({{"new_decoder_architecture", true}}).has_two_norms());
  EXPECT_FALSE(read({{"new_decoder_architecture", true}, {"num_ln_in_parallel_attn", 1}}).has_two_norms());
  EXPECT_FALSE(read({}).has_two_norms());
}

TEST(FalconConfig, RefusesWhatNoLayerIs) {
  EXPECT_THROW(read({{"new_decoder_architecture", true}, {"parallel_attn", false}}), Error);
  EXPECT_THROW(read({{"new_decoder_architecture", true}, {"num_ln_in_parallel_attn", 3}}), Error);
  EXPECT_THROW(read({{"num_ln_in_parallel_attn", 2}}), Error);
  EXPECT_THROW(read({{"new_decoder_architecture", true}, {"num_kv_heads", 3}}), Error);
  EXPECT_THROW(read({{"no_such_key", 1}}), Error);
}

}  // namespace
}  // namespace imago::falcon
