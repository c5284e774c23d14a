#include "imago/cli/training_tasks.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>

#include "imago/auto/init_weights.h"
#include "imago/auto/load_weights.h"
#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/base/quote.h"
#include "imago/nn/config.h"
#include "imago/ops/contiguous/contiguous.h"
#include "imago/tensor/grad_meta.h"
#include "imago/train/chat_dataset.h"
#include "imago/train/json_rows.h"
#include "imago/train/masked_language_modeling.h"
#include "imago/train/preference_loss.h"
#include "imago/train/text_dataset.h"

namespace imago::cli {
namespace {

struct Context {
  const TrainingData& data;
  const std::string& folder;
  const PretrainedTokenizer& tokenizer;
  DType dtype;
  bool with_adapter;
  const std::unique_ptr<peft::Adapters>& adapters;

  int64_t pad_token_id() const { return tokenizer.pad_token_id().value_or(tokenizer.eos_token_id().value_or(0)); }

  template <class Auto>
  std::unique_ptr<Model> load() const {
    return Auto::from_pretrained(folder, {.dtype = dtype});
  }
};

using MakeDataset = std::function<std::unique_ptr<Dataset>(const std::string& path)>;

void add_data(TrainingTask& task, const Context& context, const MakeDataset& make) {
  task.train = make(context.data.train_file);
  if (context.data.validation_file) task.validation = make(*context.data.validation_file);
}

TrainingTask causal_lm(const Context& c) {
  TrainingTask task{.task_type = "CAUSAL_LM", .model = c.load<AutoModelForCausalLM>()};
  add_data(task, c, [&](const std::string& path) {
    return std::make_unique<MemoryDataset>(
        text_blocks(read_texts(path, c.data.text_column), c.tokenizer.tokenizer(), c.data.block_size));
  });
  task.collator = default_data_collator;
  task.metrics.push_back(std::make_unique<TokenMetrics>(true));
  task.tokens_per_example = c.data.block_size;
  return task;
}

TrainingTask sft(const Context& c) {
  TrainingTask task{.task_type = "CAUSAL_LM", .model = c.load<AutoModelForCausalLM>()};
  const ChatDatasetOptions options{.max_length = c.data.max_length,
                                   .assistant_only_loss = c.data.assistant_only_loss,
                                   .completion_only_loss = c.data.completion_only_loss};
  const ChatTokenizer tokenizer(c.folder, c.tokenizer, options);
  add_data(task, c, [&](const std::string& path) {
    return std::make_unique<MemoryDataset>(chat_dataset(read_rows(path), tokenizer, options));
  });
  task.collator = data_collator_with_padding({.pad_token_id = c.pad_token_id()});
  task.metrics.push_back(std::make_unique<TokenMetrics>(true));
  task.tokens_per_example = c.data.max_length;
  return task;
}

TrainingTask dpo(const Context& c) {
  TrainingTask task{.task_type = "CAUSAL_LM", .model = c.load<AutoModelForCausalLM>()};
  const ChatTokenizer tokenizer(c.folder, c.tokenizer, {.max_length = c.data.max_length});
  add_data(task, c, [&](const std::string& path) {
    return std::make_unique<MemoryDataset>(preference_dataset(read_rows(path), tokenizer, c.data.max_length));
  });
  task.collator = [pad = c.pad_token_id()](std::span<const TensorMap> examples) {
    return collate_preferences(examples, pad);
  };
  if (!c.with_adapter) task.reference = c.load<AutoModelForCausalLM>();
  const Model* reference = task.reference.get();
  const Model* trained = task.model.get();
  const auto* adapters = &c.adapters;
  task.objective = std::make_unique<PreferenceLoss>(
      c.data.beta, [reference, trained, adapters](const std::function<Tensor(const Model&)>& compute) {
        if (reference != nullptr) return compute(*reference);
        const std::vector<std::string> active = (*adapters)->active();
        (*adapters)->set_active({});
        const Tensor found = compute(*trained);
        (*adapters)->set_active(active);
        return found;
      });
  task.tokens_per_example = 2 * c.data.max_length;
  return task;
}

TrainingTask masked_lm(const Context& c) {
  TrainingTask task{.task_type = "", .model = c.load<AutoModelForMaskedLM>()};
  add_data(task, c, [&](const std::string& path) {
    return std::make_unique<MemoryDataset>(
        texts_with_word_ids(read_texts(path, c.data.text_column), c.tokenizer.tokenizer(), c.data.max_length));
  });
  task.collator = data_collator_for_masked_language_modeling(c.tokenizer, {.mlm_probability = c.data.mlm_probability});
  task.metrics.push_back(std::make_unique<TokenMetrics>(false));
  task.tokens_per_example = c.data.max_length;
  return task;
}

// The labels of a column, in the order of their first occurrence where they are no numbers.
std::vector<std::string> labels_of(const std::vector<Row>& rows, const std::string& column) {
  std::vector<std::string> labels;
  for (const Row& row : rows) {
    if (!row.values.contains(column)) {
      throw Error(ErrorKind::kInvalidFile, row.where, "no " + quote(column), "label_column says which one it is");
    }
    const Json& value = row.values.at(column);
    std::string label = value.is_string() ? value.get<std::string>() : dump_json(value);
    if (std::find(labels.begin(), labels.end(), label) == labels.end()) labels.push_back(std::move(label));
  }
  const auto is_number = [](const std::string& text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  };
  const bool numbers = std::all_of(labels.begin(), labels.end(), is_number);
  std::sort(labels.begin(), labels.end(), [&](const std::string& a, const std::string& b) {
    return numbers && a.size() != b.size() ? a.size() < b.size() : a < b;
  });
  return labels;
}

// A head that the checkpoint does not have begins with the values that an untrained model has.
void init_missing(Model& model, const Json& config, std::string_view auto_class, uint64_t seed) {
  const auto fresh = model_from_config(config, auto_class);
  init_weights(*fresh, seed, DType::f32);
  std::map<std::string, Tensor> values;
  for_each_parameter(*fresh, [&](const std::string& name, Tensor& tensor) { values[name] = tensor; });
  for_each_parameter(model, [&](const std::string& name, Tensor& tensor) {
    if (tensor.is_meta()) tensor = values.at(name);
  });
}

TrainingTask sequence_classification(const Context& c) {
  TrainingTask task{.task_type = "SEQ_CLS"};
  const std::vector<Row> rows = read_rows(c.data.train_file);
  const std::vector<std::string> labels = labels_of(rows, c.data.label_column);
  Json config = read_checkpoint_config(c.folder);
  config["id2label"] = Json::object();
  config["label2id"] = Json::object();
  for (size_t i = 0; i < labels.size(); ++i) {
    config["id2label"][std::to_string(i)] = labels[i];
    config["label2id"][labels[i]] = i;
  }
  config["problem_type"] = "single_label_classification";
  task.model = model_from_config(config, auto_class::kSequenceClassification);
  load_weights(*task.model, open_checkpoint(c.folder), {.dtype = c.dtype, .allow_missing = true});
  init_missing(*task.model, config, auto_class::kSequenceClassification, 0);
  const bool has_types = config.contains("type_vocab_size");
  add_data(task, c, [&](const std::string& path) {
    std::vector<TensorMap> examples;
    for (const Row& row : path == c.data.train_file ? rows : read_rows(path)) {
      const std::string text = text_at(row, c.data.text_column);
      const TokenBatch batch = c.tokenizer.encode_batch(std::span(&text, 1), {}, c.data.max_length);
      const std::string label = labels_of({row}, c.data.label_column)[0];
      const auto found = std::find(labels.begin(), labels.end(), label);
      if (found == labels.end()) {
        throw Error(ErrorKind::kInvalidFile, row.where, quote(label) + " is a label that is not trained");
      }
      TensorMap example = {{"input_ids", Tensor::from(batch.input_ids)},
                           {"labels", Tensor::scalar(static_cast<double>(found - labels.begin()), DType::i64)}};
      if (has_types) example["token_type_ids"] = Tensor::from(batch.token_type_ids);
      examples.push_back(std::move(example));
    }
    return std::make_unique<MemoryDataset>(std::move(examples));
  });
  task.collator = data_collator_with_padding({.pad_token_id = c.pad_token_id()});
  task.metrics.push_back(std::make_unique<ClassificationMetrics>());
  task.tokens_per_example = c.data.max_length;
  return task;
}

TrainingTask seq2seq(const Context& c) {
  TrainingTask task{.task_type = "SEQ_2_SEQ_LM", .model = c.load<AutoModelForSeq2SeqLM>()};
  const std::string source = c.data.source_column.value_or("source"), target = c.data.target_column.value_or("target");
  add_data(task, c, [&](const std::string& path) {
    std::vector<TensorMap> examples;
    for (const Row& row : read_rows(path)) {
      const std::vector<std::string> texts = {text_at(row, source), text_at(row, target)};
      TensorMap example;
      for (size_t i = 0; i < texts.size(); ++i) {
        const TokenBatch batch = c.tokenizer.encode_batch(std::span(&texts[i], 1), {}, c.data.max_length);
        example[i == 0 ? "input_ids" : "labels"] = Tensor::from(batch.input_ids);
      }
      examples.push_back(std::move(example));
    }
    return std::make_unique<MemoryDataset>(std::move(examples));
  });
  task.collator = data_collator_with_padding({.pad_token_id = c.pad_token_id()});
  task.metrics.push_back(std::make_unique<TokenMetrics>(false));
  task.tokens_per_example = c.data.max_length;
  return task;
}

// Numbers as a tensor: of whole ones int64, else float32.
Tensor tensor_of(const Json& value, const std::string& where) {
  const Json list = value.is_array() ? value : Json::array({value});
  std::vector<int64_t> whole;
  std::vector<float> broken;
  for (const Json& item : list) {
    if (!item.is_number())
      throw Error(ErrorKind::kInvalidFile, where, "a value is neither a number nor a list of them");
    if (item.is_number_integer()) whole.push_back(item.get<int64_t>());
    broken.push_back(item.get<float>());
  }
  const Shape shape = value.is_array() ? Shape{static_cast<int64_t>(broken.size())} : Shape{};
  return whole.size() == broken.size() ? Tensor::from(whole, shape) : Tensor::from(broken, shape);
}

std::unique_ptr<Dataset> tokenized_rows(const std::string& path) {
  std::vector<TensorMap> examples;
  for (const Row& row : read_rows(path)) {
    TensorMap example;
    for (const auto& [name, value] : row.values.items()) example[name] = tensor_of(value, row.where);
    examples.push_back(std::move(example));
  }
  return std::make_unique<MemoryDataset>(std::move(examples));
}

// PEFT's name of what the class of the checkpoint does.
std::string task_type_of(const Model& model) {
  if (dynamic_cast<const CausalLM*>(&model) != nullptr) return "CAUSAL_LM";
  if (dynamic_cast<const Seq2SeqLM*>(&model) != nullptr) return "SEQ_2_SEQ_LM";
  if (dynamic_cast<const SequenceClassification*>(&model) != nullptr) return "SEQ_CLS";
  if (dynamic_cast<const TokenClassification*>(&model) != nullptr) return "TOKEN_CLS";
  if (dynamic_cast<const QuestionAnswering*>(&model) != nullptr) return "QUESTION_ANS";
  return {};
}

// Rows that are the model's arguments already, for the class that the checkpoint names.
TrainingTask tokenized(const TrainingData& data, const std::string& folder, DType dtype) {
  TrainingTask task{.model = model_from_pretrained(folder, {}, {.dtype = dtype})};
  task.task_type = task_type_of(*task.model);
  task.train = tokenized_rows(data.train_file);
  if (data.validation_file) task.validation = tokenized_rows(*data.validation_file);
  const int64_t pad = task.model->config().pad_token_id.value_or(0);
  task.collator = data_collator_with_padding({.pad_token_id = pad});
  task.tokens_per_example = data.max_length;
  return task;
}

constexpr const char* kTokenized = "tokenized";

using MakeTask = TrainingTask (*)(const Context&);

const std::vector<std::pair<std::string, MakeTask>>& table() {
  static const std::vector<std::pair<std::string, MakeTask>> tasks = {
      {"causal-lm", causal_lm}, {"dpo", dpo}, {"masked-lm", masked_lm},
      {"seq2seq", seq2seq},     {"sft", sft}, {"sequence-classification", sequence_classification}};
  return tasks;
}

}  // namespace

std::vector<std::string> training_tasks() {
  std::vector<std::string> names;
  for (const auto& [name, make] : table()) names.push_back(name);
  names.emplace_back(kTokenized);
  return names;
}

TrainingTask make_training_task(const TrainingData& data, const std::string& folder, DType dtype, bool with_adapter,
                                const std::unique_ptr<peft::Adapters>& adapters) {
  if (data.task == kTokenized) return tokenized(data, folder, dtype);
  for (const auto& [name, make] : table()) {
    if (name != data.task) continue;
    auto tokenizer = std::make_unique<PretrainedTokenizer>(PretrainedTokenizer::from_folder(folder));
    TrainingTask task = make({data, folder, *tokenizer, dtype, with_adapter, adapters});
    task.tokenizer = std::move(tokenizer);
    return task;
  }
  throw Error(ErrorKind::kUnsupported, "train", fmt::format("there is no task {}", quote(data.task)),
              fmt::format("there are {}", fmt::join(training_tasks(), ", ")));
}

}  // namespace imago::cli
