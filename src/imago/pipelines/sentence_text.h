// What sentence-transformers says of a folder: its modules, its prompts, and how its model reads texts.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "imago/base/json.h"
#include "imago/pipelines/pipeline_task.h"
#include "imago/pipelines/text_batch.h"

namespace imago {

// One entry of modules.json.
struct SentenceModuleEntry {
  std::string type;    // "sentence_transformers.models.Pooling"
  std::string folder;  // where its files are
};

// The entries of the folder's modules.json; none where there is no such file. Throws Error kInvalidFile.
std::vector<SentenceModuleEntry> read_sentence_modules(const std::string& folder);

// Whether an entry is of that class of sentence-transformers, whichever release wrote it.
bool is_sentence_module(const SentenceModuleEntry& entry, std::string_view name);

// config_sentence_transformers.json, or an empty object. Throws Error kUnsupported where the folder is for another
// class of sentence-transformers than `model_type`, and for a key that is not known.
Json read_sentence_config(const std::string& folder, std::string_view model_type);

// Texts that are put in front of every text, by name.
struct SentencePrompts {
  std::map<std::string, std::string> texts;
  std::optional<std::string> default_name;

  // `known` are names that are there, empty, even where the file does not list them.
  SentencePrompts(const Json& config, std::initializer_list<const char*> known);
  // The prompt given, or that of the name, or the default. Throws Error kInvalidArgument for a name that is not there.
  std::string resolve(const std::optional<std::string>& prompt, const std::optional<std::string>& name) const;
};

// The first module: a model of the Hub with its tokenizer.
struct SentenceText {
  PipelineModel model;
  std::string task = "feature-extraction";  // or "sequence-classification", "text-generation"
  std::optional<int64_t> max_seq_length;    // texts are cut to so many tokens; none: what the model bears

  // Reads sentence_bert_config.json and its like where there is one. Throws Error kUnsupported for settings that are
  // not known, or a task other than `default_task` where the file names none.
  static SentenceText load(const std::string& folder, std::string_view default_task, std::optional<DType> dtype);

  DType dtype() const;
  Encoding encode(const PipelineInput& input) const;
  // How many tokens a prompt has in front of a text, or nothing for an empty one.
  std::optional<int64_t> prompt_length(const std::string& prompt) const;
  PaddingSide padding_side() const;
  // Calls body(indices, inputs) for batches of similar length.
  void for_each_batch(std::span<const Encoding> rows, int64_t batch_size, const BatchBody& body) const;
};

}  // namespace imago
