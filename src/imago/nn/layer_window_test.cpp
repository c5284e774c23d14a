#include "imago/nn/layer_window.h"

#include <gtest/gtest.h>

#include "imago/base/error.h"

namespace imago::nn {
namespace {

ErrorKind kind_of(const LayerTypes& types, int64_t layer, std::optional<int64_t> window) {
  try {
    layer_window(types, layer, window, true);
  } catch (const Error& error) {
    return error.kind();
  }
  return ErrorKind::kInternal;
}

const LayerTypes kTypes{{"full_attention", "sliding_attention", "chunked_attention"}};

TEST(LayerWindow, IsWhatLayerTypesSay) {
  EXPECT_EQ(layer_window(kTypes, 0, 4, true), std::nullopt);
  EXPECT_EQ(layer_window(kTypes, 1, 4, false), 4);
}

TEST(LayerWindow, IsTheModelsRuleWithoutLayerTypes) {
  EXPECT_EQ(layer_window({}, 0, 4, true), 4);
  EXPECT_EQ(layer_window({}, 0, 4, false), std::nullopt);
  EXPECT_EQ(layer_window({}, 0, std::nullopt, true), std::nullopt);
}

TEST(LayerWindow, RefusesWhatMakesNoSense) {
  EXPECT_EQ(kind_of(kTypes, 2, 4), ErrorKind::kUnsupported);
  EXPECT_EQ(kind_of(kTypes, 3, 4), ErrorKind::kInvalidFile);
  EXPECT_EQ(kind_of(kTypes, 1, std::nullopt), ErrorKind::kInvalidFile);
  EXPECT_EQ(kind_of({}, 0, 0), ErrorKind::kInvalidFile);
}

}  // namespace
}  // namespace imago::nn
