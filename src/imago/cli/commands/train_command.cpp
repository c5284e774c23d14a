#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <map>
#include <optional>
#include <set>

#include "imago/auto/auto_model.h"
#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/base/peak_memory.h"
#include "imago/base/progress.h"
#include "imago/cli/command.h"
#include "imago/cli/companion_files.h"
#include "imago/cli/lora_option.h"
#include "imago/cli/options.h"
#include "imago/cli/run_file.h"
#include "imago/cli/training_tasks.h"
#include "imago/nn/read_fields.h"
#include "imago/train/early_stopping.h"
#include "imago/train/json_lines_callback.h"
#include "imago/train/make_optimizer.h"
#include "imago/train/parallel/parallel_weights.h"
#include "imago/train/tensorboard_callback.h"
#include "imago/train/trained_prompt.h"

namespace imago {
namespace {

using cli::TrainingData;
using cli::TrainingTask;

// How it is trained, beside the training arguments.
struct TrainingMode {
  std::string resume_from_checkpoint;
  JsonText lora;
  JsonText prompt;  // PEFT's keys of a learned prompt: {peft_type: PREFIX_TUNING, num_virtual_tokens: 16}
  std::optional<std::string> adapter_name_or_path;  // an adapter to go on with
  std::vector<std::string> frozen;
  int64_t loss_chunk_size = 0;
  std::optional<int64_t> early_stopping_patience;
  std::string parallel = "data";  // of several processes, see parallel_strategies()
  FIELDS(resume_from_checkpoint, lora, prompt, adapter_name_or_path, frozen, loss_chunk_size, early_stopping_patience,
         parallel)
};

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
  std::string description() const override {
    return "train a model as a run file says, or for a task: " +
           fmt::format("{}", fmt::join(cli::training_tasks(), ", "));
  }
  std::string example() const override {
    return "imago train examples/story.yaml --max_steps 2\n"
           "  imago train sft --model M --data chats.jsonl --output_dir out --lora r=16 --assistant-only\n"
           "  mpirun -n 2 imago train run.yaml --parallel zero2";
  }

  void add_options(cli::Options& options) override {
    options.option("run", run_, "a YAML file of training arguments, model_name_or_path and train_file; or a task")
        .required();
    options.flag("--dry-run", dry_run_, "say what would be trained, and end");
    options.flag("--json", json_, "print what is logged as JSON, a line each");
    options.option("-m,--model", flags_["model_name_or_path"], "the same as --model_name_or_path");
    options.option("--data", flags_["train_file"], "the same as --train_file");
    options.flag("--assistant-only", assistant_only_, "of sft: learn only what the assistant says");
    FlagVisitor visitor(options, flags_);
    data_.each_field(visitor);
    mode_.each_field(visitor);
    arguments_.each_field(visitor);
  }

  int run() override {
    read_arguments();
    const std::unique_ptr<Communicator> communicator = join_processes();
    is_first_ = communicator == nullptr || communicator->is_first();
    if (!is_first_) set_progress_enabled(false);
    data_.log_completions = data_.log_completions && is_first_;
    const std::string folder = resolve_checkpoint(data_.model_name_or_path);
    const bool with_prompt =
        !mode_.prompt.text.empty() || (mode_.adapter_name_or_path && peft::is_prompt(*mode_.adapter_name_or_path));
    const bool with_adapter = !with_prompt && (!mode_.lora.text.empty() || mode_.adapter_name_or_path);
    if (with_prompt && !mode_.lora.text.empty())
      throw Error(ErrorKind::kInvalidArgument, run_, "a prompt and lora are both given", "choose one of them");
    if (with_prompt && data_.task != "causal-lm" && data_.task != "sft" && data_.task != "tokenized")
      throw Error(ErrorKind::kUnsupported, run_, "a prompt for the task " + data_.task, "choose causal-lm or sft");
    // A base that is not trained may as well be narrow.
    const bool base_stays = with_adapter || with_prompt;
    const DType dtype = base_stays && arguments_.bf16   ? DType::bf16
                        : base_stays && arguments_.fp16 ? DType::f16
                                                        : DType::f32;
    TrainingTask task;
    std::unique_ptr<peft::Adapters> adapters;  // goes before the task's model, which it is on
    const auto seed = static_cast<uint64_t>(arguments_.data_seed.value_or(arguments_.seed));
    task = cli::make_training_task(data_, folder, arguments_.output_dir, dtype, seed, with_adapter, adapters);
    fit_arguments(task);
    if (with_adapter) adapters = make_adapter(task);
    std::unique_ptr<TrainedWeights> weights;
    if (with_adapter) {
      weights = std::make_unique<TrainedAdapter>(*adapters);
    } else if (with_prompt) {
      weights = put_prompt_on(task);
    } else {
      weights = std::make_unique<WholeModel>(*task.model, mode_.frozen);
    }
    if (dry_run_) return is_first_ ? describe(task, *weights, with_adapter) : 0;
    std::unique_ptr<ParallelWeights> parallel;
    if (communicator) {
      parallel = make_parallel(mode_.parallel, *communicator, *task.model, *weights, mode_.frozen);
      if (is_first_ && !json_) fmt::print("{} processes: {}\n", communicator->size(), mode_.parallel);
    }
    return train(task, parallel ? *parallel : *weights, cli::companion_files(folder));
  }

