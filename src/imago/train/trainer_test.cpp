#include "imago/train/trainer.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>

#include "imago/auto/auto_model.h"
#include "imago/base/error.h"
#include "imago/base/file.h"
#include "imago/base/json.h"
#include "imago/base/progress.h"
#include "imago/io/checkpoint.h"
#include "imago/train/make_optimizer.h"
#include "imago/train/random_permutation.h"
#include "imago/train/training_checkpoint.h"

namespace imago {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

const std::string kModel = IMAGO_SOURCE_DIR "/src/imago/models/llama/golden/causal_lm";
const std::string kGolden = IMAGO_SOURCE_DIR "/src/imago/train/testdata/trainer.json";
constexpr int64_t kVocabSize = 64, kExamples = 11;

class TemporaryFolder {
 public:
  TemporaryFolder() : path_(fs::temp_directory_path() / ("imago_trainer_" + std::to_string(::getpid()))) {
    fs::remove_all(path_);
    set_progress_enabled(false);
  }
  ~TemporaryFolder() { fs::remove_all(path_); }
  std::string path() const { return path_; }

 private:
  fs::path path_;
};

// As tools/golden/trainer.py makes them.
MemoryDataset examples() {
  std::vector<TensorMap> rows;
  for (int64_t index = 0; index < kExamples; ++index) {
    std::vector<int64_t> ids;
    for (int64_t position = 0; position < 4 + index % 5; ++position) {
      ids.push_back((index * 7 + position * position * 3 + 2) % (kVocabSize - 1) + 1);
    }
    rows.push_back({{"input_ids", Tensor::from(ids)}});
  }
  return MemoryDataset(std::move(rows));
}

std::vector<double> logged(const TrainerState& state, const char* name) {
  std::vector<double> values;
  for (const LogEntry& entry : state.log_history) {
    if (const auto found = entry.find(name); found != entry.end()) values.push_back(found->second);
  }
  return values;
}

struct Outcome {
  std::vector<double> losses;
  std::vector<std::vector<float>> weights;
};

Outcome run(const TrainingArguments& arguments, const std::string& resume = {},
            const std::vector<TrainerCallback*>& callbacks = {}) {
  const MemoryDataset dataset = examples();
  const auto model = AutoModelForCausalLM::from_pretrained(kModel);
  Trainer trainer(
      *model, arguments,
      {.train_dataset = &dataset, .data_collator = data_collator_for_language_modeling({}), .callbacks = callbacks});
  trainer.train(resume);
  Outcome result{logged(trainer.state(), "loss"), {}};
  for_each_parameter(*model, [&](const std::string&, Tensor& tensor) {
    result.weights.push_back(tensor.detach().to_vector<float>());
  });
  return result;
}

TEST(RandomPermutation, IsTorchs) {
  EXPECT_THAT(random_permutation(0, 1), ElementsAre());
  EXPECT_THAT(random_permutation(1, 5), ElementsAre(0));
  EXPECT_THAT(random_permutation(10, 42), ElementsAre(2, 6, 1, 8, 4, 5, 0, 9, 3, 7));
  EXPECT_THAT(random_permutation(7, (uint64_t{1} << 32) + 3), ElementsAre(5, 3, 4, 6, 0, 2, 1));
  const std::vector<int64_t> large = random_permutation(100'000, 42);
  EXPECT_THAT(std::vector<int64_t>(large.begin(), large.begin() + 5), ElementsAre(37542, 60279, 68544, 70051, 15790));
  EXPECT_THAT(std::vector<int64_t>(large.end() - 3, large.end()), ElementsAre(44288, 94835, 53243));
}

TEST(DataCollator, PadsToTheLongest) {
  const std::vector<TensorMap> rows = {{{"input_ids", Tensor::from(std::vector<int64_t>{5, 0, 7})}},
                                       {{"input_ids", Tensor::from(std::vector<int64_t>{4})}}};
  TensorMap batch = data_collator_for_language_modeling({})(rows);
  EXPECT_THAT(batch.at("input_ids").to_vector<int64_t>(), ElementsAre(5, 0, 7, 4, 0, 0));
  EXPECT_THAT(batch.at("attention_mask").to_vector<int64_t>(), ElementsAre(1, 1, 1, 1, 0, 0));
  EXPECT_THAT(batch.at("labels").to_vector<int64_t>(), ElementsAre(5, -100, 7, 4, -100, -100));
  batch = data_collator_with_padding({.pad_token_id = 9, .pad_to_multiple_of = 4, .left = true})(rows);
  EXPECT_THAT(batch.at("input_ids").to_vector<int64_t>(), ElementsAre(9, 5, 0, 7, 9, 9, 9, 4));
  EXPECT_THAT(batch.at("attention_mask").to_vector<int64_t>(), ElementsAre(0, 1, 1, 1, 0, 0, 0, 1));
  EXPECT_THROW(default_data_collator(rows), Error);
}

TEST(Trainer, LogsWhatTheReferenceLogs) {
  const TemporaryFolder folder;
  const Json golden = read_json(kGolden);
  for (const Json& expected : golden.at("cases")) {
    SCOPED_TRACE(dump_json(expected.at("arguments")));
    TrainingArguments arguments = TrainingArguments::from_json(expected.at("arguments"), "trainer.json");
    arguments.output_dir = folder.path();
    arguments.logging_steps = 1;
    arguments.save_strategy = "no";
    const MemoryDataset dataset = examples();
    const auto model = AutoModelForCausalLM::from_pretrained(kModel);
    Trainer trainer(*model, arguments,
                    {.train_dataset = &dataset, .data_collator = data_collator_for_language_modeling({})});
    trainer.train();
    for (const auto& [name, tolerance] :
         {std::pair{"loss", 1e-5}, {"grad_norm", 1e-4}, {"learning_rate", 1e-12}, {"epoch", 1e-12}}) {
      const auto values = expected.at(name).get<std::vector<double>>();
      const std::vector<double> ours = logged(trainer.state(), name);
      ASSERT_EQ(ours.size(), values.size()) << name;
      for (size_t i = 0; i < ours.size(); ++i) {
        EXPECT_NEAR(ours[i], values[i], tolerance * std::abs(values[i])) << name << " of step " << i + 1;
      }
    }
  }
}

TrainingArguments short_run(const TemporaryFolder& folder) {
  TrainingArguments arguments;
  arguments.output_dir = folder.path();
  arguments.per_device_train_batch_size = 2;
  arguments.gradient_accumulation_steps = 2;
  arguments.max_steps = 7;
  arguments.learning_rate = 1e-2;
  arguments.logging_steps = 2;
  arguments.save_steps = 3;
  return arguments;
}

TEST(Trainer, ResumesToTheBitWithEveryOptimizer) {
  for (const std::string& optim : optimizer_names()) {
    const TemporaryFolder folder;
    TrainingArguments arguments = short_run(folder);
    arguments.optim = optim;
    const Outcome whole = run(arguments);
    ASSERT_EQ(whole.losses.size(), 3U);
    for (const char* step : {"3", "6"}) {
      const Outcome resumed = run(arguments, folder.path() + "/checkpoint-" + step);
      EXPECT_EQ(resumed.losses, whole.losses) << optim << " " << step;
      EXPECT_EQ(resumed.weights, whole.weights) << optim << " " << step;
    }
  }
}

// Ends the run in the middle of a step, as a signal would.
struct Interrupted : TrainerCallback {
  void on_optimizer_step(const TrainerCallback::Run& now) override {
    if (now.state.global_step == 4) throw Error(ErrorKind::kIo, "test", "interrupted");
  }
};

TEST(Trainer, ResumesFromTheLastCheckpointAfterAnInterruption) {
  const TemporaryFolder folder;
  const Outcome whole = run(short_run(folder));
  fs::remove_all(folder.path());
  Interrupted interrupted;
  EXPECT_THROW(run(short_run(folder), {}, {&interrupted}), Error);
  EXPECT_EQ(last_checkpoint(folder.path()), folder.path() + "/checkpoint-3");
  EXPECT_EQ(run(short_run(folder), "last").weights, whole.weights);
}

TEST(Trainer, KeepsTheLatestCheckpoints) {
  const TemporaryFolder folder;
  TrainingArguments arguments = short_run(folder);
  arguments.save_steps = 1;
  arguments.save_total_limit = 2;
  run(arguments);
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder.path())) names.push_back(entry.path().filename());
  EXPECT_THAT(names, testing::UnorderedElementsAre("checkpoint-6", "checkpoint-7"));
  EXPECT_NO_THROW(AutoModelForCausalLM::from_pretrained(folder.path() + "/checkpoint-7"));
}

