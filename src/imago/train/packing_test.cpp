#include "imago/train/packing.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "imago/auto/auto_model.h"
#include "imago/autograd/backward.h"
#include "imago/base/error.h"
#include "imago/ops/operators.h"
#include "imago/tensor/grad_meta.h"
#include "imago/train/objective.h"

namespace imago {
namespace {

std::vector<TensorMap> examples(const std::vector<int64_t>& lengths) {
  std::vector<TensorMap> list;
  for (size_t row = 0; row < lengths.size(); ++row) {
    std::vector<int64_t> ids;
    for (int64_t i = 0; i < lengths[row]; ++i) ids.push_back((static_cast<int64_t>(row) * 11 + i * 7) % 50 + 2);
    list.push_back({{"input_ids", Tensor::from(ids)}, {"labels", Tensor::from(ids)}});
  }
  return list;
}

TEST(Packing, FillsTheFullestRowThatHasRoom) {
  const auto rows = pack_examples(examples({3, 8, 5, 2, 4}), 10);
  ASSERT_EQ(rows.size(), 3);
  EXPECT_EQ(rows[0].at("input_ids").size(0), 10);  // 8 and 2
  EXPECT_EQ(rows[1].at("input_ids").size(0), 9);   // 5 and 4
  EXPECT_EQ(rows[2].at("input_ids").size(0), 3);
  EXPECT_EQ(rows[0].at("position_ids").to_vector<int64_t>(), (std::vector<int64_t>{0, 1, 2, 3, 4, 5, 6, 7, 0, 1}));
  EXPECT_EQ(rows[0].at("sequence_ids").to_vector<int64_t>(), (std::vector<int64_t>{0, 0, 0, 0, 0, 0, 0, 0, 1, 1}));
  EXPECT_EQ(rows[0].at("labels").to_vector<int64_t>()[8], -100);
  EXPECT_THROW(pack_examples(examples({11}), 10), Error);
}

// Loss and gradients of packed rows are those of the same examples, one in each row.
class PackedModels : public testing::TestWithParam<const char*> {};

TEST_P(PackedModels, LearnTheSame) {
  const auto model = AutoModelForCausalLM::from_pretrained(std::string(IMAGO_SOURCE_DIR "/src/imago/models/") +
                                                           GetParam() + "/golden/causal_lm");
  const auto list = examples({5, 9, 3, 7, 4});
  const auto rows = pack_examples(list, 12);
  ASSERT_LT(rows.size(), list.size());
  const ModelLoss objective;
  const auto measure = [&](const TensorMap& batch) {
    std::map<std::string, std::vector<float>> gradients;
    for_each_parameter(*model, [](const std::string&, Tensor& p) { p.set_requires_grad(true); });
    const Tensor loss = objective.loss(*model, batch, {});
    backward(loss);
    for_each_parameter(*model, [&](const std::string& name, Tensor& p) {
      if (p.grad().defined()) gradients[name] = p.grad().to_vector<float>();
      p.set_grad({});
    });
    return std::make_pair(loss.item<double>(), gradients);
  };
  const auto [padded_loss, padded] = measure(data_collator_with_padding({})(list));
  const auto [packed_loss, packed] = measure(data_collator_for_packed_rows(0)(rows));
  EXPECT_NEAR(packed_loss, padded_loss, 1e-6 * padded_loss);
  ASSERT_EQ(packed.size(), padded.size());
  // The gradient of a bias on keys is 0, for softmax does not see it: what is left are roundings of the others' size.
  double scale = 0;
  for (const auto& [name, gradient] : padded) {
    for (const float value : gradient) scale = std::max(scale, std::abs(static_cast<double>(value)));
  }
  for (const auto& [name, gradient] : padded) {
    double largest = 0, worst = 0;
    for (size_t i = 0; i < gradient.size(); ++i) {
      largest = std::max(largest, std::abs(static_cast<double>(gradient[i])));
      worst = std::max(worst, std::abs(static_cast<double>(gradient[i] - packed.at(name)[i])));
    }
    EXPECT_LE(worst, 2e-5 * largest + std::numeric_limits<float>::epsilon() * scale) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(Causal, PackedModels,
                         testing::Values("llama", "gpt2", "mistral", "gemma2", "phi3", "gpt_neox", "opt"),
                         [](const auto& instance) { return std::string(instance.param); });

TEST(Packing, RefusesAModelThatMixesTokensOtherwise) {
  const auto model = AutoModelForCausalLM::from_pretrained(IMAGO_SOURCE_DIR "/src/imago/models/mamba/golden/causal_lm");
  const auto batch = data_collator_for_packed_rows(0)(pack_examples(examples({5, 4}), 12));
  EXPECT_THROW(ModelLoss().loss(*model, batch, {}), Error);
}

}  // namespace
}  // namespace imago
