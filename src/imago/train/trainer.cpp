#include "imago/train/trainer.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <set>
#include <utility>
#include <variant>

#include "imago/base/error.h"
#include "imago/base/file.h"
#include "imago/base/json.h"
#include "imago/base/peak_memory.h"
#include "imago/base/progress.h"
#include "imago/base/thread_pool.h"  // FunctionRef
#include "imago/nn/default_dropout.h"
#include "imago/train/make_optimizer.h"
#include "imago/train/parallel/parallel_weights.h"
#include "imago/train/training_checkpoint.h"

namespace imago {
namespace {

constexpr const char* kStateFile = "/trainer_state.json";

// The numbers among a configuration's fields, by name: "vision_config.attention_dropout" where a part has its own.
class NumberNames final : public FieldVisitor {
 public:
  void leaf(std::string_view name, FieldRef field) override {
    if (std::holds_alternative<double*>(field) || std::holds_alternative<std::optional<double>*>(field))
      names.insert(path_ + std::string(name));
  }
  void enter(std::string_view name) override {
    sizes_.push_back(path_.size());
    path_.append(name).append(".");
  }
  void leave() override {
    path_.resize(sizes_.back());
    sizes_.pop_back();
  }

  std::set<std::string, std::less<>> names;

 private:
  std::string path_;
  std::vector<size_t> sizes_;
};

// Calls found(name, value) for every rate of dropout that the configuration or one of its parts has above 0.
void for_each_rate(const Json& config, const std::string& path,
                   FunctionRef<void(const std::string&, const Json&)> found) {
  for (const auto& [key, value] : config.items()) {
    if (value.is_object()) for_each_rate(value, path + key + ".", found);
    if (key.find("drop") != std::string::npos && value.is_number() && value != 0) found(path + key, value);
  }
}

[[noreturn]] void throw_dropout(const std::string& what, std::string_view key) {
  throw Error(ErrorKind::kUnsupported, "train", what, fmt::format("this dropout is not computed: set {} to 0", key));
}

// The names of a configuration's numbers, which are the rates that its model computes.
std::set<std::string, std::less<>> number_names(const Config& config) {
  NumberNames computed;
  const_cast<Config&>(config).each_field(computed);
  return std::move(computed.names);
}

// Throws where the reference drops by default what is not computed. `said` is what config.json has of it.
void refuse_default_dropout(const Config& config, const Json& said, bool has_scores, const std::string& path) {
  const auto* defaults = dynamic_cast<const nn::DropsByDefault*>(&config);
  if (defaults == nullptr) return;
  for (const nn::DroppedByDefault& each : defaults->dropped_by_default()) {
    if (said.contains(each.key) || (each.in_head && !has_scores)) continue;
    const std::string name = path + std::string(each.key);
    throw_dropout(fmt::format("config.json has no {}, which is {} then", name, each.probability), name);
  }
}

// The reference drops activations at random while it trains; a model that leaves that out would train differently. Of
// those that do not, the configuration has the rates as numbers; heads that score tokens read theirs from the file,
// where the architecture does not say it.
void refuse_dropout(const Model& model) {
  const Json config = parse_json(model.config().source.text, "config.json");
  auto computed = number_names(model.config());
  const bool has_scores = dynamic_cast<const CausalLM*>(&model) == nullptr &&
                          dynamic_cast<const MaskedLM*>(&model) == nullptr &&
                          dynamic_cast<const Seq2SeqLM*>(&model) == nullptr;
  refuse_default_dropout(model.config(), config, has_scores, "");
  const auto* parts = dynamic_cast<const nn::HasConfiguredParts*>(&model);
  if (parts == nullptr) parts = dynamic_cast<const nn::HasConfiguredParts*>(&model.config());
  if (parts != nullptr) {
    parts->each_part([&](std::string_view key, const Config& part) {
      const std::string path = std::string(key) + ".";
      for (const std::string& name : number_names(part)) computed.insert(path + name);
      const auto said = config.find(key);
      refuse_default_dropout(part, said != config.end() && said->is_object() ? *said : Json::object(), false, path);
    });
  }
  if (dynamic_cast<const TokenClassification*>(&model) != nullptr) computed.insert("classifier_dropout");
  for_each_rate(config, "", [&](const std::string& name, const Json& value) {
    if (!computed.contains(name)) throw_dropout(fmt::format("config.json has {} {}", name, dump_json(value)), name);
  });
}

// SpecAugment (Park et al. 2019): the reference hides spans of a sound from the model while it trains. Of a model that
// does the configuration has the probabilities as numbers.
void refuse_hidden_spans(const Model& model) {
  NumberNames computed;
  const_cast<Config&>(model.config()).each_field(computed);
  const Json config = parse_json(model.config().source.text, "config.json");
  const auto applied = config.find("apply_spec_augment");
  if (applied == config.end() || *applied != true) return;
  for (const char* key : {"mask_time_prob", "mask_feature_prob"}) {
    const auto found = config.find(key);
    if (found == config.end() || *found == 0 || computed.names.contains(key)) continue;
    throw Error(ErrorKind::kUnsupported, "train", fmt::format("config.json has {} {}", key, dump_json(*found)),
                "spans are not hidden in training: set apply_spec_augment to false");
  }
}

// This process's, where the run that is resumed had as many of them.
std::string rng_state(const Json& json, const std::string& key, ParallelWeights* parallel) {
  if (parallel != nullptr && json.contains(key + "s")) {
    const Json& states = json.at(key + "s");
    const Communicator& communicator = parallel->communicator();
    if (states.size() == static_cast<size_t>(communicator.size()))
      return states.at(static_cast<size_t>(communicator.rank())).get<std::string>();
  }
  return json.at(key).get<std::string>();
}

void add_rng_state(Json& json, const std::string& key, const std::string& state, ParallelWeights* parallel) {
  if (parallel != nullptr) json[key + "s"] = parallel->communicator().all_gather(state);
  json[key] = parallel != nullptr ? json[key + "s"].at(0) : Json(state);
}

// As the reference reads its *_steps: below 1 they are parts of all steps.
int64_t steps_of(double value, int64_t max_steps) {
  return static_cast<int64_t>(std::ceil(value < 1 ? value * static_cast<double>(max_steps) : value));
}

bool is_due(const std::string& strategy, double every, const TrainerState& state, bool epoch_ends) {
  if (strategy == "steps") return !epoch_ends && state.global_step % steps_of(every, state.max_steps) == 0;
  return strategy == "epoch" && epoch_ends;
}

// What the model gives is kept by what sees it.
struct KeptOutputs final : Metric {
  std::vector<TensorMap> outputs;
  void reset() override { outputs.clear(); }
  void add(const TensorMap& given, const TensorMap&) override { outputs.push_back(given); }
  std::map<std::string, double> values() const override { return {}; }
};

}  // namespace

Trainer::Trainer(Model& model, const TrainingArguments& arguments, TrainerOptions options)
    : model_(model),
      arguments_(arguments),
      options_(std::move(options)),
      whole_model_(options_.weights == nullptr ? std::make_unique<WholeModel>(model) : nullptr),
      model_loss_(arguments.label_smoothing_factor),
      weights_(options_.weights == nullptr ? *whole_model_ : *options_.weights),
      training_step_(model, weights_, options_.objective == nullptr ? model_loss_ : *options_.objective, arguments_,
                     options_.loss_chunk) {
  arguments_.validate();
  refuse_dropout(model);
  refuse_hidden_spans(model);
  if (arguments_.eval_strategy != "no" && options_.eval_dataset == nullptr) {
    throw Error(ErrorKind::kInvalidArgument, "train",
                fmt::format("eval_strategy is {} and there is no eval_dataset", arguments_.eval_strategy),
                "give one, or set eval_strategy to no");
  }
  call(&TrainerCallback::on_init_end);
}

TrainOutput Trainer::train(const std::string& resume_from_checkpoint) {
  if (options_.train_dataset == nullptr) throw Error(ErrorKind::kInvalidArgument, "train", "there is no train_dataset");
  BatchPlan plan(arguments_, options_.train_dataset->size());
  start(plan, resume_from_checkpoint);
  const int64_t first_step = state_.global_step;
  double total_loss = 0;
  Progress progress("training", plan.max_steps(), "steps");
  progress.advance(first_step);
  call(&TrainerCallback::on_train_begin);
  while (state_.global_step < plan.max_steps() && !control_.should_training_stop) {
    if (state_.global_step % plan.steps_per_epoch() == 0) {
      call(&TrainerCallback::on_epoch_begin);
      training_step_.generator().next64();  // the reference's loader draws the seed of its workers
    }
    call(&TrainerCallback::on_step_begin);
    const TrainingStep::Result result = step(plan.batches(state_.global_step));
    total_loss += result.loss;
    loss_since_log_ += result.loss;
    ++state_.global_step;
    state_.epoch = plan.epoch_after(state_.global_step);
    progress.advance();
    progress.set_note(fmt::format("loss {:.4f}, peak {}", result.loss, format_bytes(peak_memory_bytes())));
    decide(false);
    call(&TrainerCallback::on_step_end);
    agree();
    log_evaluate_save(result);
    const bool at_end = state_.global_step == plan.max_steps() || control_.should_training_stop;
    if (at_end || control_.should_epoch_stop || state_.global_step % plan.steps_per_epoch() == 0) {
      decide(true);
      call(&TrainerCallback::on_epoch_end);
      log_evaluate_save(result);
    }
    if (std::exchange(control_.should_epoch_stop, false)) {
      state_.global_step =
          (state_.global_step + plan.steps_per_epoch() - 1) / plan.steps_per_epoch() * plan.steps_per_epoch();
    }
  }
  if (arguments_.load_best_model_at_end && state_.best_global_step > 0) {
    weights_.load(checkpoint_folder(arguments_.output_dir, state_.best_global_step));
  }
  call(&TrainerCallback::on_train_end);
  return {state_.global_step, total_loss / static_cast<double>(std::max<int64_t>(state_.global_step - first_step, 1))};
}

void Trainer::start(BatchPlan& plan, const std::string& resume_from_checkpoint) {
  if (is_first()) remove_unfinished(arguments_.output_dir);
  if (ParallelWeights* parallel = weights_.parallel()) parallel->communicator().barrier();
  state_ = {};
  control_ = {};
  loss_since_log_ = 0;
  logged_step_ = 0;
  std::optional<std::string> folder;
  if (!resume_from_checkpoint.empty()) {
    folder = resume_from_checkpoint == "last" ? last_checkpoint(arguments_.output_dir) : resume_from_checkpoint;
  }
  if (folder) weights_.load(*folder);
  parameters_ = weights_.parameters();
  for (const NamedParameter& parameter : parameters_) {
    if (parameter.name.ends_with("running_mean")) {
      throw Error(ErrorKind::kUnsupported, "train",
                  parameter.name + " is a running mean: normalisation by batches is not trained",
                  "freeze its layers (frozen: \"*backbone*\"), whose statistics stay, or choose another norm");
    }
    if (parameter.value.dtype() == DType::f32) continue;
    throw Error(ErrorKind::kUnsupported, "train", fmt::format("{} is {}", parameter.name, parameter.value.describe()),
                "load the model with dtype float32");
  }
  make_optimizer(plan.max_steps());
  if (folder) {
    resume(*folder, plan);
    rotate();  // a run may have been killed between writing a checkpoint and removing the oldest
  }
  state_.max_steps = plan.max_steps();
}

void Trainer::make_optimizer(int64_t max_steps) {
  optimizer_ = imago::make_optimizer(arguments_, parameters_);
  const std::string& kwargs = arguments_.lr_scheduler_kwargs.text;
  schedule_ = learning_rate_schedule(arguments_.lr_scheduler_type,
                                     {.lr = arguments_.learning_rate,
                                      .num_warmup_steps = steps_of(arguments_.warmup_steps, max_steps),
                                      .num_training_steps = max_steps},
                                     kwargs.empty() ? Json::object() : parse_json(kwargs, "lr_scheduler_kwargs"));
}

double Trainer::learning_rate() const { return arguments_.learning_rate * schedule_(state_.global_step); }

TrainingStep::Result Trainer::step(const std::vector<std::vector<int64_t>>& batches) {
  const TrainingStep::Result result = training_step_.run(own_share(batches), parameters_, state_.global_step + 1,
                                                         [this] { call(&TrainerCallback::on_substep_end); });
  if (!result.skipped) {
    call(&TrainerCallback::on_pre_optimizer_step);
    for (ParameterGroup& group : optimizer_->groups()) group.lr = learning_rate();
    optimizer_->step();
    if (ParallelWeights* parallel = weights_.parallel()) parallel->parameters_moved();
    call(&TrainerCallback::on_optimizer_step);
  }
  optimizer_->zero_grad();
  return result;
}

// A step is the same one however many processes make it: they take its batches in turn where these can be divided up
// evenly, and else each takes its rows of every batch.
std::vector<TrainingStep::MicroBatch> Trainer::own_share(const std::vector<std::vector<int64_t>>& batches) const {
  std::vector<TrainingStep::MicroBatch> share;
  ParallelWeights* const parallel = weights_.parallel();
  const bool shared = parallel != nullptr && parallel->shares_batches();
  const size_t ranks = shared ? static_cast<size_t>(parallel->communicator().size()) : 1;
  const size_t rank = shared ? static_cast<size_t>(parallel->communicator().rank()) : 0;
  const bool whole = batches.size() % ranks == 0;
  for (size_t i = whole ? rank : 0; i < batches.size(); i += whole ? ranks : 1) {
    std::vector<int64_t> rows = batches[i];
    bool counts = true;
    if (!whole) {
      const size_t each = (rows.size() + ranks - 1) / ranks;
      const size_t first = std::min(rank * each, rows.size()), last = std::min(first + each, rows.size());
      counts = last > first;
      rows = counts ? std::vector<int64_t>(rows.begin() + static_cast<int64_t>(first),
                                           rows.begin() + static_cast<int64_t>(last))
                    : std::vector<int64_t>{rows.front()};
    }
    share.push_back({collate(*options_.train_dataset, rows), counts});
  }
  return share;
}

// What one process was asked to do, by a signal for example, all do.
void Trainer::agree() {
  ParallelWeights* const parallel = weights_.parallel();
  if (parallel == nullptr) return;
  bool* const flags[] = {&control_.should_training_stop, &control_.should_epoch_stop, &control_.should_save,
                         &control_.should_evaluate, &control_.should_log};
  std::vector<int64_t> values;
  for (const bool* flag : flags) values.push_back(*flag ? 1 : 0);
  const Tensor anywhere = Tensor::from(values);
  parallel->communicator().all_reduce(anywhere, Reduction::kMax);
  values = anywhere.to_vector<int64_t>();
  for (size_t i = 0; i < values.size(); ++i) *flags[i] = values[i] != 0;
}

bool Trainer::is_first() const {
  ParallelWeights* const parallel = weights_.parallel();
  return parallel == nullptr || parallel->communicator().is_first();
}

TensorMap Trainer::collate(const Dataset& dataset, const std::vector<int64_t>& indices) const {
  std::vector<TensorMap> examples;
  for (int64_t index : indices) examples.push_back(dataset.example(index));
  return options_.data_collator(examples);
}

LogEntry Trainer::evaluate() {
  if (options_.eval_dataset == nullptr)
    throw Error(ErrorKind::kInvalidArgument, "evaluate", "there is no eval_dataset");
  return evaluate(*options_.eval_dataset, "eval_", options_.metrics);
}

PredictionOutput Trainer::predict(const Dataset& test_dataset) {
  KeptOutputs kept;
  std::vector<Metric*> metrics = options_.metrics;
  metrics.push_back(&kept);
  LogEntry entry = evaluate(test_dataset, "test_", metrics);
  for (TrainerCallback* callback : options_.callbacks) callback->on_predict({arguments_, state_, control_}, entry);
  return {std::move(kept.outputs), std::move(entry)};
}

LogEntry Trainer::evaluate(const Dataset& dataset, const std::string& prefix, std::vector<Metric*> metrics) {
  const int64_t examples = dataset.size(), batch_size = arguments_.per_device_eval_batch_size;
  double total = 0;
  for (Metric* metric : metrics) metric->reset();
  Progress progress("evaluating", examples, "examples");
  for (int64_t first = 0; first < examples; first += batch_size) {
    std::vector<int64_t> indices;
    for (int64_t i = first; i < std::min(first + batch_size, examples); ++i) indices.push_back(i);
    const auto count = static_cast<int64_t>(indices.size());
    const TensorMap batch = collate(dataset, indices);
    total += training_step_.evaluate(batch, metrics) * static_cast<double>(count);
    progress.advance(count);
    call(&TrainerCallback::on_prediction_step);
  }
  LogEntry entry = {{prefix + "loss", total / static_cast<double>(examples)}};
  for (const Metric* metric : metrics) {
    for (const auto& [name, value] : metric->values()) entry[prefix + name] = value;
  }
  return entry;
}

bool Trainer::note_best(const LogEntry& metrics) {
  const std::string name = arguments_.best_metric();
  if (name.empty()) return false;
  const auto found = metrics.find(name);
  if (found == metrics.end()) {
    std::string known;
    for (const auto& [each, value] : metrics) known += (known.empty() ? "" : ", ") + each;
    throw Error(ErrorKind::kInvalidArgument, "train", fmt::format("metric_for_best_model is {}", name),
                fmt::format("evaluations give {}", known));
  }
  const double value = found->second;
  const bool better = !state_.best_metric ||
                      (arguments_.best_is_greatest() ? value > *state_.best_metric : value < *state_.best_metric);
  if (!better) return false;
  state_.best_metric = value;
  state_.best_global_step = state_.global_step;
  return true;
}

void Trainer::decide(bool epoch_ends) {
  const bool first = state_.global_step == 1 && arguments_.logging_first_step && !epoch_ends;
  const bool last = state_.global_step == state_.max_steps && !epoch_ends;
  const double eval_steps = arguments_.eval_steps.value_or(arguments_.logging_steps);
  control_.should_log |= first || is_due(arguments_.logging_strategy, arguments_.logging_steps, state_, epoch_ends);
  control_.should_evaluate |= is_due(arguments_.eval_strategy, eval_steps, state_, epoch_ends);
  control_.should_save |= is_due(arguments_.save_strategy, arguments_.save_steps, state_, epoch_ends) ||
                          (last && arguments_.save_strategy == "steps");
}

void Trainer::log_evaluate_save(const TrainingStep::Result& result) {
  if (std::exchange(control_.should_log, false) && state_.global_step > logged_step_) {
    --state_.global_step;
    const double used = learning_rate();  // of the step that was done
    ++state_.global_step;
    LogEntry entry = {{"loss", loss_since_log_ / static_cast<double>(state_.global_step - logged_step_)},
                      {"grad_norm", result.grad_norm},
                      {"learning_rate", used}};
    const Objective& objective = options_.objective == nullptr ? model_loss_ : *options_.objective;
    for (const auto& [name, value] : objective.take_metrics()) entry[name] = value;
    log(std::move(entry));
    loss_since_log_ = 0;
    logged_step_ = state_.global_step;
  }
  if (std::exchange(control_.should_evaluate, false)) {
    const LogEntry metrics = evaluate();
    log(metrics);
    // Callbacks see the best metric of before, against which early stopping measures this one.
    for (TrainerCallback* callback : options_.callbacks) callback->on_evaluate({arguments_, state_, control_}, metrics);
    const bool better = note_best(metrics);
    if (arguments_.save_strategy == "best") control_.should_save = better;
  }
  if (std::exchange(control_.should_save, false)) save_checkpoint();
}

void Trainer::log(LogEntry entry) {
  entry["epoch"] = state_.epoch;
  entry["step"] = static_cast<double>(state_.global_step);
  state_.log_history.push_back(entry);
  for (TrainerCallback* callback : options_.callbacks) callback->on_log({arguments_, state_, control_}, entry);
}

void Trainer::save_model(const std::string& folder) {
  if (is_first()) std::filesystem::create_directories(folder);
  weights_.save(folder);
  for (const std::string& file : options_.companion_files) {
    if (!is_first()) break;
    const std::string name = std::filesystem::path(file).filename();
    write_file_atomically(folder + "/" + name, MappedFile::open(file).text());
  }
}

void Trainer::save_checkpoint() {
  Json json = {{"epoch", state_.epoch}, {"global_step", state_.global_step}, {"max_steps", state_.max_steps}};
  json["train_batch_size"] = arguments_.per_device_train_batch_size;
  json["gradient_accumulation_steps"] = arguments_.gradient_accumulation_steps;
  json["num_examples"] = options_.train_dataset->size();
  json["optim"] = arguments_.optim;
  json["loss_since_log"] = loss_since_log_;
  json["logged_step"] = logged_step_;
  json["best_metric"] = state_.best_metric ? Json(*state_.best_metric) : Json();
  json["best_global_step"] = state_.best_global_step;
  add_rng_state(json, "rng_state", training_step_.generator().state(), weights_.parallel());
  add_rng_state(json, "numpy_rng_state", training_step_.numpy_generator().state(), weights_.parallel());
  json["loss_scale"] = training_step_.loss_scale().scale;
  json["loss_scale_good_steps"] = training_step_.loss_scale().good_steps;
  json["callbacks"] = Json::object();
  for (const TrainerCallback* callback : options_.callbacks) {
    if (!callback->state_name().empty()) json["callbacks"][callback->state_name()] = callback->saved_state();
  }
  json["log_history"] = Json::array();
  for (const LogEntry& entry : state_.log_history) json["log_history"].push_back(entry);
  const auto fill = [&](const std::string& unfinished) {
    save_model(unfinished);
    if (!arguments_.save_only_model) save_optimizer(unfinished, *optimizer_, parameters_, is_first());
    if (is_first()) write_file_atomically(unfinished + kStateFile, dump_json(json, 2) + "\n");
  };
  std::string folder = checkpoint_folder(arguments_.output_dir, state_.global_step);
  if (is_first()) {
    folder = write_checkpoint_atomically(arguments_.output_dir, state_.global_step, fill);
  } else {
    fill(folder);  // gives the first process what it writes
  }
  rotate();
  for (TrainerCallback* callback : options_.callbacks) callback->on_save({arguments_, state_, control_}, folder);
}

void Trainer::rotate() {
  if (!is_first()) return;
  rotate_checkpoints(arguments_.output_dir, arguments_.save_total_limit,
                     arguments_.load_best_model_at_end ? state_.best_global_step : 0);
}

void Trainer::resume(const std::string& folder, const BatchPlan& plan) {
  const std::string path = folder + kStateFile;
  const Json json = read_json(path);
  const auto expect = [&](const char* key, const Json& value) {
    if (json.value(key, Json()) == value) return;
    throw Error(ErrorKind::kInvalidArgument, path,
                fmt::format("{} was {}, now it is {}", key, dump_json(json.value(key, Json())), dump_json(value)),
                "resume with the arguments and the data of the run that wrote the checkpoint");
  };
  expect("optim", arguments_.optim);
  expect("train_batch_size", arguments_.per_device_train_batch_size);
  expect("gradient_accumulation_steps", arguments_.gradient_accumulation_steps);
  expect("num_examples", options_.train_dataset->size());
  try {
    state_.global_step = json.at("global_step").get<int64_t>();
    loss_since_log_ = json.at("loss_since_log").get<double>();
    logged_step_ = json.at("logged_step").get<int64_t>();
    state_.log_history = json.at("log_history").get<decltype(state_.log_history)>();
    if (const Json& best = json.at("best_metric"); !best.is_null()) state_.best_metric = best.get<double>();
    state_.best_global_step = json.at("best_global_step").get<int64_t>();
    training_step_.generator().set_state(rng_state(json, "rng_state", weights_.parallel()));
    if (json.contains("numpy_rng_state"))  // older checkpoints have none
      training_step_.numpy_generator().set_state(rng_state(json, "numpy_rng_state", weights_.parallel()));
    training_step_.loss_scale() = {json.at("loss_scale").get<double>(),
                                   json.at("loss_scale_good_steps").get<int64_t>()};
    for (TrainerCallback* callback : options_.callbacks) {
      const Json& states = json.at("callbacks");
      if (states.contains(callback->state_name()))
        callback->load_state(states.at(callback->state_name()).get<std::map<std::string, double>>());
    }
  } catch (const JsonError& error) {
    throw Error(ErrorKind::kInvalidFile, path, error.what());
  }
  state_.epoch = plan.epoch_after(state_.global_step);
  load_optimizer(folder, *optimizer_, parameters_);
}

void Trainer::call(void (TrainerCallback::*hook)(const TrainerCallback::Run&)) {
  for (TrainerCallback* callback : options_.callbacks) (callback->*hook)({arguments_, state_, control_});
}

}  // namespace imago
