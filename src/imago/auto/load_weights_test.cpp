// What is loaded can be saved: the same names, layouts and values. And heads find their part in checkpoints of others.
#include <gmock/gmock.h>

#include "imago/auto/load_weights.h"
#include "imago/base/json.h"
#include "imago/models/bert/bert.h"
#include "imago/models/gpt2/gpt2.h"
#include "imago/models/llama/llama.h"
#include "imago/models/t5/t5.h"
#include "imago/ops/compare/compare.h"
#include "imago/ops/reduce/reduce.h"

namespace imago {
namespace {

std::string folder_of(const std::string& name) { return std::string(IMAGO_SOURCE_DIR) + "/src/imago/models/" + name; }

template <class Model>
Model load(const std::string& name, const LoadOptions& options = {}) {
  typename Model::ConfigType config;
  read_config(read_json(folder_of(name) + "/config.json"), config);
  Model model(config);
  load_weights(model, Checkpoint::open(folder_of(name)), options);
  return model;
}

bool same(const Tensor& a, const Tensor& b) { return a.shape() == b.shape() && all(eq(a, b)).item<bool>(); }

template <class Model>
void expect_saved_as_loaded(const std::string& name) {
  Model model = load<Model>(name);
  const Checkpoint checkpoint = Checkpoint::open(folder_of(name));
  std::vector<std::string> saved;
  for (const auto& [tensor_name, tensor] : checkpoint_tensors(model)) {
    saved.push_back(tensor_name);
    if (!checkpoint.contains(tensor_name)) continue;  // told below
    EXPECT_TRUE(same(tensor, checkpoint.tensor(tensor_name))) << name << ": " << tensor_name;
  }
  EXPECT_THAT(saved, testing::UnorderedElementsAreArray(checkpoint.names())) << name;
}

TEST(CheckpointTest, WhatIsLoadedIsSaved) {
  expect_saved_as_loaded<llama::LlamaForCausalLM>("llama/golden/causal_lm");
  expect_saved_as_loaded<llama::LlamaForCausalLM>("llama/golden/tied");
  expect_saved_as_loaded<gpt2::GPT2LMHeadModel>("gpt2/golden/causal_lm");
  expect_saved_as_loaded<gpt2::GPT2LMHeadModel>("gpt2/golden/untied");
  expect_saved_as_loaded<bert::BertForPreTraining>("bert/golden/pretraining");
  expect_saved_as_loaded<bert::BertForMaskedLM>("bert/golden/masked_lm_untied");
  expect_saved_as_loaded<t5::T5ForConditionalGeneration>("t5/golden/seq2seq_lm");
  expect_saved_as_loaded<t5::T5ForConditionalGeneration>("t5/golden/version_1_1");
  expect_saved_as_loaded<t5::T5ForSequenceClassification>("t5/golden/sequence_classification");
}

TEST(CheckpointTest, OldNamesOfNormsAreSavedAsTodays) {
  auto model = load<bert::BertForMaskedLM>("bert/golden/legacy_names");
  for (const auto& [name, tensor] : checkpoint_tensors(model)) {
    EXPECT_THAT(name, testing::Not(testing::AnyOf(testing::EndsWith("gamma"), testing::EndsWith("beta"))));
  }
}

// As published BERT checkpoints, of pre-training, are used for everything else.
TEST(CheckpointTest, AHeadFindsItsPartInAnotherHeadsCheckpoint) {
  const auto whole = load<bert::BertForPreTraining>("bert/golden/pretraining");
  const auto masked = load<bert::BertForMaskedLM>("bert/golden/pretraining");
  const auto next = load<bert::BertForNextSentencePrediction>("bert/golden/pretraining");
  const auto bare = load<bert::BertModel>("bert/golden/pretraining");
  TextInputs in;
  in.input_ids = Tensor::from(std::vector<int64_t>{5, 9, 2, 17}, {1, 4});
  const PreTrainingOutput expected = whole.forward(in);
  EXPECT_TRUE(same(masked.forward(in).logits, expected.prediction_logits));
  EXPECT_TRUE(same(next.forward(in).logits, expected.seq_relationship_logits));
  EXPECT_TRUE(bare.forward(in).pooler_output.defined());
}

TEST(CheckpointTest, AnEncoderIsReadFromAWholeModel) {
  const auto encoder = load<t5::T5EncoderModel>("t5/golden/seq2seq_lm");
  const auto whole = load<t5::T5ForConditionalGeneration>("t5/golden/seq2seq_lm");
  TextInputs in;
  in.input_ids = Tensor::from(std::vector<int64_t>{5, 9, 2, 17}, {1, 4});
  EXPECT_TRUE(same(encoder.forward(in).last_hidden_state, whole.encode(in).last_hidden_state));
}

// As a sentence embedding model reads a masked language model's checkpoint: nothing is made up, and a head that would
// read the pooler is told.
TEST(CheckpointTest, ABareModelDoesWithoutAPoolerThatIsNotThere) {
  const auto bare = load<bert::BertModel>("bert/golden/masked_lm");
  const auto whole = load<bert::BertForMaskedLM>("bert/golden/masked_lm");
  TextInputs in;
  in.input_ids = Tensor::from(std::vector<int64_t>{5, 9, 2, 17}, {1, 4});
  in.output_hidden_states = true;
  const BaseModelOutput out = bare.forward(in);
  EXPECT_FALSE(out.pooler_output.defined());
  EXPECT_TRUE(same(out.last_hidden_state, whole.forward(in).hidden_states.back()));
  EXPECT_THAT([] { load<bert::BertForNextSentencePrediction>("bert/golden/masked_lm"); },
              testing::ThrowsMessage<std::exception>(testing::HasSubstr("bert.pooler.dense.weight")));
}

// A new head on a trained model: what is missing is listed, not made up.
TEST(CheckpointTest, ANewHeadIsMissing) {
  bert::DropoutConfig config;
  read_config(read_json(folder_of("bert/golden/pretraining/config.json")), config);
  bert::BertForSequenceClassification model(config);
  const Checkpoint checkpoint = Checkpoint::open(folder_of("bert/golden/pretraining"));
  EXPECT_THAT([&] { load_weights(model, checkpoint); },
              testing::ThrowsMessage<std::exception>(testing::HasSubstr("classifier.weight")));
  bert::BertForSequenceClassification fresh(config);
  const LoadReport report = load_weights(fresh, checkpoint, {.allow_missing = true});
  EXPECT_THAT(report.missing, testing::UnorderedElementsAre("classifier.weight", "classifier.bias"));
}

}  // namespace
}  // namespace imago
