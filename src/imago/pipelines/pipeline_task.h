// What a task is made of. Each has a file pipelines/tasks/<task>.cpp, found by CMake, which writes a table of calls to
// register_<task>(PipelineTable&).
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "imago/base/json.h"
#include "imago/nn/model.h"
#include "imago/pipelines/pipeline.h"
#include "imago/processors/image/image_processor.h"
#include "imago/processors/multimodal/processor.h"
#include "imago/tokenizers/pretrained_tokenizer.h"

namespace imago {

// What the inputs of a task are, and so what is loaded beside the model.
// Of tasks on sounds and on series that is nothing: what belongs to models of sounds differs too much.
enum class PipelineReads { kText, kImages, kImagesAndText, kTextsWithImages, kSounds, kSeries };

// A checkpoint's model and what belongs to it.
struct PipelineModel {
  std::string folder;
  std::unique_ptr<Model> model;
  std::optional<PretrainedTokenizer> tokenizer;   // of tasks that read text
  std::optional<ImageProcessor> image_processor;  // of tasks that read pictures
  std::unique_ptr<Processor> processor;           // of tasks that read texts with pictures in them
  bool takes_token_type_ids = false;              // by the tokenizer's model_input_names

  // A value of config.json; null where it is absent.
  Json config_value(const char* key) const;
  // What config.json sets for a task: generation options and a prefix.
  Json task_specific_params(std::string_view task) const;
  // How many positions the model has: none for one whose positions are relative.
  std::optional<int64_t> position_limit() const;
  // At how many tokens truncation cuts: the tokenizer's limit or the model's, whichever is lower.
  std::optional<int64_t> truncation_limit() const;
};

// The model of a folder with what it reads, and the adapters of other folders put on it. Throws what reading throws.
PipelineModel load_pipeline_model(const std::string& folder, std::string_view auto_class,
                                  std::optional<DType> dtype = {}, PipelineReads reads = PipelineReads::kText,
                                  const std::vector<std::string>& adapters = {});

// A call: the inputs and what is asked of them.
struct PipelineCall {
  std::span<const PipelineInput> inputs;
  const Json& options;
  const PipelineHooks& hooks;
  bool single;                     // one input was given, not a list of one
  PipelineStatistics& statistics;  // to be filled
};

class PipelineTask {
 public:
  virtual ~PipelineTask() = default;
  // An answer for each input.
  virtual std::vector<Json> run(const PipelineCall& call) const = 0;
};

class PipelineTable {
 public:
  struct Entry {
    std::string task;
    std::string auto_class;
    PipelineReads reads;
    std::function<std::shared_ptr<const PipelineTask>(std::string_view task, PipelineModel model)> make;
  };

  // Task is constructible from a PipelineModel, or from the task's name and a PipelineModel.
  template <class Task>
  void add(std::string_view task, std::string_view auto_class, PipelineReads reads = PipelineReads::kText) {
    entries_.push_back(
        {std::string(task), std::string(auto_class), reads, [](std::string_view name, PipelineModel model) {
           if constexpr (std::is_constructible_v<Task, std::string_view, PipelineModel>) {
             return std::make_shared<const Task>(name, std::move(model));
           } else {
             return std::make_shared<const Task>(std::move(model));
           }
         }});
  }

  // The entry of a task; "translation_xx_to_yy" is that of "translation". Null where there is none.
  const Entry* find(std::string_view task) const;
  const std::vector<Entry>& entries() const { return entries_; }

 private:
  std::vector<Entry> entries_;
};

}  // namespace imago
