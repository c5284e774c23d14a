#include "imago/nn/config.h"

#include <gmock/gmock.h>

#include "imago/base/error.h"
#include "imago/base/json.h"

namespace imago {
namespace {

TEST(ConfigTest, KeysThatMayChangeTheArithmeticAreRefusedByName) {
  Config config;
  EXPECT_THAT(
      [&] {
        read_config(Json{{"new_kind_of_scale", 2}}, config);
      },
      testing::ThrowsMessage<Error>(testing::HasSubstr("new_kind_of_scale")));
}

TEST(ConfigTest, AKeyMayBeOfNoEffectAtOneValueOnly) {
  Config config;
  EXPECT_NO_THROW(read_config(Json{{"position_embedding_type", "absolute"}, {"use_cache", true}}, config));
  EXPECT_THAT(
      [&] {
        read_config(Json{{"position_embedding_type", "relative_key"}}, config);
      },
      testing::ThrowsMessage<Error>(testing::HasSubstr("position_embedding_type")));
}

TEST(ConfigTest, LabelsAreInTheOrderOfTheirNumbers) {
  Config config;
  EXPECT_THAT(config.labels(), testing::ElementsAre("LABEL_0", "LABEL_1"));
  read_config(Json{{"id2label", {{"1", "good"}, {"0", "bad"}, {"2", "fair"}}}}, config);
  EXPECT_THAT(config.labels(), testing::ElementsAre("bad", "good", "fair"));
  read_config(Json{{"id2label", {{"0", "bad"}, {"7", "good"}}}}, config);
  EXPECT_THROW(config.labels(), Error);
}

TEST(ConfigTest, HeadsDivideTheHiddenSize) {
  EXPECT_NO_THROW(require_heads("hidden_size", 12, "num_attention_heads", 4));
  for (const auto& [size, heads] : {std::pair{12, 5}, std::pair{12, 0}, std::pair{0, 4}, std::pair{-4, 2}}) {
    EXPECT_THROW(require_heads("hidden_size", size, "num_attention_heads", heads), Error) << size << " " << heads;
  }
}

}  // namespace
}  // namespace imago