TEST(Trainer, LeavesNothingOfACheckpointThatCannotBeWritten) {
  const TemporaryFolder folder;
  fs::create_directories(folder.path());
  EXPECT_THROW(write_checkpoint_atomically(folder.path(), 5,
                                           [](const std::string& unfinished) {
                                             write_file_atomically(unfinished + "/half", "half");
                                             throw Error(ErrorKind::kIo, "test", "the disk is full");
                                           }),
               Error);
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

TEST(Trainer, RefusesToResumeWithOtherArguments) {
  const TemporaryFolder folder;
  run(short_run(folder));
  TrainingArguments arguments = short_run(folder);
  arguments.optim = "muon";
  EXPECT_THROW(run(arguments, "last"), Error);
  arguments.optim = "adamw_torch";
  arguments.per_device_train_batch_size = 4;
  try {
    run(arguments, "last");
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("train_batch_size was 2, now it is 4"));
  }
}

TEST(Trainer, NamesTheStepAndThePlaceOfALossThatIsNotFinite) {
  const TemporaryFolder folder;
  TrainingArguments arguments = short_run(folder);
  arguments.learning_rate = 1e30;
  arguments.max_grad_norm = 0;
  try {
    run(arguments);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("step 2"));
    EXPECT_THAT(error.what(), HasSubstr("not finite"));
  }
}

