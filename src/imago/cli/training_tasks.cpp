#include "imago/cli/training_context.h"

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
#include "imago/train/chat_dataset.h"
#include "imago/train/generated_text_metrics.h"
#include "imago/train/json_rows.h"
#include "imago/train/masked_language_modeling.h"
#include "imago/train/packing.h"
#include "imago/train/streamed_dataset.h"
#include "imago/train/text_dataset.h"

namespace imago::cli {
namespace {

// Rows read as they are needed, in an order that follows from the seed.
std::unique_ptr<Dataset> streamed(const TrainingContext& c, const std::string& path,
                                  std::function<StreamedDataset::MakeExamples()> begin) {
  const auto open = [path, buffer = c.data.shuffle_buffer_size, seed = c.seed] {
    return std::make_unique<RowStream>(path, buffer, seed);
  };
  return std::make_unique<StreamedDataset>(open, std::move(begin));
}

bool is_streamed(const TrainingContext& c, const std::string& path) {
  return c.data.streaming && path == c.data.train_file;
}

TrainingTask causal_lm(const TrainingContext& c) {
  TrainingTask task{.task_type = "CAUSAL_LM", .model = c.load<AutoModelForCausalLM>()};
  add_data(task, c, [&](const std::string& path) -> std::unique_ptr<Dataset> {
    if (is_streamed(c, path)) {
      const bool has_columns = path.ends_with(".jsonl");
      return streamed(c, path,
                      [tokenizer = c.tokenizer.tokenizer(), size = c.data.block_size,
                       column = has_columns ? c.data.text_column : std::string("text")] {
                        return [blocks = std::make_shared<TextBlocks>(tokenizer, size), column](const Row& row) {
                          return blocks->add(text_at(row, column));
                        };
                      });
    }
    return std::make_unique<MemoryDataset>(
        text_blocks(read_texts(path, c.data.text_column), c.tokenizer.tokenizer(), c.data.block_size));
  });
  task.collator = default_data_collator;
  task.metrics.push_back(std::make_unique<TokenMetrics>(true));
  task.tokens_per_example = c.data.block_size;
  return task;
}

TrainingTask sft(const TrainingContext& c) {
  TrainingTask task{.task_type = "CAUSAL_LM", .model = c.load<AutoModelForCausalLM>()};
  const ChatDatasetOptions options{.max_length = c.data.max_length,
                                   .assistant_only_loss = c.data.assistant_only_loss,
                                   .completion_only_loss = c.data.completion_only_loss};
  const auto tokenizer = std::make_shared<ChatTokenizer>(c.folder, c.tokenizer, options);
  add_data(task, c, [&](const std::string& path) -> std::unique_ptr<Dataset> {
    if (is_streamed(c, path)) {
      return streamed(c, path, [tokenizer, options] {
        return [tokenizer, options](const Row& row) {
          return std::vector<TensorMap>{chat_example(row, *tokenizer, options)};
        };
      });
    }
    std::vector<TensorMap> examples = chat_examples(read_rows(path), *tokenizer, options);
    if (c.data.packing) examples = pack_examples(examples, c.data.max_length);
    return std::make_unique<MemoryDataset>(std::move(examples));
  });
  if (c.data.packing && c.data.streaming) {
    throw Error(ErrorKind::kUnsupported, "train", "packing with streaming", "choose one of them");
  }
  task.collator = c.data.packing ? data_collator_for_packed_rows(c.pad_token_id())
                                 : data_collator_with_padding({.pad_token_id = c.pad_token_id()});
  task.metrics.push_back(std::make_unique<TokenMetrics>(true));
  task.tokens_per_example = c.data.max_length;
  return task;
}

TrainingTask masked_lm(const TrainingContext& c) {
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

TrainingTask sequence_classification(const TrainingContext& c) {
  TrainingTask task{.task_type = "SEQ_CLS"};
  const std::vector<Row> rows = read_rows(c.data.train_file);
  const std::vector<std::string> labels = labels_of(rows, c.data.label_column);
  task.model = classifier(c.new_head(), auto_class::kSequenceClassification, labels, "single_label_classification");
  const bool has_types = read_checkpoint_config(c.folder).contains("type_vocab_size");
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

TrainingTask seq2seq(const TrainingContext& c) {
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
  if (c.data.predict_with_generate) {
    GenerationConfig generation = GenerationConfig::from_pretrained(c.folder, task.model->config());
    if (c.data.generation_max_length) generation.max_length = c.data.generation_max_length;
    generation.num_beams = c.data.generation_num_beams.value_or(generation.num_beams);
    task.metrics.push_back(std::make_unique<GeneratedTextMetrics>(*task.model, c.tokenizer, std::move(generation)));
  }
  task.tokens_per_example = c.data.max_length;
  return task;
}

// Numbers of a value that may be nested lists of one shape, which is found on the way.
void flatten_numbers(const Json& value, const std::string& where, int depth, Shape& shape, std::vector<Json>& numbers) {
  if (!value.is_array()) {
    if (!value.is_number() || depth != shape.size())
      throw Error(ErrorKind::kInvalidFile, where, "a value is neither a number nor lists of them, all of one shape");
    numbers.push_back(value);
    return;
  }
  const auto size = static_cast<int64_t>(value.size());
  if (depth == shape.size() && numbers.empty()) shape.push_back(size);
  if (depth >= shape.size() || shape[depth] != size)
    throw Error(ErrorKind::kInvalidFile, where, "lists of different lengths beside each other");
  for (const Json& item : value) flatten_numbers(item, where, depth + 1, shape, numbers);
}

// Of whole numbers int64, else float32.
Tensor tensor_of(const Json& value, const std::string& where) {
  Shape shape;
  std::vector<Json> numbers;
  flatten_numbers(value, where, 0, shape, numbers);
  std::vector<int64_t> whole;
  std::vector<float> broken;
  for (const Json& number : numbers) {
    if (number.is_number_integer()) whole.push_back(number.get<int64_t>());
    broken.push_back(number.get<float>());
  }
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

// These need no tokenizer.
constexpr const char *kTokenized = "tokenized", *kImageClassification = "image-classification", *kCtc = "ctc";

using MakeTask = TrainingTask (*)(const TrainingContext&);

const std::vector<std::pair<std::string, MakeTask>>& table() {
  static const std::vector<std::pair<std::string, MakeTask>> tasks = {
      {"causal-lm", causal_lm},
      {"dpo", dpo_task},
      {"grpo", grpo_task},
      {"masked-lm", masked_lm},
      {"reward", reward_task},
      {"seq2seq", seq2seq},
      {"sft", sft},
      {"sequence-classification", sequence_classification},
      {"token-classification", token_classification_task}};
  return tasks;
}

}  // namespace

void add_data(TrainingTask& task, const TrainingContext& context, const MakeDataset& make) {
  task.train = make(context.data.train_file);
  if (context.data.validation_file) task.validation = make(*context.data.validation_file);
}

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

std::unique_ptr<Model> classifier(const NewHead& c, std::string_view auto_class, const std::vector<std::string>& labels,
                                  const std::string& problem_type) {
  Json config = read_checkpoint_config(c.folder);
  config["id2label"] = Json::object();
  config["label2id"] = Json::object();
  for (size_t i = 0; i < labels.size(); ++i) {
    config["id2label"][std::to_string(i)] = labels[i];
    config["label2id"][labels[i]] = i;
  }
  if (!problem_type.empty()) config["problem_type"] = problem_type;
  if (c.pad_token_id && config["pad_token_id"].is_null()) config["pad_token_id"] = *c.pad_token_id;
  auto model = model_from_config(config, auto_class);
  load_weights(*model, open_checkpoint(c.folder), {.dtype = c.dtype, .allow_missing = true});
  // A head that the checkpoint does not have begins with the values that an untrained model has.
  const auto fresh = model_from_config(config, auto_class);
  init_weights(*fresh, c.seed, DType::f32);
  std::map<std::string, Tensor> values;
  for_each_parameter(*fresh, [&](const std::string& name, Tensor& tensor) { values[name] = tensor; });
  for_each_parameter(*model, [&](const std::string& name, Tensor& tensor) {
    if (tensor.is_meta()) tensor = values.at(name);
  });
  return model;
}

std::vector<std::string> training_tasks() {
  std::vector<std::string> names;
  for (const auto& [name, make] : table()) names.push_back(name);
  for (const char* name : {kCtc, kImageClassification, kTokenized}) names.emplace_back(name);
  return names;
}

TrainingTask make_training_task(const TrainingData& data, const std::string& folder, const std::string& output_dir,
                                DType dtype, uint64_t seed, bool with_adapter,
                                const std::unique_ptr<peft::Adapters>& adapters) {
  if (data.task == kTokenized) return tokenized(data, folder, dtype);
  if (data.task == kImageClassification) return image_classification_task(data, folder, dtype, seed);
  if (data.task == kCtc) return ctc_task(data, folder, dtype);
  for (const auto& [name, make] : table()) {
    if (name != data.task) continue;
    auto tokenizer = std::make_unique<PretrainedTokenizer>(PretrainedTokenizer::from_folder(folder));
    TrainingTask task = make({data, folder, output_dir, *tokenizer, dtype, seed, with_adapter, adapters});
    task.tokenizer = std::move(tokenizer);
    return task;
  }
  throw Error(ErrorKind::kUnsupported, "train", fmt::format("there is no task {}", quote(data.task)),
              fmt::format("there are {}", fmt::join(training_tasks(), ", ")));
}

}  // namespace imago::cli
