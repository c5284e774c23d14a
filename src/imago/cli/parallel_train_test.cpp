// `imago train` by several processes: each strategy is started with mpirun, and has the losses and weights of one.
#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <thread>

#include "imago/auto/auto_model.h"
#include "imago/base/file.h"
#include "imago/base/json.h"
#include "imago/io/checkpoint.h"

namespace imago {
namespace {

namespace fs = std::filesystem;

const std::string kLlama = IMAGO_SOURCE_DIR "/src/imago/models/llama/golden/causal_lm";
const std::string kTied = IMAGO_SOURCE_DIR "/src/imago/models/llama/golden/tied";
const std::string kGPT2 = IMAGO_SOURCE_DIR "/src/imago/models/gpt2/golden/causal_lm";
const std::string kBert = IMAGO_SOURCE_DIR "/src/imago/models/bert/golden/sequence_classification";
const std::string kMixtral = IMAGO_SOURCE_DIR "/src/imago/models/mixtral/golden/causal_lm";

class ParallelTrain : public testing::Test {
 protected:
  ParallelTrain() : folder_(fs::temp_directory_path() / ("imago_parallel_" + std::to_string(::getpid()))) {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    program_ = fs::read_symlink("/proc/self/exe").parent_path() / "imago";
  }
  ~ParallelTrain() override { fs::remove_all(folder_); }

  void SetUp() override {
    if (std::system("mpirun --version >/dev/null 2>&1") != 0) GTEST_SKIP() << "mpirun is not installed";
    ASSERT_TRUE(fs::exists(program_)) << program_;
  }

  // Rows of several lengths, so that processes have different numbers of tokens.
  fs::path rows(bool classified = false) const {
    std::string lines;
    for (int row = 0; row < 20; ++row) {
      std::vector<int64_t> ids;
      for (int i = 0; i < 4 + row * 5 % 7; ++i) ids.push_back((row * 11 + i * 7) % 60 + 2);
      Json json = {{"input_ids", ids}, {"labels", ids}};
      if (classified) json["labels"] = row % 2;
      lines += dump_json(json) + "\n";
    }
    const fs::path path = folder_ / (classified ? "classified.jsonl" : "rows.jsonl");
    write_file_atomically(path, lines);
    return path;
  }

  struct Run {
    std::string model = kLlama, name = "one";
    int processes = 1;
    std::vector<std::string> more = {};
    bool classified = false;
    int64_t steps = 6;
  };

  std::vector<std::string> command(const Run& run) const {
    std::vector<std::string> words;
    if (run.processes > 1) {
      words = {"mpirun", "--allow-run-as-root",        "--oversubscribe", "--bind-to", "none",
               "-n",     std::to_string(run.processes)};
    }
    for (const std::string& word : {program_.string(),
                                    std::string("train"),
                                    std::string("tokenized"),
                                    std::string("--model"),
                                    run.model,
                                    std::string("--data"),
                                    rows(run.classified).string(),
                                    std::string("--output_dir"),
                                    (folder_ / run.name).string(),
                                    std::string("--json"),
                                    std::string("--logging_steps"),
                                    std::string("1"),
                                    std::string("--learning_rate"),
                                    std::string("1e-3"),
                                    std::string("--per_device_train_batch_size"),
                                    std::string("5"),
                                    std::string("--max_steps"),
                                    std::to_string(run.steps),
                                    std::string("--save_steps"),
                                    std::string("3")}) {
      words.push_back(word);
    }
    words.insert(words.end(), run.more.begin(), run.more.end());
    return words;
  }

  // Its process; output and errors go into files of the run's name.
  pid_t start(const Run& run) const {
    const std::vector<std::string> words = command(run);
    const std::string out = folder_ / (run.name + ".out"), err = folder_ / (run.name + ".err");
    std::vector<const char*> argv;
    for (const std::string& word : words) argv.push_back(word.c_str());
    argv.push_back(nullptr);
    const pid_t child = ::fork();
    if (child != 0) return child;
    ::setenv("IMAGO_NUM_THREADS", "1", 1);
    ::setenv("OMPI_MCA_btl_vader_single_copy_mechanism", "none", 1);
    ::setenv("ASAN_OPTIONS", "detect_leaks=0", 1);  // Open MPI keeps what it has opened
    ::dup2(::open(out.c_str(), O_CREAT | O_WRONLY | O_TRUNC, 0600), 1);
    ::dup2(::open(err.c_str(), O_CREAT | O_WRONLY | O_TRUNC, 0600), 2);
    ::execvp(argv[0], const_cast<char**>(argv.data()));
    ::_exit(127);
  }

