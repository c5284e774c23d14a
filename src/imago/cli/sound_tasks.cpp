// Tasks that learn from sounds.
#include <algorithm>
#include <filesystem>

#include "imago/auto/auto_model.h"
#include "imago/auto/load_weights.h"
#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/cli/training_context.h"
#include "imago/nn/losses.h"
#include "imago/nn/speech_model.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/ops/slice/slice.h"
#include "imago/pipelines/ctc_vocabulary.h"
#include "imago/processors/audio/audio.h"
#include "imago/processors/audio/feature_extractor.h"
#include "imago/train/text_metrics.h"

namespace imago::cli {
namespace {

using Extractor = std::shared_ptr<const AudioFeatureExtractor>;

// Sounds that are decoded when they are asked for: samples [T], labels [letters].
class SoundDataset final : public Dataset {
 public:
  struct Entry {
    std::string path;
    std::vector<int64_t> labels;
  };
  SoundDataset(int64_t sampling_rate, std::vector<Entry> entries)
      : sampling_rate_(sampling_rate), entries_(std::move(entries)) {}

  int64_t size() const override { return static_cast<int64_t>(entries_.size()); }
  TensorMap example(int64_t index) const override {
    const Entry& entry = entries_.at(static_cast<size_t>(index));
    return {{"samples", Tensor::from(load_audio(entry.path, sampling_rate_).samples)},
            {"labels", Tensor::from(entry.labels)}};
  }

 private:
  int64_t sampling_rate_;
  std::vector<Entry> entries_;
};

// The sounds of a batch become features together, for it is the extractor that knows how they are padded.
DataCollator sound_collator(const Extractor& extractor, int64_t pad_token_id) {
  return [extractor, pad_labels = data_collator_with_padding({.pad_token_id = pad_token_id})](
             std::span<const TensorMap> examples) {
    std::vector<Audio> sounds;
    std::vector<TensorMap> labels;
    for (const TensorMap& example : examples) {
      sounds.push_back({example.at("samples").to_vector<float>(), extractor->sampling_rate()});
      labels.push_back({{"labels", example.at("labels")}});
    }
    TensorMap batch = extractor->extract(sounds);
    batch["labels"] = pad_labels(labels).at("labels");
    return batch;
  };
}

// Every sound counts as much, however many letters it has.
class SoundLoss final : public ModelLoss {
 public:
  int64_t items(const Model&, const TensorMap& batch) const override { return batch.at("labels").size(0); }
  int64_t divisor(const Model& model, const TensorMap& batch) const override { return items(model, batch); }
};

class WordErrorRate final : public Metric {
 public:
  explicit WordErrorRate(std::shared_ptr<const CtcVocabulary> vocabulary) : vocabulary_(std::move(vocabulary)) {}

  void reset() override {
    heard_.clear();
    said_.clear();
  }
  void add(const TensorMap& outputs, const TensorMap& batch) override {
    const Tensor best = argmax(outputs.at("logits"), -1);
    const Tensor& labels = batch.at("labels");
    for (int64_t row = 0; row < best.size(0); ++row) {
      heard_.push_back(vocabulary_->text(select(best, 0, row).to_vector<int64_t>()));
      std::vector<int64_t> letters = select(labels, 0, row).to_vector<int64_t>();
      std::erase(letters, nn::kIgnoredLabel);
      said_.push_back(vocabulary_->spelled(letters));
    }
  }
  std::map<std::string, double> values() const override { return {{"wer", word_error_rate(heard_, said_)}}; }

 private:
  std::shared_ptr<const CtcVocabulary> vocabulary_;
  std::vector<std::string> heard_, said_;
};

}  // namespace

TrainingTask ctc_task(const TrainingData& data, const std::string& folder, DType dtype) {
  TrainingTask task{.task_type = ""};
  Json config = read_checkpoint_config(folder);
  config["ctc_loss_reduction"] = "mean";  // over sounds, so that the batch's size does not scale the loss
  task.model = model_from_config(config, CTC::kAutoClass);
  load_weights(*task.model, open_checkpoint(folder), {.dtype = dtype});
  const Extractor extractor = AudioFeatureExtractor::from_folder(folder);
  const auto vocabulary = std::make_shared<CtcVocabulary>(CtcVocabulary::from_folder(folder));
  const auto make = [&](const std::string& file) {
    std::vector<SoundDataset::Entry> entries;
    const std::filesystem::path beside = std::filesystem::path(file).parent_path();
    for (const Row& row : read_rows(file)) {
      const std::vector<int64_t> labels = vocabulary->ids(text_at(row, data.text_column));
      if (labels.empty()) throw Error(ErrorKind::kInvalidFile, row.where, "the text says nothing", "leave the row out");
      entries.push_back({beside / text_at(row, data.audio_column), labels});
    }
    return std::make_unique<SoundDataset>(extractor->sampling_rate(), std::move(entries));
  };
  task.train = make(data.train_file);
  if (data.validation_file) task.validation = make(*data.validation_file);
  task.collator = sound_collator(extractor, task.model->config().pad_token_id.value_or(0));
  task.objective = std::make_unique<SoundLoss>();
  task.metrics.push_back(std::make_unique<WordErrorRate>(vocabulary));
  return task;
}

}  // namespace imago::cli