TEST(Trainer, RefusesToTrainWithoutTheSpansThatTheReferenceHides) {
  const TemporaryFolder folder;
  const std::string from = IMAGO_SOURCE_DIR "/src/imago/models/wav2vec2_bert/golden/ctc", to = folder.path() + "/model";
  fs::create_directories(to);
  fs::copy(from, to);
  Json config = read_json(from + "/config.json");
  config["apply_spec_augment"] = true;
  write_file_atomically(to + "/config.json", dump_json(config));
  const auto model = model_from_pretrained(to, "AutoModelForCTC");
  try {
    Trainer(*model, short_run(folder), {});
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("mask_time_prob 0.05"));
    EXPECT_THAT(error.what(), HasSubstr("apply_spec_augment"));
  }
}

// Which hooks were called, each once in a row.
struct Hooks : TrainerCallback {
  std::string called;
  void note(const std::string& name) {
    if (!called.ends_with(name + " ")) called += name + " ";
  }
  void on_init_end(const Run&) override { note("init_end"); }
  void on_evaluate(const Run&, const LogEntry&) override { note("evaluate"); }
  void on_prediction_step(const Run&) override { note("prediction_step"); }
  void on_predict(const Run&, const LogEntry& metrics) override {
    note("predict");
    EXPECT_TRUE(metrics.contains("test_loss"));
  }
};

TEST(Trainer, PredictsWhatItEvaluates) {
  const TemporaryFolder folder;
  const auto model = AutoModelForCausalLM::from_pretrained(kModel);
  const MemoryDataset dataset = examples();
  Hooks hooks;
  TrainingArguments arguments = short_run(folder);
  arguments.per_device_eval_batch_size = 4;
  Trainer trainer(
      *model, arguments,
      {.eval_dataset = &dataset, .data_collator = data_collator_for_language_modeling({}), .callbacks = {&hooks}});
  const PredictionOutput predicted = trainer.predict(dataset);
  EXPECT_EQ(hooks.called, "init_end prediction_step predict ");
  ASSERT_EQ(predicted.outputs.size(), 3U);
  EXPECT_EQ(predicted.outputs[2].at("logits").size(0), 3);
  EXPECT_EQ(predicted.outputs[2].at("logits").size(2), kVocabSize);
  EXPECT_EQ(predicted.metrics.at("test_loss"), trainer.evaluate().at("eval_loss"));
}

TEST(TrainingArguments, AreRefusedByName) {
  const auto expect_error = [](const char* json, const char* what) {
    try {
      TrainingArguments::from_json(parse_json(json, "test"), "run.json");
      FAIL() << "no error: " << json;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr(what));
    }
  };
  expect_error(R"({"tf32": true})", "tf32");
  expect_error(R"({"optim": "adalomo"})", "adalomo");
  expect_error(R"({"per_device_train_batch_size": 0})", "per_device_train_batch_size");
  expect_error(R"({"learning_rate": -1})", "learning_rate");
  expect_error(R"({"save_strategy": "best"})", "metric_for_best_model");
  expect_error(R"({"save_strategy": "sometimes"})", "sometimes");
}

}  // namespace
}  // namespace imago
