#include "imago/train/group_relative_loss.h"

#include <gmock/gmock.h>

#include <cmath>

#include "imago/auto/auto_model.h"
#include "imago/autograd/backward.h"
#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/nn/torch_generator.h"
#include "imago/ops/contiguous/contiguous.h"
#include "imago/ops/operators.h"
#include "imago/ops/slice/slice.h"
#include "imago/tensor/grad_meta.h"
#include "imago/train/data_collator.h"

namespace imago {
namespace {

const std::string kModel = IMAGO_SOURCE_DIR "/assets/story";

// torch: (r - r.mean()) / (r.std() + 1e-4) of each group.
TEST(GroupRelative, AnswersAreMeasuredAgainstTheirPromptsOthers) {
  const std::vector<double> advantages = group_advantages({1, 0, 0, 1, 2, 2}, 3, true);
  const double deviation = std::sqrt(1.0 / 3) + 1e-4;
  EXPECT_NEAR(advantages[0], (1 - 1.0 / 3) / deviation, 1e-12);
  EXPECT_NEAR(advantages[1], (0 - 1.0 / 3) / deviation, 1e-12);
  EXPECT_NEAR(advantages[3], (1 - 5.0 / 3) / deviation, 1e-12);
  EXPECT_NEAR(group_advantages({1, 0}, 2, false)[0], 0.5, 1e-12);
}

TEST(GroupRelative, RewardsLookAtTheTextOfTheRow) {
  const std::vector<Row> rows = {{{{"answer", " 42 "}}, "rows:1"}, {{{"answer", "king"}}, "rows:2"}};
  const std::vector<Completion> said = {{0, {}, {}, "42\n"}, {0, {}, {}, "is 42"}, {1, {}, {}, "a king"}};
  EXPECT_EQ(rule_reward("exact_match", rows, "answer", "")(said), (std::vector<double>{1, 0, 0}));
  EXPECT_EQ(rule_reward("contains", rows, "answer", "")(said), (std::vector<double>{1, 1, 1}));
  EXPECT_EQ(rule_reward("regex", rows, "answer", "[a-z ]+")(said), (std::vector<double>{0, 0, 1}));
  EXPECT_THROW(rule_reward("best", rows, "answer", ""), Error);
}

class Grpo : public testing::Test {
 protected:
  Grpo() : tokenizer_(PretrainedTokenizer::from_folder(kModel)), model_(AutoModelForCausalLM::from_pretrained(kModel)) {
    options_.num_generations = 4;
    options_.generation = GenerationConfig::from_pretrained(kModel, model_->config());
    options_.generation.do_sample = true;
    options_.generation.max_length.reset();
    options_.generation.max_new_tokens = 6;
    options_.generation.top_k = 0;
  }

  TensorMap prompts() const {
    const std::vector<std::string> texts = {"Once upon a time", "There was a king"};
    TensorMap batch;
    std::vector<TensorMap> examples;
    for (const std::string& text : texts) {
      const auto ids = tokenizer_.tokenizer().encode_ids(text, {});
      examples.push_back({{"input_ids", Tensor::from(std::vector<int64_t>(ids.begin(), ids.end()))},
                          {"row", Tensor::scalar(static_cast<double>(examples.size()), DType::i64)}});
    }
    return data_collator_with_padding({.pad_token_id = 0, .left = true})(examples);
  }

  PretrainedTokenizer tokenizer_;
  std::unique_ptr<CausalLM> model_;
  GroupRelativeOptions options_;
};

TEST_F(Grpo, TheSameStateOfTheGeneratorGivesTheSameAnswers) {
  std::vector<Completion> seen;
  const GroupRelativeLoss loss(tokenizer_, options_, [&](const std::vector<Completion>& completions) {
    seen = completions;
    std::vector<double> rewards;
    for (const Completion& each : completions) rewards.push_back(static_cast<double>(each.text.size()));
    return rewards;
  });
  const NoGrad no_grad;
  TorchGenerator first(5), second(5), third(6);
  const TensorMap a = loss.prepare(*model_, prompts(), first), b = loss.prepare(*model_, prompts(), second),
                  c = loss.prepare(*model_, prompts(), third);
  ASSERT_EQ(seen.size(), 8);
  EXPECT_EQ(seen[0].row, 0);
  EXPECT_EQ(seen[4].row, 1);
  EXPECT_EQ(a.at("input_ids").to_vector<int64_t>(), b.at("input_ids").to_vector<int64_t>());
  EXPECT_NE(a.at("input_ids").to_vector<int64_t>(), c.at("input_ids").to_vector<int64_t>());
  EXPECT_EQ(first.state(), second.state());
  EXPECT_EQ(loss.items(*model_, a), 8 * 6);
  const auto metrics = loss.take_metrics();
  EXPECT_EQ(metrics.at("completion_length"), 6);
  EXPECT_TRUE(loss.take_metrics().empty());
}

// A step against the gradient makes what was rewarded likelier.
TEST_F(Grpo, TheGradientRaisesWhatIsRewarded) {
  const GroupRelativeLoss objective(tokenizer_, options_, [](const std::vector<Completion>& completions) {
    std::vector<double> rewards;
    for (size_t i = 0; i < completions.size(); ++i) rewards.push_back(i % 4 == 0 ? 1 : 0);
    return rewards;
  });
  TensorMap batch;
  {
    const NoGrad no_grad;
    TorchGenerator generator(5);
    batch = objective.prepare(*model_, prompts(), generator);
  }
  std::vector<Tensor> parameters;
  for_each_parameter(*model_, [&](const std::string&, Tensor& parameter) {
    parameter = clone(parameter.detach());
    parameter.set_requires_grad(true);
    parameters.push_back(parameter);
  });
  const auto weighted = [&] {  // the advantages' mean log probability
    const NoGrad no_grad;
    TensorMap arguments = batch;
    const Tensor advantages = arguments.at("advantages");
    double total = 0;
    for (int64_t row = 0; row < advantages.size(0); ++row) {
      const TensorMap one = {{"input_ids", narrow(batch.at("input_ids"), 0, row, 1)},
                             {"attention_mask", narrow(batch.at("attention_mask"), 0, row, 1)},
                             {"labels", narrow(batch.at("labels"), 0, row, 1)}};
      total -= model_->run(one, {}).at("loss").item<double>() * narrow(advantages, 0, row, 1).item<double>();
    }
    return total;
  };
  const double before = weighted();
  backward(objective.loss(*model_, batch, {}));
  const NoGrad no_grad;
  for (const Tensor& parameter : parameters) {
    if (parameter.grad().defined()) copy_(parameter, parameter.detach() - parameter.grad() * 1e-2);
  }
  EXPECT_GT(weighted(), before);
}

}  // namespace
}  // namespace imago
