// What the makers of training tasks work from.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "imago/cli/training_tasks.h"
#include "imago/train/json_rows.h"

namespace imago::cli {

// A checkpoint that may get another head.
struct NewHead {
  const std::string& folder;
  DType dtype;
  uint64_t seed;
  std::optional<int64_t> pad_token_id;  // where config.json has none
};

struct TrainingContext {
  const TrainingData& data;
  const std::string &folder, &output_dir;
  const PretrainedTokenizer& tokenizer;
  DType dtype;
  uint64_t seed;  // of what is drawn before training: the order of streamed rows, the values of a new head
  bool with_adapter;
  const std::unique_ptr<peft::Adapters>& adapters;

  int64_t pad_token_id() const { return tokenizer.pad_token_id().value_or(tokenizer.eos_token_id().value_or(0)); }

  NewHead new_head() const { return {folder, dtype, seed, pad_token_id()}; }

  template <class Auto>
  std::unique_ptr<Model> load() const {
    return Auto::from_pretrained(folder, {.dtype = dtype});
  }
};

using MakeDataset = std::function<std::unique_ptr<Dataset>(const std::string& path)>;

// The training data, and the validation data where there are any.
void add_data(TrainingTask& task, const TrainingContext& context, const MakeDataset& make);

// The labels of a column, in the order of numbers where they are such, else of the alphabet. Throws Error kInvalidFile
// for a row without one.
std::vector<std::string> labels_of(const std::vector<Row>& rows, const std::string& column);

// A classifier of the checkpoint with these labels, whose head begins anew where the checkpoint has none for them.
// An empty `problem_type` is not told to the model.
std::unique_ptr<Model> classifier(const NewHead& checkpoint, std::string_view auto_class,
                                  const std::vector<std::string>& labels, const std::string& problem_type);

TrainingTask image_classification_task(const TrainingData& data, const std::string& folder, DType dtype, uint64_t seed);
TrainingTask ctc_task(const TrainingData& data, const std::string& folder, DType dtype);
TrainingTask token_classification_task(const TrainingContext& context);
TrainingTask dpo_task(const TrainingContext& context);
TrainingTask reward_task(const TrainingContext& context);
TrainingTask grpo_task(const TrainingContext& context);

}  // namespace imago::cli
