// Labels of words, by a classifier of tokens.
#include <algorithm>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/base/quote.h"
#include "imago/cli/training_context.h"
#include "imago/io/checkpoint.h"
#include "imago/nn/losses.h"

namespace imago::cli {
namespace {

// A row's list under a name, its items as text.
std::vector<std::string> list_at(const Row& row, const std::string& column) {
  const auto found = row.values.find(column);
  if (found == row.values.end() || !found->is_array())
    throw Error(ErrorKind::kInvalidFile, row.where, "no list " + quote(column),
                "text_column and label_column name them");
  std::vector<std::string> items;
  for (const Json& item : *found) items.push_back(item.is_string() ? item.get<std::string>() : dump_json(item));
  return items;
}

struct LabelledWords {
  std::vector<std::string> words, labels;
  std::string where;
};

std::vector<LabelledWords> read_words(const std::string& path, const TrainingData& data) {
  // The names of the reference's example, where the run file gives none.
  const std::string words = data.text_column == "text" ? "tokens" : data.text_column;
  const std::string labels = data.label_column == "label" ? "ner_tags" : data.label_column;
  std::vector<LabelledWords> all;
  for (const Row& row : read_rows(path)) {
    all.push_back({list_at(row, words), list_at(row, labels), row.where});
    if (all.back().words.size() != all.back().labels.size())
      throw Error(ErrorKind::kInvalidFile, row.where, "not as many labels as words");
  }
  return all;
}

// Each word's first token has its label, as in the reference's example; the others have none.
TensorMap labelled(const Encoding& encoding, const std::vector<int64_t>& labels_of_words, bool has_types) {
  std::vector<int64_t> ids(encoding.ids.begin(), encoding.ids.end()), labels;
  std::optional<int32_t> previous;
  for (const std::optional<int32_t>& word : encoding.word_ids) {
    labels.push_back(word && word != previous ? labels_of_words.at(static_cast<size_t>(*word)) : nn::kIgnoredLabel);
    previous = word;
  }
  TensorMap example = {{"input_ids", Tensor::from(ids)}, {"labels", Tensor::from(labels)}};
  if (has_types) {
    example["token_type_ids"] = Tensor::from(std::vector<int64_t>(encoding.type_ids.begin(), encoding.type_ids.end()));
  }
  return example;
}

}  // namespace

TrainingTask token_classification_task(const TrainingContext& c) {
  TrainingTask task{.task_type = "TOKEN_CLS"};
  const std::vector<LabelledWords> rows = read_words(c.data.train_file, c.data);
  std::vector<Row> single;  // a row for each label
  for (const LabelledWords& row : rows) {
    for (const std::string& label : row.labels) single.push_back({{{"label", label}}, row.where});
  }
  const std::vector<std::string> labels = labels_of(single, "label");
  task.model = classifier(c.new_head(), TokenClassification::kAutoClass, labels, "");
  const bool has_types = read_checkpoint_config(c.folder).contains("type_vocab_size");
  const EncodeOptions options{.truncation = Truncation{.max_length = static_cast<size_t>(c.data.max_length)}};
  add_data(task, c, [&](const std::string& path) {
    std::vector<TensorMap> examples;
    for (const LabelledWords& row : path == c.data.train_file ? rows : read_words(path, c.data)) {
      std::vector<int64_t> numbers;
      for (const std::string& label : row.labels) {
        const auto found = std::find(labels.begin(), labels.end(), label);
        if (found == labels.end())
          throw Error(ErrorKind::kInvalidFile, row.where, quote(label) + " is a label that is not trained");
        numbers.push_back(found - labels.begin());
      }
      examples.push_back(labelled(c.tokenizer.tokenizer().encode_words(row.words, options), numbers, has_types));
    }
    return std::make_unique<MemoryDataset>(std::move(examples));
  });
  task.collator = data_collator_with_padding({.pad_token_id = c.pad_token_id()});
  task.metrics.push_back(std::make_unique<ClassificationMetrics>());
  task.tokens_per_example = c.data.max_length;
  return task;
}

}  // namespace imago::cli
