#include <fmt/core.h>

#include <filesystem>

#include "imago/auto/auto_model.h"
#include "imago/auto/load_weights.h"
#include "imago/base/error.h"
#include "imago/base/file.h"
#include "imago/base/json.h"
#include "imago/cli/command.h"
#include "imago/cli/companion_files.h"
#include "imago/cli/options.h"
#include "imago/io/save_checkpoint.h"
#include "imago/nn/config.h"
#include "imago/peft/adapters.h"

namespace imago {
namespace {

// The head that an adapter of this task was trained with; empty for the one that the checkpoint names.
std::string auto_class_of(const std::string& task_type) {
  for (const auto& [task, name] : {std::pair{"CAUSAL_LM", auto_class::kCausalLM},
                                   {"SEQ_2_SEQ_LM", auto_class::kSeq2SeqLM},
                                   {"SEQ_CLS", auto_class::kSequenceClassification},
                                   {"TOKEN_CLS", auto_class::kTokenClassification},
                                   {"QUESTION_ANS", auto_class::kQuestionAnswering}}) {
    if (task_type == task) return name;
  }
  return {};
}

class AdaptersMergeCommand final : public cli::Command {
 public:
  std::string name() const override { return "adapters merge"; }
  std::string description() const override { return "work adapters into a model's weights, and save it"; }
  std::string example() const override { return "imago adapters merge BASE merged --adapter ADAPTER"; }

  void add_options(cli::Options& options) override {
    options.option("model", model_, "the base model's folder or Hub id").required();
    options.option("out", out_, "the folder to write").required();
    options
        .option("--adapter", adapters_, "an adapter's folder in PEFT's format; several are merged one behind another")
        .required()
        .one_value_each();
    options.option("--dtype", dtype_, "of the weights that are written (default: the checkpoint's)");
  }

  int run() override {
    const std::string folder = resolve_checkpoint(model_);
    PretrainedOptions options{.allow_missing = true};
    if (!dtype_.empty()) options.dtype = parse_dtype(dtype_);
    const Json config = read_json(adapters_[0] + "/adapter_config.json");
    const auto model = model_from_pretrained(folder, auto_class_of(text_at(config, "task_type")), options);
    const size_t before = checkpoint_tensors(*model).size();
    size_t tensors = 0;
    {
      peft::Adapters adapters(*model);
      for (const std::string& adapter : adapters_) adapters.load(adapter, adapter);
      adapters.set_active(adapters_);
      for (const std::string& adapter : adapters_) tensors += adapters.tensors(adapter).size();
      adapters.merge();
      adapters.keep_merged();
    }
    save(*model, folder, checkpoint_tensors(*model).size() != before);
    fmt::print("{}: {} tensors of {} adapters merged\n", out_, tensors, adapters_.size());
    return 0;
  }

 private:
  static std::string text_at(const Json& json, const char* key) {
    return json.contains(key) && json.at(key).is_string() ? json.at(key).get<std::string>() : std::string();
  }

  void save(Model& model, const std::string& folder, bool was_untied) const {
    save_checkpoint(out_, checkpoint_tensors(model));
    Json config = write_config(model.config());
    if (config.contains("quantization_config")) config.erase("quantization_config");
    // An adapter of tied embeddings leaves the output as it was.
    if (was_untied) config["tie_word_embeddings"] = false;
    if (!dtype_.empty()) config["dtype"] = std::string(to_string(parse_dtype(dtype_)));
    write_file_atomically(out_ + "/config.json", dump_json(config, 2) + "\n");
    for (const std::string& file : cli::companion_files(folder)) {
      const std::string name = std::filesystem::path(file).filename();
      write_file_atomically(out_ + "/" + name, MappedFile::open(file).text());
    }
  }

  std::string model_, out_, dtype_;
  std::vector<std::string> adapters_;
};

}  // namespace

void register_adapters_merge_command(CommandTable& table) { table.add(std::make_unique<AdaptersMergeCommand>()); }

}  // namespace imago
