#include <fmt/core.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <map>
#include <optional>

#include "imago/auto/auto_model.h"
#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/cli/command.h"
#include "imago/cli/options.h"
#include "imago/cli/run_file.h"
#include "imago/nn/read_fields.h"
#include "imago/tokenizers/pretrained_tokenizer.h"
#include "imago/train/json_lines_callback.h"
#include "imago/train/text_dataset.h"
#include "imago/train/trainer.h"

namespace imago {
namespace {

// What a run file says beside the training arguments; the names are those of the reference's examples.
struct DataArguments {
  std::string model_name_or_path, train_file, text_column = "text", resume_from_checkpoint;
  std::optional<std::string> validation_file;
  int64_t block_size = 512;
  FIELDS(model_name_or_path, train_file, validation_file, text_column, block_size, resume_from_checkpoint)
};

// The files of a checkpoint that its weights are of no use without.
std::vector<std::string> companions(const std::string& folder) {
  std::vector<std::string> files;
  for (const char* name : {"tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
                           "vocab.json", "vocab.txt", "merges.txt", "tokenizer.model", "spiece.model",
                           "sentencepiece.bpe.model", "chat_template.jinja", "generation_config.json"}) {
    if (const std::string path = folder + "/" + name; std::filesystem::is_regular_file(path)) files.push_back(path);
  }
  return files;
}

volatile std::sig_atomic_t stop_signal = 0;

// Ctrl-C ends the run behind the step that is being done, with a checkpoint of it; a second one ends it at once.
class StopOnSignal final : public TrainerCallback {
 public:
  StopOnSignal() {
    stop_signal = 0;
    for (int signal : {SIGINT, SIGTERM}) {
      std::signal(signal, [](int caught) {
        stop_signal = caught;
        std::signal(caught, SIG_DFL);
      });
    }
  }
  ~StopOnSignal() override {
    for (int signal : {SIGINT, SIGTERM}) std::signal(signal, SIG_DFL);
  }

  void on_step_end(const Run& run) override {
    if (stop_signal != 0) run.control.should_training_stop = run.control.should_save = true;
  }
};

class PrintLog final : public TrainerCallback {
 public:
  explicit PrintLog(bool json) : json_(json) {}

  void on_log(const Run& run, const LogEntry& entry) override {
    if (json_) {
      fmt::print("{}\n", dump_json(Json(entry)));
    } else {
      std::string line = fmt::format("step {}/{}", run.state.global_step, run.state.max_steps);
      for (const auto& [name, value] : entry) {
        if (name != "step") line += fmt::format("  {} {:.5g}", name, value);
      }
      fmt::print("{}\n", line);
    }
    std::fflush(stdout);
  }

 private:
  bool json_;
};

// Declares a flag for each field.
class FlagVisitor final : public FieldVisitor {
 public:
  FlagVisitor(cli::Options& options, std::map<std::string, std::optional<std::string>>& flags)
      : options_(options), flags_(flags) {}
  void leaf(std::string_view name, FieldRef) override {
    options_.option(fmt::format("--{}", name), flags_[std::string(name)], "in place of the run file's value");
  }
  void enter(std::string_view) override {}
  void leave() override {}

 private:
  cli::Options& options_;
  std::map<std::string, std::optional<std::string>>& flags_;
};

class TrainCommand final : public cli::Command {
 public:
  std::string name() const override { return "train"; }
  std::string description() const override { return "train a causal language model on text, as a run file says"; }
  std::string example() const override { return "imago train examples/story.yaml --max_steps 2"; }

  void add_options(cli::Options& options) override {
    options.option("run", run_file_, "a YAML file of training arguments, model_name_or_path and train_file").required();
    options.flag("--dry-run", dry_run_, "say what would be trained, and end");
    options.flag("--json", json_, "print what is logged as JSON, a line each");
    FlagVisitor visitor(options, flags_);
    data_.each_field(visitor);
    arguments_.each_field(visitor);
  }