  static int finish(pid_t child) {
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

  std::string errors(const std::string& name) const { return read_file(folder_ / (name + ".err")); }

  std::vector<double> losses(const Run& run) const {
    EXPECT_EQ(finish(start(run)), 0) << run.name << ": " << errors(run.name);
    std::vector<double> found;
    std::ifstream out(folder_ / (run.name + ".out"));
    for (std::string line; std::getline(out, line);) {
      if (line.starts_with("{")) found.push_back(parse_json(line, run.name).at("loss").get<double>());
    }
    return found;
  }

  void expect_losses(const Run& run, const std::vector<double>& expected) const {
    SCOPED_TRACE(run.name);
    const std::vector<double> got = losses(run);
    ASSERT_EQ(got.size(), expected.size());
    for (size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], expected[i], 2e-6 * expected[i]) << "step " << i + 1;
  }

  void expect_same(const Run& run, const std::vector<double>& expected, const std::string& one) const {
    expect_losses(run, expected);
    SCOPED_TRACE(run.name);
    for (const char* file : {"model.safetensors", "checkpoint-3/optimizer.safetensors"}) {
      const auto theirs = Checkpoint::open_file(folder_ / one / file),
                 ours = Checkpoint::open_file(folder_ / run.name / file);
      ASSERT_EQ(ours.names(), theirs.names()) << file;
      for (const std::string& name : theirs.names()) {
        const std::vector<double> a = theirs.tensor(name).to_vector<double>(),
                                  b = ours.tensor(name).to_vector<double>();
        ASSERT_EQ(a.size(), b.size()) << name;
        double worst = 0, largest = 0;
        for (size_t i = 0; i < a.size(); ++i) {
          worst = std::max(worst, std::abs(a[i] - b[i]));
          largest = std::max(largest, std::abs(a[i]));
        }
        EXPECT_LE(worst, 1e-4 * largest + 1e-8) << file << ": " << name;
      }
    }
  }

