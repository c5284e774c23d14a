#include <gtest/gtest.h>

#include <map>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/nn/registry.h"

namespace imago {

void register_falcon(Registry& registry);

namespace {

// The rows of the model's matrices, by name.
std::map<std::string, int64_t> rows(Json json) {
  json.update({{"model_type", "falcon"}, {"hidden_size", 32}, {"num_attention_heads", 4}, {"num_hidden_layers", 1}});
  Registry registry;
  register_falcon(registry);
  const auto model = registry.entries().front().make(json);
  std::map<std::string, int64_t> found;
  for_each_parameter(*model, [&](const std::string& path, Tensor& tensor) { found[path] = tensor.size(0); });
  return found;
}

TEST(FalconConfig, ThreeLayoutsOfQueriesKeysAndValues) {
  const char* name = "h.0.self_attention.query_key_value.weight";
  EXPECT_EQ(rows({{"new_decoder_architecture", true}, {"num_kv_heads", 2}}).at(name), (4 + 2 * 2) * 8);
  EXPECT_EQ(rows({{"multi_query", true}, {"num_kv_heads", 4}}).at(name), (4 + 2) * 8);
  EXPECT_EQ(rows({{"multi_query", false}}).at(name), (4 + 2 * 4) * 8);
}

TEST(FalconConfig, TwoNormsAreThoseOfTheNewArchitecture) {
  EXPECT_TRUE(rows({{"new_decoder_architecture", true}}).contains("h.0.ln_mlp.weight"));
  EXPECT_FALSE(
      rows({{"new_decoder_architecture", true}, {"num_ln_in_parallel_attn", 1}}).contains("h.0.ln_mlp.weight"));
  EXPECT_FALSE(rows(Json::object()).contains("h.0.ln_mlp.weight"));
}

TEST(FalconConfig, RefusesWhatNoLayerIs) {
  EXPECT_THROW(rows({{"new_decoder_architecture", true}, {"parallel_attn", false}}), Error);
  EXPECT_THROW(rows({{"new_decoder_architecture", true}, {"num_ln_in_parallel_attn", 3}}), Error);
  EXPECT_THROW(rows({{"num_ln_in_parallel_attn", 2}}), Error);
  EXPECT_THROW(rows({{"new_decoder_architecture", true}, {"num_kv_heads", 3}}), Error);
  EXPECT_THROW(rows({{"no_such_key", 1}}), Error);
}

}  // namespace
}  // namespace imago