 private:
  // What the task asks of the arguments.
  void fit_arguments(const TrainingTask& task) {
    if (arguments_.per_device_train_batch_size % task.rows_per_prompt != 0) {
      throw Error(ErrorKind::kInvalidArgument, run_,
                  fmt::format("per_device_train_batch_size is {}, of {} answers to each prompt",
                              arguments_.per_device_train_batch_size, task.rows_per_prompt),
                  "make it a multiple of num_generations");
    }
    arguments_.per_device_train_batch_size /= task.rows_per_prompt;
    if (!data_.streaming) return;
    if (arguments_.max_steps <= 0)
      throw Error(ErrorKind::kInvalidArgument, run_, "streaming without max_steps", "say how many steps there are");
    if (data_.task != "causal-lm" && data_.task != "sft")
      throw Error(ErrorKind::kUnsupported, run_, "streaming for the task " + data_.task, "leave it out");
    arguments_.train_sampling_strategy = "sequential";  // the buffer has shuffled
  }

  int train(const TrainingTask& task, TrainedWeights& weights, std::vector<std::string> companions) {
    StopOnSignal stop;
    PrintLog print(json_);
    JsonLinesCallback lines(arguments_.output_dir + "/log.jsonl");
    TensorBoardCallback tensorboard(arguments_.output_dir + "/runs");
    EarlyStopping early(mode_.early_stopping_patience.value_or(1));
    TrainerOptions options{.train_dataset = task.train.get(),
                           .eval_dataset = task.validation.get(),
                           .data_collator = task.collator,
                           .callbacks = {&stop},
                           .weights = &weights,
                           .objective = task.objective.get(),
                           .loss_chunk = mode_.loss_chunk_size,
                           .companion_files = std::move(companions)};
    if (is_first_) options.callbacks = {&print, &lines, &stop};
    const auto& reports = arguments_.report_to;
    if (is_first_ && std::find(reports.begin(), reports.end(), "tensorboard") != reports.end())
      options.callbacks.push_back(&tensorboard);
    if (mode_.early_stopping_patience) options.callbacks.push_back(&early);
    for (const auto& metric : task.metrics) options.metrics.push_back(metric.get());
    Trainer trainer(*task.model, arguments_, std::move(options));
    const TrainOutput output = trainer.train(mode_.resume_from_checkpoint);
    if (stop_signal != 0) {
      if (is_first_)
        fmt::print(stderr, "stopped behind step {}; go on with --resume_from_checkpoint last\n", output.global_step);
      return 128 + stop_signal;
    }
    trainer.save_model(arguments_.output_dir);
    if (!json_ && is_first_)
      fmt::print("{} steps, mean loss {:.4f}, peak memory {}: {}\n", output.global_step, output.training_loss,
                 format_bytes(peak_memory_bytes()), arguments_.output_dir);
    return 0;
  }

  std::unique_ptr<peft::Adapters> make_adapter(const TrainingTask& task) const {
    auto adapters = std::make_unique<peft::Adapters>(*task.model);
    if (mode_.adapter_name_or_path) {
      adapters->load(*mode_.adapter_name_or_path, "default", true);
      return adapters;
    }
    const auto config = cli::read_lora_option(mode_.lora.text, task.task_type);
    config->base_model_name_or_path = data_.model_name_or_path;
    adapters->add(*config, static_cast<uint64_t>(arguments_.seed));
    return adapters;
  }