  fs::path folder_, program_;
};

TEST_F(ParallelTrain, EveryStrategyHasTheLossesOfOneProcess) {
  const std::vector<double> one = losses({});
  ASSERT_EQ(one.size(), 6);
  for (const char* strategy : {"data", "zero1", "zero2", "zero3", "tensor"})
    expect_same({.name = strategy, .processes = 2, .more = {"--parallel", strategy}}, one, "one");
}

std::vector<std::string> with(std::vector<std::string> words, const std::string& more) {
  words.push_back(more);
  return words;
}

// The gradient of a key's bias is zero but for rounding, which Adam would make as large as any other: plain descent.
const std::vector<std::string> kDescent = {"--optim", "sgd", "--parallel"};

TEST_F(ParallelTrain, PartsMayBeUneven) {
  const std::vector<double> one = losses({.model = kGPT2, .more = {"--optim", "sgd"}});
  for (const char* strategy : {"zero2", "zero3", "tensor"})
    expect_same({.model = kGPT2, .name = strategy, .processes = 3, .more = with(kDescent, strategy)}, one, "one");
}

TEST_F(ParallelTrain, TiedWeightsAccumulationAndCheckpointing) {
  const std::vector<std::string> more = {"--gradient_accumulation_steps", "2", "--gradient_checkpointing", "true"};
  const std::vector<double> one = losses({.model = kTied, .more = more});
  for (const char* strategy : {"data", "zero2", "zero3", "tensor"}) {
    std::vector<std::string> all = more;
    all.insert(all.end(), {"--parallel", strategy});
    expect_same({.model = kTied, .name = strategy, .processes = 2, .more = all}, one, "one");
  }
}

TEST_F(ParallelTrain, EncodersAndExperts) {
  const std::vector<double> bert = losses({.model = kBert, .more = {"--optim", "sgd"}, .classified = true});
  // Of three processes one has no row of the embeddings of two kinds of tokens.
  for (const auto& [strategy, processes] : {std::pair{"zero3", 2}, {"tensor", 2}, {"zero2", 3}, {"zero3", 3}}) {
    const std::string name = fmt::format("{}{}", strategy, processes);
    expect_same(
        {.model = kBert, .name = name, .processes = processes, .more = with(kDescent, strategy), .classified = true},
        bert, "one");
  }
  const std::vector<double> experts = losses({.model = kMixtral, .name = "experts"});
  expect_same({.model = kMixtral, .name = "experts3", .processes = 2, .more = {"--parallel", "zero3"}}, experts,
              "experts");
}

TEST_F(ParallelTrain, ARunGoesOnWithAnotherNumberOfProcesses) {
  const std::vector<std::string> constant = {"--lr_scheduler_type", "constant"};
  const std::vector<double> whole = losses({.name = "whole", .more = constant});
  const std::vector<std::string> sharded = {"--lr_scheduler_type", "constant", "--parallel", "zero3"};
  ASSERT_EQ(losses({.name = "other", .processes = 2, .more = sharded, .steps = 3}).size(), 3);
  const std::vector<std::string> last = {"--lr_scheduler_type", "constant", "--resume_from_checkpoint", "last"};
  const std::vector<double> rest = losses({.name = "other", .more = last});
  ASSERT_EQ(rest.size(), 3);
  for (size_t i = 0; i < rest.size(); ++i) EXPECT_NEAR(rest[i], whole[i + 3], 2e-6 * whole[i + 3]);
}

TEST_F(ParallelTrain, AdaptersTrainTogether) {
  const std::vector<std::string> more = {"--lora", "r=4,target_modules=q_proj+v_proj", "--save_strategy", "no"};
  const std::vector<double> one = losses({.more = more});
  for (const char* strategy : {"data", "zero1", "zero2", "zero3", "tensor"}) {
    std::vector<std::string> all = more;
    all.insert(all.end(), {"--parallel", strategy});
    expect_losses({.name = strategy, .processes = 2, .more = all}, one);
  }
  const Run refused{.name = "refused", .processes = 2, .more = {"--lora", "r=4,use_dora=true", "--parallel", "zero3"}};
  EXPECT_NE(finish(start(refused)), 0);
  EXPECT_THAT(errors("refused"), testing::HasSubstr("on a base that processes divide"));
}

// On every layer, so that feed-forward networks and tied words have one; uneven parts, and a run that goes on.
TEST_F(ParallelTrain, AdaptersOnADividedBase) {
  const std::vector<std::string> more = {
      "--lora",   "r=4,target_modules=all-linear", "--optim", "sgd", "--lr_scheduler_type",
      "constant", "--gradient_checkpointing",      "true"};
  for (const std::string& model : {kGPT2, kTied}) {
    const std::string name = model == kGPT2 ? "gpt2" : "tied";
    const std::vector<double> one = losses({.model = model, .name = name, .more = more});
    for (const std::string strategy : {"zero3", "tensor"}) {
      std::vector<std::string> all = more;
      all.insert(all.end(), {"--parallel", strategy});
      expect_losses({.model = model, .name = name + strategy, .processes = 3, .more = all, .steps = 3},
                    {one.begin(), one.begin() + 3});
      all.insert(all.end(), {"--resume_from_checkpoint", "last"});
      expect_losses({.model = model, .name = name + strategy, .processes = 2, .more = all},
                    {one.begin() + 3, one.end()});
    }
  }
}

std::vector<pid_t> children(pid_t parent) {
  std::vector<pid_t> found;
  std::ifstream file(fmt::format("/proc/{0}/task/{0}/children", parent));
  for (pid_t child = 0; file >> child;) found.push_back(child);
  return found;
}

TEST_F(ParallelTrain, ALostProcessEndsTheRunAndLeavesAWholeCheckpoint) {
  const Run run{.name = "lost", .processes = 2, .more = {"--parallel", "zero2"}, .steps = 100000};
  const pid_t mpirun = start(run);
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!fs::exists(folder_ / "lost" / "checkpoint-6")) {
    ASSERT_LT(std::chrono::steady_clock::now(), limit) << errors("lost");
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  const std::vector<pid_t> ranks = children(mpirun);
  if (ranks.empty()) GTEST_SKIP() << "the kernel does not list children";
  ::kill(ranks.back(), SIGKILL);
  EXPECT_NE(finish(mpirun), 0);
  EXPECT_THAT(errors("lost"), testing::HasSubstr("signal 9"));
  int64_t last = 0;
  for (const auto& entry : fs::directory_iterator(folder_ / "lost")) {
    const std::string name = entry.path().filename();
    if (name.starts_with("checkpoint-")) last = std::max(last, static_cast<int64_t>(std::stoll(name.substr(11))));
  }
  ASSERT_GE(last, 6);
  const std::vector<double> rest =
      losses({.name = "lost", .more = {"--resume_from_checkpoint", "last"}, .steps = last + 2});
  EXPECT_EQ(rest.size(), 2);
}

}  // namespace
}  // namespace imago
