#include "imago/models/t5/t5.h"

#include <gmock/gmock.h>

#include "imago/base/error.h"

namespace imago::t5 {
namespace {

TEST(T5Test, FeedForwardIsReadFromOneString) {
  T5Config config;
  EXPECT_EQ(config.activation(), "relu");
  EXPECT_FALSE(config.is_gated());
  config.feed_forward_proj = "gated-gelu";  // the tanh form, though it does not say so
  EXPECT_EQ(config.activation(), "gelu_new");
  EXPECT_TRUE(config.is_gated());
  config.feed_forward_proj = "gated-silu";
  EXPECT_EQ(config.activation(), "silu");
  for (const char* wrong : {"gelu-gated", "gated-gelu-new", "other-relu"}) {
    config.feed_forward_proj = wrong;
    EXPECT_THROW(config.validate(), Error) << wrong;
  }
}

TEST(T5Test, UntiedWeightsMeanAnUnscaledHead) {
  T5Config config;
  EXPECT_TRUE(config.scales_decoder_outputs());
  config.tie_word_embeddings = false;
  EXPECT_FALSE(config.scales_decoder_outputs());
  config.scale_decoder_outputs = true;
  EXPECT_TRUE(config.scales_decoder_outputs());
}

}  // namespace
}  // namespace imago::t5