  std::unique_ptr<TrainedWeights> put_prompt_on(TrainingTask& task) const {
    std::unique_ptr<peft::PromptedCausalLM> model;
    if (mode_.adapter_name_or_path) {
      model = peft::PromptedCausalLM::load(std::move(task.model), *mode_.adapter_name_or_path);
    } else {
      Json keys = cli::read_adapter_keys(mode_.prompt.text, "prompt");
      if (!keys.contains("peft_type")) keys["peft_type"] = "PROMPT_TUNING";
      peft::PromptConfig config = peft::PromptConfig::read(keys, "prompt");
      config.base_model_name_or_path = data_.model_name_or_path;
      model = std::make_unique<peft::PromptedCausalLM>(std::move(task.model), config,
                                                       static_cast<uint64_t>(arguments_.seed));
    }
    auto weights = std::make_unique<TrainedPrompt>(*model);
    task.model = std::move(model);
    return weights;
  }

  void read_arguments() {
    const auto tasks = cli::training_tasks();
    const bool is_task = std::find(tasks.begin(), tasks.end(), run_) != tasks.end();
    cli::RunFile file = is_task ? cli::RunFile{Json::object(), {}} : cli::read_run_file(run_);
    if (is_task) file.set("task", run_);
    if (assistant_only_) file.set("assistant_only_loss", "true");
    for (const auto& [name, text] : flags_) {
      if (text) file.set(name, *text);
    }
    const FieldsRead read[] = {read_fields(file.values, data_, run_), read_fields(file.values, mode_, run_),
                               read_fields(file.values, arguments_, run_)};
    for (const std::string& key : read[0].unknown) {
      const bool known = std::any_of(std::begin(read), std::end(read), [&](const FieldsRead& r) {
        return std::find(r.unknown.begin(), r.unknown.end(), key) == r.unknown.end();
      });
      if (known) continue;
      throw Error(ErrorKind::kUnsupported, file.where.at(key), fmt::format("{} is no argument that is supported", key),
                  "imago train --help lists them");
    }
    arguments_.validate();
    for (const auto& [key, value] :
         {std::pair{"model_name_or_path", &data_.model_name_or_path}, {"train_file", &data_.train_file}}) {
      if (value->empty()) throw Error(ErrorKind::kInvalidArgument, run_, fmt::format("{} is missing", key));
    }
  }

  int describe(const TrainingTask& task, TrainedWeights& weights, bool with_adapter) const {
    int64_t trained = 0, all = 0, bytes = 0;
    std::set<std::pair<const Storage*, int64_t>> seen;  // tied parameters count once
    for_each_parameter(*task.model, [&](const std::string&, Tensor& tensor) {
      if (!tensor.encoding() && !seen.insert({tensor.storage().get(), tensor.offset()}).second) return;
      all += tensor.numel();
      bytes += tensor.nbytes();
    });
    // Of what is trained also its gradient and what the optimizer keeps; an adapter's weights are beside the model's.
    for (const NamedParameter& parameter : weights.parameters()) {
      trained += parameter.value.numel();
      bytes += parameter.value.numel() * (4 + optimizer_state_bytes(arguments_.optim));
      if (with_adapter) bytes += parameter.value.nbytes();
    }
    const BatchPlan plan(arguments_, task.train->size());
    const int64_t tokens =
        arguments_.per_device_train_batch_size * arguments_.gradient_accumulation_steps * task.tokens_per_example;
    const Json summary = {{"parameters_trained", trained},     {"parameters", all},
                          {"examples", task.train->size()},    {"steps_per_epoch", plan.steps_per_epoch()},
                          {"max_steps", plan.max_steps()},     {"tokens_per_step", tokens},
                          {"bytes_without_activations", bytes}};
    if (json_) {
      fmt::print("{}\n", dump_json(summary, 2));
    } else {
      for (const auto& [key, value] : summary.items()) fmt::print("{:<26} {}\n", key, dump_json(value));
    }
    return 0;
  }

  std::string run_;
  TrainingData data_;
  TrainingMode mode_;
  TrainingArguments arguments_;
  std::map<std::string, std::optional<std::string>> flags_;
  bool dry_run_ = false, json_ = false, assistant_only_ = false;
  bool is_first_ = true;  // of several processes the one that writes
};

}  // namespace

void register_train_command(CommandTable& table) { table.add(std::make_unique<TrainCommand>()); }

}  // namespace imago
