#include <fmt/core.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "imago/base/error.h"
#include "imago/base/file.h"
#include "imago/base/json.h"
#include "imago/cli/command.h"
#include "imago/cli/run_file.h"

namespace imago {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

struct Finished {
  int status;
  std::string out, err;
};

class TrainCommand : public testing::Test {
 protected:
  TrainCommand() : folder_(fs::temp_directory_path() / ("imago_train_" + std::to_string(::getpid()))) {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  ~TrainCommand() override { fs::remove_all(folder_); }

  std::string write(const std::string& more = {}) const {
    const std::string path = folder_ / "run.yaml";
    write_file_atomically(folder_ / "text.txt", "Once upon a time there was a king who had three sons.\n");
    write_file_atomically(path, "model_name_or_path: " IMAGO_SOURCE_DIR
                                "/assets/story\n"
                                "train_file: " +
                                    (folder_ / "text.txt").string() +
                                    "\n"
                                    "output_dir: " +
                                    (folder_ / "out").string() +
                                    "\n"
                                    "block_size: 4\nper_device_train_batch_size: 1\nlogging_steps: 1\n" +
                                    more);
    return path;
  }

  static Finished run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"imago", "train"});
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    Finished finished{run_program(static_cast<int>(argv.size()), argv.data()), {}, {}};
    std::fflush(stdout);
    finished.out = testing::internal::GetCapturedStdout();
    finished.err = testing::internal::GetCapturedStderr();
    return finished;
  }

  fs::path folder_;
};

TEST_F(TrainCommand, SaysWhatItWouldTrain) {
  const Finished finished = run({write(), "--dry-run", "--json", "--max_steps", "7"});
  ASSERT_EQ(finished.status, 0) << finished.err;
  const Json summary = parse_json(finished.out, "output");
  EXPECT_EQ(summary.at("max_steps"), 7);
  EXPECT_EQ(summary.at("tokens_per_step"), 4);
  const auto trained = summary.at("parameters_trained").get<int64_t>();
  EXPECT_GT(trained, 1'000'000);
  EXPECT_EQ(summary.at("parameters"), trained);  // tied ones count once
  // A float each for value, gradient and AdamW's two moments.
  EXPECT_EQ(summary.at("bytes_without_activations"), 16 * trained);
  EXPECT_FALSE(fs::exists(folder_ / "out"));
}

TEST_F(TrainCommand, WritesACheckpointWithItsTokenizerAndGoesOn) {
  const Finished first = run({write(), "--max_steps", "1", "--json"});
  ASSERT_EQ(first.status, 0) << first.err;
  EXPECT_EQ(parse_json(first.out, "output").at("step"), 1);
  for (const char* name : {"checkpoint-1", "model.safetensors", "config.json", "tokenizer.json", "log.jsonl"}) {
    EXPECT_TRUE(fs::exists(folder_ / "out" / name)) << name;
  }
  const Finished second = run({write(), "--max_steps", "2", "--resume_from_checkpoint", "last", "--json"});
  ASSERT_EQ(second.status, 0) << second.err;
  EXPECT_EQ(parse_json(second.out, "output").at("step"), 2);
  const std::string log = read_file(folder_ / "out" / "log.jsonl");
  EXPECT_EQ(std::count(log.begin(), log.end(), '\n'), 2) << log;
}

TEST_F(TrainCommand, ALoraWithoutTargetsIsOnAllLinearLayers) {
  const Finished finished = run({write(), "--dry-run", "--json", "--lora", "r=2"});
  ASSERT_EQ(finished.status, 0) << finished.err;
  EXPECT_GT(parse_json(finished.out, "output").at("parameters_trained").get<int64_t>(), 0);
}

TEST_F(TrainCommand, NamesTheLineOfAKeyThatIsNotSupported) {
  const Finished finished = run({write("tf32: true\n")});
  EXPECT_EQ(finished.status, 1);
  EXPECT_THAT(finished.err, HasSubstr("run.yaml:7"));
  EXPECT_THAT(finished.err, HasSubstr("tf32"));
}

TEST_F(TrainCommand, RunFilesKeepTypesAndLines) {
  const std::string path = folder_ / "types.yaml";
  write_file_atomically(path, "a: 1e-4\nb: 3\nc: \"3\"\nd: true\ne: [1, x]\nf: {g: null}\n");
  const cli::RunFile file = cli::read_run_file(path);
  EXPECT_EQ(dump_json(file.values), R"({"a": 0.0001, "b": 3, "c": "3", "d": true, "e": [1, "x"], "f": {"g": null}})");
  EXPECT_EQ(file.where.at("c"), path + ":3");
  std::string bomb = "v0: &v0 [1, 1, 1, 1, 1, 1, 1, 1]\n";
  for (int i = 1; i < 20; ++i) bomb += fmt::format("v{0}: &v{0} [*v{1}, *v{1}, *v{1}, *v{1}]\n", i, i - 1);
  write_file_atomically(path, bomb);
  EXPECT_THROW(cli::read_run_file(path), Error);
  for (const char* bad : {"- a\n", "a: 1\na: 2\n", "a: [1\n", "a: b: c\n"}) {
    write_file_atomically(path, bad);
    EXPECT_THROW(cli::read_run_file(path), Error) << bad;
  }
}

// With a small BERT in the place of the Hub's, which learns its few reviews by heart.
TEST_F(TrainCommand, TheExampleOfAClassifierRuns) {
  const std::string out = folder_ / "reviews", data = IMAGO_SOURCE_DIR "/examples/reviews.csv";
  const Finished done = run({IMAGO_SOURCE_DIR "/examples/bert_classification.yaml", "--model",
                             IMAGO_SOURCE_DIR "/tests/golden/pipelines/fill-mask", "--train_file", data,
                             "--validation_file", data, "--output_dir", out, "--learning_rate", "3e-3",
                             "--num_train_epochs", "40", "--early_stopping_patience", "40", "--json"});
  ASSERT_EQ(done.status, 0) << done.err;
  double best = 0;
  for (size_t start = 0; start < done.out.size();) {
    const size_t end = std::min(done.out.find('\n', start), done.out.size());
    const Json entry = parse_json(std::string_view(done.out).substr(start, end - start), "log");
    if (entry.contains("eval_f1")) best = std::max(best, entry.at("eval_f1").get<double>());
    start = end + 1;
  }
  EXPECT_EQ(best, 1);
  EXPECT_EQ(read_json(out + "/config.json").at("id2label").at("0").get<std::string>(), "bad");
  EXPECT_TRUE(fs::exists(out + "/tokenizer.json"));
}

}  // namespace
}  // namespace imago