  int run() override {
    read_arguments();
    const std::string folder = resolve_checkpoint(data_.model_name_or_path);
    const PretrainedTokenizer tokenizer = PretrainedTokenizer::from_folder(folder);
    const MemoryDataset train = blocks(data_.train_file, tokenizer);
    std::optional<MemoryDataset> validation;
    if (data_.validation_file) validation = blocks(*data_.validation_file, tokenizer);
    const auto model = AutoModelForCausalLM::from_pretrained(folder, {.dtype = DType::f32});
    StopOnSignal stop;
    PrintLog print(json_);
    JsonLinesCallback lines(arguments_.output_dir + "/log.jsonl");
    Trainer trainer(*model, arguments_,
                    {.train_dataset = &train,
                     .eval_dataset = validation ? &*validation : nullptr,
                     .callbacks = {&print, &lines, &stop},
                     .companion_files = companions(folder)});
    if (dry_run_) return describe(*model, train.size());
    const TrainOutput output = trainer.train(data_.resume_from_checkpoint);
    if (stop_signal != 0) {
      fmt::print(stderr, "stopped behind step {}; go on with --resume_from_checkpoint last\n", output.global_step);
      return 128 + stop_signal;
    }
    trainer.save_model(arguments_.output_dir);
    if (!json_)
      fmt::print("{} steps, mean loss {:.4f}: {}\n", output.global_step, output.training_loss, arguments_.output_dir);
    return 0;
  }

 private:
  void read_arguments() {
    cli::RunFile file = cli::read_run_file(run_file_);
    for (const auto& [name, text] : flags_) {
      if (text) file.set(name, *text);
    }
    const FieldsRead data = read_fields(file.values, data_, run_file_);
    const FieldsRead training = read_fields(file.values, arguments_, run_file_);
    for (const std::string& key : data.unknown) {
      if (std::find(training.unknown.begin(), training.unknown.end(), key) == training.unknown.end()) continue;
      throw Error(ErrorKind::kUnsupported, file.where.at(key), fmt::format("{} is no argument that is supported", key),
                  "imago train --help lists them");
    }
    arguments_.validate();
    for (const auto& [key, value] :
         {std::pair{"model_name_or_path", &data_.model_name_or_path}, {"train_file", &data_.train_file}}) {
      if (value->empty()) throw Error(ErrorKind::kInvalidArgument, run_file_, fmt::format("{} is missing", key));
    }
  }

  MemoryDataset blocks(const std::string& path, const PretrainedTokenizer& tokenizer) const {
    return text_blocks(read_texts(path, data_.text_column), tokenizer.tokenizer(), data_.block_size);
  }

  int describe(Model& model, int64_t examples) const {
    int64_t parameters = 0;
    for (const NamedParameter& parameter : trainable_parameters(model)) parameters += parameter.value.numel();
    const BatchPlan plan(arguments_, examples);
    const int64_t tokens =
        arguments_.per_device_train_batch_size * arguments_.gradient_accumulation_steps * data_.block_size;
    // Of each parameter its value, its gradient, and what the optimizer keeps: AdamW two moments.
    const int64_t copies = arguments_.optim.starts_with("adamw") ? 4 : 3;
    const Json summary = {{"parameters_trained", parameters},
                          {"examples", examples},
                          {"steps_per_epoch", plan.steps_per_epoch()},
                          {"max_steps", plan.max_steps()},
                          {"tokens_per_step", tokens},
                          {"bytes_without_activations", parameters * copies * 4}};
    if (json_) {
      fmt::print("{}\n", dump_json(summary, 2));
    } else {
      for (const auto& [key, value] : summary.items()) fmt::print("{:<26} {}\n", key, dump_json(value));
    }
    return 0;
  }

  std::string run_file_;
  DataArguments data_;
  TrainingArguments arguments_;
  std::map<std::string, std::optional<std::string>> flags_;
  bool dry_run_ = false, json_ = false;
};

}  // namespace

void register_train_command(CommandTable& table) { table.add(std::make_unique<TrainCommand>()); }

}  // namespace imago
