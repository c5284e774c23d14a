// Every model that reads pictures in texts and has a committed golden: behind a cache that holds the pictures it
// computes token by token what it computes at once.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "imago/auto/auto_image_text_to_text.h"
#include "imago/auto/test_error.h"
#include "imago/base/json.h"
#include "imago/io/safetensors.h"
#include "imago/ops/concat/concat.h"
#include "imago/ops/slice/slice.h"

namespace imago {
namespace {

namespace fs = std::filesystem;

constexpr double kRounding = 2e-5;  // of float32, through a few layers

std::vector<fs::path> folders() {
  std::vector<fs::path> found;
  for (const auto& model : fs::directory_iterator(fs::path(IMAGO_SOURCE_DIR) / "src/imago/models")) {
    if (!fs::exists(model.path() / "golden")) continue;
    for (const auto& golden : fs::directory_iterator(model.path() / "golden")) {
      if (!fs::exists(golden.path() / "golden.json")) continue;
      const Json json = read_json((golden.path() / "golden.json").string());
      // What an encoder reads is not continued: generation proves that cache.
      const bool continues = !read_json((golden.path() / "config.json").string()).value("is_encoder_decoder", false);
      if (json.value("auto_class", "") == auto_class::kImageTextToText && !json.contains("dtype") && continues)
        found.push_back(golden.path());
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

ImageTextToTextInputs inputs_of(const fs::path& folder) {
  const SafetensorsFile file = SafetensorsFile::open((folder / "golden.safetensors").string());
  TensorMap tensors;
  for (const std::string& name : file.names()) {
    if (name.starts_with("inputs.")) tensors.emplace(name.substr(7), file.tensor(name));
  }
  ImageTextToTextInputs in;
  internal::assign_inputs([&](FieldVisitor& visitor) { in.each_field(visitor); }, tensors);
  return in;
}

// All but the last three tokens with the pictures, then one by one.
Tensor in_steps(const ImageTextToText& model, const ImageTextToTextInputs& whole) {
  KeyValueCache cache;
  const int64_t tokens = whole.input_ids.size(1), last_dim = whole.position_ids.dim() - 1;
  Tensors logits;
  for (int64_t seen = 0, count = tokens - 3; seen < tokens; seen += count, count = 1) {
    ImageTextToTextInputs in;
    if (seen == 0) in = whole;
    in.input_ids = narrow(whole.input_ids, 1, seen, count);
    in.position_ids = narrow(whole.position_ids, last_dim, seen, count);
    if (in.mm_token_type_ids) in.mm_token_type_ids = narrow(whole.mm_token_type_ids, 1, seen, count);
    if (whole.attention_mask) in.attention_mask = narrow(whole.attention_mask, 1, 0, seen + count);
    in.labels = {};
    in.past_key_values = &cache;
    logits.push_back(model.forward(in).logits);
  }
  return concat(logits, 1);
}

TEST(CachedImageTextTest, EqualsUncached) {
  EXPECT_FALSE(folders().empty());
  for (const fs::path& folder : folders()) {
    SCOPED_TRACE(folder.string());
    const ImageTextToTextInputs in = inputs_of(folder);
    const std::vector<int64_t> ids = in.input_ids.to_vector<int64_t>();
    const int64_t tokens = in.input_ids.size(1);
    bool words_at_end = true;
    for (int64_t row = 0; row < in.input_ids.size(0); ++row)
      for (int64_t t = tokens - 3; t < tokens; ++t) words_at_end = words_at_end && ids[row * tokens + t] != 5;
    if (!words_at_end) continue;
    const auto model = AutoModelForImageTextToText::from_pretrained(folder.string());
    ImageTextToTextInputs placed = in;
    placed.labels = {};
    placed.position_ids = model->prompt_positions(placed);
    EXPECT_LT(error_of(in_steps(*model, placed), model->forward(placed).logits), kRounding);
  }
}

}  // namespace
}  // namespace imago
