// Tasks that learn from pictures.
#include <algorithm>
#include <filesystem>

#include "imago/auto/auto_model.h"
#include "imago/base/error.h"
#include "imago/base/quote.h"
#include "imago/cli/training_context.h"
#include "imago/nn/image_model.h"
#include "imago/ops/slice/slice.h"
#include "imago/processors/image/decode.h"
#include "imago/processors/image/image_processor.h"

namespace imago::cli {
namespace {

// Pictures that are decoded when they are asked for: their pixels as numbers are many times the files.
class ImageDataset final : public Dataset {
 public:
  struct Entry {
    std::string path;
    int64_t label;
  };
  ImageDataset(ImageProcessor processor, std::vector<Entry> entries)
      : processor_(std::move(processor)), entries_(std::move(entries)) {}

  int64_t size() const override { return static_cast<int64_t>(entries_.size()); }
  TensorMap example(int64_t index) const override {
    const Entry& entry = entries_.at(static_cast<size_t>(index));
    const Image image = load_image(entry.path);
    return {{"pixel_values", select(processor_({&image, 1}).pixel_values, 0, 0)},
            {"labels", Tensor::scalar(static_cast<double>(entry.label), DType::i64)}};
  }

 private:
  ImageProcessor processor_;
  std::vector<Entry> entries_;
};

}  // namespace

TrainingTask image_classification_task(const TrainingData& data, const std::string& folder, DType dtype,
                                       uint64_t seed) {
  const std::vector<Row> rows = read_rows(data.train_file);
  const std::vector<std::string> labels = labels_of(rows, data.label_column);
  TrainingTask task{.task_type = ""};
  task.model = classifier({folder, dtype, seed, std::nullopt}, ImageClassification::kAutoClass, labels,
                          "single_label_classification");
  const ImageProcessor processor = ImageProcessor::from_folder(folder);
  const auto make = [&](const std::string& file) {
    std::vector<ImageDataset::Entry> entries;
    const std::filesystem::path beside = std::filesystem::path(file).parent_path();
    for (const Row& row : file == data.train_file ? rows : read_rows(file)) {
      const std::string label = labels_of({row}, data.label_column)[0];
      const auto found = std::find(labels.begin(), labels.end(), label);
      if (found == labels.end())
        throw Error(ErrorKind::kInvalidFile, row.where, quote(label) + " is a label that is not trained");
      entries.push_back({beside / text_at(row, data.image_column), found - labels.begin()});
    }
    return std::make_unique<ImageDataset>(processor, std::move(entries));
  };
  task.train = make(data.train_file);
  if (data.validation_file) task.validation = make(*data.validation_file);
  task.collator = default_data_collator;
  task.metrics.push_back(std::make_unique<ClassificationMetrics>());
  return task;
}

}  // namespace imago::cli
