// The tasks of `imago train`, each for a few steps on the embedded model.
#include <fmt/core.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "imago/base/file.h"
#include "imago/base/json.h"
#include "imago/cli/command.h"

namespace imago {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class TrainingTasks : public testing::Test {
 protected:
  TrainingTasks() : folder_(fs::temp_directory_path() / ("imago_tasks_" + std::to_string(::getpid()))) {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  ~TrainingTasks() override { fs::remove_all(folder_); }

  std::string write(const std::string& name, const std::string& text) const {
    write_file_atomically(folder_ / name, text);
    return folder_ / name;
  }

  // The logged entries; the message where it fails.
  std::vector<Json> train(const std::string& task, const std::string& data, std::vector<std::string> more,
                          const std::string& output = "out") {
    const auto has = [&](const char* flag) { return std::find(more.begin(), more.end(), flag) != more.end(); };
    std::vector<std::string> arguments = {"imago",        "train",          task,     "--data",          data,
                                          "--output_dir", folder_ / output, "--json", "--logging_steps", "1"};
    if (!has("--model")) more.insert(more.end(), {"--model", IMAGO_SOURCE_DIR "/assets/story"});
    if (!has("--save_strategy")) more.insert(more.end(), {"--save_strategy", "no"});
    arguments.insert(arguments.end(), more.begin(), more.end());
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    status_ = run_program(static_cast<int>(argv.size()), argv.data());
    std::fflush(stdout);
    const std::string out = testing::internal::GetCapturedStdout();
    errors_ = testing::internal::GetCapturedStderr();
    std::vector<Json> entries;
    for (size_t start = 0; start < out.size();) {
      const size_t end = std::min(out.find('\n', start), out.size());
      if (out[start] == '{') entries.push_back(parse_json(std::string_view(out).substr(start, end - start), "log"));
      start = end + 1;
    }
    return entries;
  }

  fs::path folder_;
  int status_ = 0;
  std::string errors_;
};

std::string lines(int count) {
  std::string text;
  for (int i = 0; i < count; ++i)
    text += fmt::format("Once upon a time there was a king who had {} sons, and the youngest was the best of them.\n",
                        i + 2);
  return text;
}

TEST_F(TrainingTasks, AStreamGoesOnWhereItStopped) {
  const std::string data = write("text.txt", lines(40));
  const std::vector<std::string> more = {"--streaming",         "true",    "--shuffle_buffer_size",         "8",
                                         "--block_size",        "16",      "--per_device_train_batch_size", "2",
                                         "--lr_scheduler_type", "constant"};
  const auto with = [&](std::vector<std::string> last) {
    std::vector<std::string> all = more;
    all.insert(all.end(), last.begin(), last.end());
    return all;
  };
  const auto whole = train("causal-lm", data, with({"--max_steps", "4"}), "whole");
  ASSERT_EQ(status_, 0) << errors_;
  ASSERT_EQ(whole.size(), 4);
  train("causal-lm", data, with({"--max_steps", "2", "--save_strategy", "steps", "--save_steps", "2"}), "parts");
  ASSERT_EQ(status_, 0) << errors_;
  const auto rest = train("causal-lm", data, with({"--max_steps", "4", "--resume_from_checkpoint", "last"}), "parts");
  ASSERT_EQ(status_, 0) << errors_;
  ASSERT_EQ(rest.size(), 2);
  for (size_t i = 0; i < 2; ++i) EXPECT_EQ(rest[i].at("loss"), whole[i + 2].at("loss"));
  train("causal-lm", data, more, "none");
  EXPECT_THAT(errors_, HasSubstr("streaming without max_steps"));
}

TEST_F(TrainingTasks, PackedRowsHaveTheLossOfTheirTexts) {
  std::string rows;
  for (int i = 0; i < 6; ++i) rows += fmt::format("{{\"text\": \"There was a king with {} sons.\"}}\n", i);
  const std::string data = write("rows.jsonl", rows);
  const std::vector<std::string> more = {"--max_steps", "1", "--per_device_train_batch_size", "6"};
  const auto plain = train("sft", data, more, "plain");
  ASSERT_EQ(status_, 0) << errors_;
  std::vector<std::string> packed = more;
  packed.insert(packed.end(), {"--packing", "true", "--max_length", "48"});
  const auto rows_of_several = train("sft", data, packed, "packed");
  ASSERT_EQ(status_, 0) << errors_;
  ASSERT_EQ(plain.size(), 1);
  ASSERT_EQ(rows_of_several.size(), 1);
  const double loss = plain[0].at("loss").get<double>();
  EXPECT_NEAR(rows_of_several[0].at("loss").get<double>(), loss, 1e-5 * loss);
}

// Sounds with their texts and words with their labels: the losses are those of the reference's Trainer.
TEST_F(TrainingTasks, LabelledSoundsAndWordsHaveTheReferencesLosses) {
  const Json expected = read_json(IMAGO_SOURCE_DIR "/src/imago/cli/testdata/labelled_training.json");
  for (const Json& golden : expected["cases"]) {
    const auto task = golden["task"].get<std::string>();
    const fs::path from =
        fs::path(IMAGO_SOURCE_DIR "/tests/golden") / (task == "ctc" ? "speech/ctc" : "pipelines/token-classification");
    const fs::path model = folder_ / task;
    fs::copy(from, model);
    Json config = read_json(from / "config.json");
    for (const auto& [name, value] : expected["settings"].items())
      if (config.contains(name)) config[name] = value;
    write_file_atomically(model / "config.json", dump_json(config));
    std::string rows;
    for (Json row : golden["rows"]) {
      if (task == "ctc")
        row["audio"] = IMAGO_SOURCE_DIR "/src/imago/processors/audio/testdata/" + row["audio"].get<std::string>();
      rows += dump_json(row) + "\n";
    }
    std::vector<std::string> more = {"--model", model};
    for (const auto& [name, value] : expected["arguments"].items())
      more.insert(more.end(), {"--" + name, value.is_string() ? value.get<std::string>() : dump_json(value)});
    const std::string data = write(task + ".jsonl", rows);
    more.insert(more.end(), {"--validation_file", data, "--eval_strategy", "steps", "--eval_steps", "6"});
    std::vector<Json> entries = train(task, data, more, task + "_out");
    ASSERT_EQ(status_, 0) << errors_;
    ASSERT_EQ(entries.size(), golden["losses"].size() + 1);
    for (size_t i = 0; i + 1 < entries.size(); ++i) {
      for (const char* name : {"loss", "grad_norm"}) {
        const auto exact = golden["losses"][i][name].get<double>();
        EXPECT_NEAR(entries[i].at(name).get<double>(), exact, 1e-5 * exact) << task << " " << name << " " << i;
      }
    }
    EXPECT_TRUE(entries.back().contains(task == "ctc" ? "eval_wer" : "eval_f1"));
  }
}

TEST_F(TrainingTasks, RowsWithoutTheirLabelsAreRefused) {
  const std::string model = IMAGO_SOURCE_DIR "/tests/golden/pipelines/token-classification";
  train("token-classification", write("a.jsonl", R"({"tokens": ["a", "b"], "ner_tags": ["O"]})"), {"--model", model});
  EXPECT_THAT(errors_, HasSubstr("a.jsonl:1"));
  EXPECT_THAT(errors_, HasSubstr("not as many labels as words"));
  train("token-classification", write("b.jsonl", R"({"tokens": "a b", "ner_tags": ["O"]})"), {"--model", model});
  EXPECT_THAT(errors_, HasSubstr("no list \"tokens\""));
}

TEST_F(TrainingTasks, WhatATranslatorWritesIsMeasured) {
  const std::string data = write("pairs.jsonl",
                                 "{\"source\": \"Paris is the capital of France.\", \"target\": \"a b r o a r i\"}\n"
                                 "{\"source\": \"Anna writes letters.\", \"target\": \"ariari\"}\n");
  const auto entries =
      train("seq2seq", data,
            {"--model", IMAGO_SOURCE_DIR "/tests/golden/pipelines/text2text-generation", "--max_steps", "1",
             "--validation_file", data, "--eval_strategy", "steps", "--eval_steps", "1", "--predict_with_generate",
             "true", "--generation_max_length", "6", "--generation_num_beams", "2"});
  ASSERT_EQ(status_, 0) << errors_;
  ASSERT_EQ(entries.size(), 2);
  for (const char* name : {"eval_exact_match", "eval_bleu", "eval_rouge1", "eval_rouge2", "eval_rougeL", "eval_wer"})
    EXPECT_TRUE(entries[1].contains(name)) << name;
  EXPECT_EQ(entries[1].at("eval_exact_match").get<double>(), 0);
  EXPECT_GT(entries[1].at("eval_wer").get<double>(), 0);
}

TEST_F(TrainingTasks, ARewardModelBeginsAtChanceAndLearns) {
  std::string rows;
  for (int i = 0; i < 4; ++i)
    rows += fmt::format("{{\"prompt\": \"King {} \", \"chosen\": \"was good.\", \"rejected\": \"sang badly.\"}}\n", i);
  const auto entries = train("reward", write("pairs.jsonl", rows),
                             {"--max_steps", "6", "--per_device_train_batch_size", "4", "--learning_rate", "1e-3"});
  ASSERT_EQ(status_, 0) << errors_;
  ASSERT_EQ(entries.size(), 6);
  EXPECT_NEAR(entries[0].at("loss").get<double>(), std::log(2.0), 0.3);
  EXPECT_LT(entries[5].at("loss").get<double>(), entries[0].at("loss").get<double>() / 2);
}

TEST_F(TrainingTasks, AnswersAreRewarded) {
  const std::string data = write("prompts.jsonl", "{\"prompt\": \"Once upon a\"}\n{\"prompt\": \"There was\"}\n");
  const auto entries = train(
      "grpo", data,
      {"--max_steps", "2", "--per_device_train_batch_size", "8", "--num_generations", "4", "--max_completion_length",
       "6", "--reward", "regex", "--reward_pattern", "(?s).*e.*", "--log_completions", "true"});
  ASSERT_EQ(status_, 0) << errors_;
  ASSERT_EQ(entries.size(), 2);
  EXPECT_GE(entries[0].at("reward").get<double>(), 0);
  EXPECT_LE(entries[0].at("reward").get<double>(), 1);
  EXPECT_GT(entries[0].at("completion_length").get<double>(), 0);
  const std::string said = read_file(folder_ / "out/completions.jsonl");
  EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 16);
  train("grpo", data,
        {"--num_generations", "3", "--max_steps", "1", "--per_device_train_batch_size", "8", "--reward", "regex",
         "--reward_pattern", "a"});
  EXPECT_THAT(errors_, HasSubstr("multiple of num_generations"));
}

TEST_F(TrainingTasks, APromptIsLearnedAndGoesOn) {
  const std::string data = write("text.txt", lines(8));
  const std::vector<std::string> more = {
      "--max_steps", "2", "--block_size", "16", "--per_device_train_batch_size", "2", "--learning_rate", "0.1"};
  std::vector<std::string> first = more;
  first.insert(first.end(), {"--prompt", "peft_type=PREFIX_TUNING,num_virtual_tokens=3"});
  train("causal-lm", data, first, "prompt");
  ASSERT_EQ(status_, 0) << errors_;
  EXPECT_TRUE(fs::exists(folder_ / "prompt/adapter_model.safetensors"));
  EXPECT_FALSE(fs::exists(folder_ / "prompt/model.safetensors"));
  std::vector<std::string> second = more;
  second.insert(second.end(), {"--adapter_name_or_path", folder_ / "prompt"});
  train("causal-lm", data, second, "again");
  EXPECT_EQ(status_, 0) << errors_;
}

TEST_F(TrainingTasks, RowsOfListsMustBeOfOneShape) {
  train("tokenized", write("rows.jsonl", "{\"input_ids\": [[1, 2], [3]]}\n"), {"--max_steps", "1"});
  EXPECT_THAT(errors_, HasSubstr("lists of different lengths"));
}

}  // namespace
}  // namespace imago
