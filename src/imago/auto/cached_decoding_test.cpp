// Every language model with a committed golden: token by token behind a cache it computes what it computes at once.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "imago/auto/auto_model.h"
#include "imago/auto/test_error.h"
#include "imago/base/json.h"
#include "imago/io/safetensors.h"
#include "imago/ops/concat/concat.h"
#include "imago/ops/slice/slice.h"

namespace imago {
namespace {

namespace fs = std::filesystem;

constexpr double kRounding = 2e-5;  // of float32, through a few layers

// Of a model that is in this build, and that is a decoder by nature: the positions of an encoder that was made one are
// for its caller to count.
bool is_decoder(const fs::path& folder) {
  const Json config = read_json((folder / "config.json").string());
  const auto& entries = registry().entries();
  return !config.value("is_decoder", false) &&
         std::any_of(entries.begin(), entries.end(),
                     [type = config.value("model_type", "")](const auto& entry) { return entry.model_type == type; });
}

// A limit of state spaces' steps, which as in the reference is none for a single token behind others.
bool limits_time_steps(const fs::path& folder) {
  const Json config = read_json((folder / "config.json").string());
  return config.contains("time_step_limit") && config["time_step_limit"].at(1).is_number();
}

// Float32 language models whose positions do not depend on the length of the input.
std::vector<fs::path> language_models() {
  std::vector<fs::path> folders;
  for (const auto& model : fs::directory_iterator(fs::path(IMAGO_SOURCE_DIR) / "src/imago/models")) {
    if (!fs::exists(model.path() / "golden")) continue;
    for (const auto& golden : fs::directory_iterator(model.path() / "golden")) {
      const std::string name = golden.path().filename().string();
      if (name.find("rope") != std::string::npos || !fs::exists(golden.path() / "golden.json")) continue;
      const Json json = read_json((golden.path() / "golden.json").string());
      if (json.value("auto_class", "") != "AutoModelForCausalLM" || json.contains("dtype")) continue;
      if (is_decoder(golden.path()) && !limits_time_steps(golden.path())) folders.push_back(golden.path());
    }
  }
  std::sort(folders.begin(), folders.end());
  return folders;
}

// The first four tokens at once, then one, then two, then one by one.
Tensor in_steps(const CausalLM& model, const Tensor& ids) {
  KeyValueCache cache;
  Tensors logits;
  const std::vector<int64_t> counts = {4, 1, 2};
  int64_t seen = 0;
  for (size_t step = 0; seen < ids.size(1); ++step) {
    const int64_t count = std::min(step < counts.size() ? counts[step] : 1, ids.size(1) - seen);
    TextInputs in;
    in.input_ids = narrow(ids, 1, seen, count);
    in.past_key_values = &cache;
    logits.push_back(model.forward(in).logits);
    seen += count;
    EXPECT_EQ(cache.length(), seen);
  }
  return concat(logits, 1);
}

TEST(CachedDecodingTest, EqualsUncached) {
  for (const fs::path& folder : language_models()) {
    SCOPED_TRACE(folder.string());
    const auto model = AutoModelForCausalLM::from_pretrained(folder.string());
    TextInputs in;
    in.input_ids = SafetensorsFile::open((folder / "golden.safetensors").string()).tensor("inputs.input_ids");
    EXPECT_LT(error_of(in_steps(*model, in.input_ids), model->forward(in).logits), kRounding);
  }
}

}  // namespace
}  // namespace imago
