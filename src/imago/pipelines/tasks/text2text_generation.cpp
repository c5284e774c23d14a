// text2text-generation, summarization and translation: texts from texts with an encoder-decoder model.
#include <optional>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/pipelines/generation_options.h"
#include "imago/pipelines/option_reader.h"
#include "imago/pipelines/pipeline_task.h"
#include "imago/pipelines/text_batch.h"

namespace imago {
namespace {

// The key of an answer by the task's name.
std::string answer_key(std::string_view task) {
  if (task == "summarization") return "summary_text";
  return task.starts_with("translation") ? "translation_text" : "generated_text";
}

struct Text2TextOptions {
  TextEncodeOptions encode;
  DecodeOptions decode{.skip_special_tokens = true};
  int64_t batch_size = 1;
  std::string prefix;
  std::optional<PretrainedTokenizer> source;  // the tokenizer for texts in their language
  GenerationConfig generation;
};

struct Languages {
  std::optional<std::string> source, target;
};

// As the options say, or the task: "translation_en_to_fr".
Languages languages_of(const std::string& task, OptionReader& reader) {
  Languages languages{reader.text("src_lang"), reader.text("tgt_lang")};
  const size_t begin = std::string_view("translation_").size(), to = task.find("_to_", begin);
  if (!languages.source && !languages.target && task.starts_with("translation_") && to != std::string::npos) {
    languages = {task.substr(begin, to - begin), task.substr(to + 4)};
  }
  return languages;
}

class Text2TextGenerationPipeline final : public PipelineTask {
 public:
  Text2TextGenerationPipeline(std::string_view task, PipelineModel model)
      : task_(task), answer_key_(answer_key(task)), model_(std::move(model)) {}

  std::vector<Json> run(const PipelineCall& call) const override {
    Text2TextOptions options = read_options(call.options);
    if (options.source) options.encode.tokenizer = &options.source->tokenizer();
    std::vector<Encoding> rows;
    for (const PipelineInput& input : call.inputs) {
      if (input.text_pair || !input.messages.empty())
        throw Error(ErrorKind::kInvalidArgument, task_, "the input is no single text", "give one text");
      rows.push_back(encode_input(model_, options.prefix + input.text, options.encode));
      call.statistics.input_tokens += static_cast<int64_t>(rows.back().size());
    }
    std::vector<Json> answers(rows.size());
    for_each_batch(model_, task_, rows, options.batch_size,
                   [&](std::span<const size_t> indices, const TextInputs& inputs) {
                     run_batch(call, options, indices, inputs, answers);
                   });
    // As in the reference, one sequence for each of several texts is no list of one.
    if (!call.single && options.generation.num_return_sequences == 1) {
      for (Json& answer : answers) answer = Json(answer[0]);
    }
    return answers;
  }

 private:
  Text2TextOptions read_options(const Json& json) const {
    Text2TextOptions options;
    OptionReader reader(task_, json);
    const Json params = model_.task_specific_params(task_);
    const Json config_prefix = model_.config_value("prefix");
    options.prefix = params.value("prefix", config_prefix.is_string() ? config_prefix.get<std::string>() : "");
    options.encode.truncation = reader.boolean("truncation").value_or(false);
    options.decode.clean_up_tokenization_spaces = reader.boolean("clean_up_tokenization_spaces").value_or(false);
    options.batch_size = reader.integer_from("batch_size", 1, 1);
    const bool translates = task_.starts_with("translation");
    const bool named = translates && (reader.is_set("src_lang") || reader.is_set("tgt_lang"));
    const Languages languages = translates ? languages_of(task_, reader) : Languages();
    const Json defaults = {{"max_new_tokens", 256}, {"num_beams", 4}};
    options.generation = prepare_generation(model_, defaults, params, reader.rest());
    if (named && !model_.tokenizer->has_languages()) {
      throw Error(ErrorKind::kUnsupported, task_, "src_lang and tgt_lang with a tokenizer that has no languages",
                  "a Marian model translates one pair, or takes the target as >>fra<< in front of the text");
    }
    if (translates && model_.tokenizer->has_languages()) set_languages(languages, options);
    return options;
  }

  void set_languages(const Languages& languages, Text2TextOptions& options) const {
    if (!languages.source || !languages.target) {
      throw Error(ErrorKind::kInvalidArgument, task_, "the model needs src_lang and tgt_lang",
                  "set both options, or name the task translation_en_to_fr");
    }
    options.source = model_.tokenizer->for_source_language(*languages.source);
    options.generation.forced_bos_token_id = model_.tokenizer->language_token_id(*languages.target);
  }

  void run_batch(const PipelineCall& call, const Text2TextOptions& options, std::span<const size_t> indices,
                 const TextInputs& inputs, std::vector<Json>& answers) const {
    const GenerationConfig& config = options.generation;
    const GenerationOutput output = generate_batch(model_, inputs, config, options.decode, indices, call.hooks);
    for (size_t row = 0; row < output.sequences.size(); ++row) {
      const std::vector<int64_t>& sequence = output.sequences[row];
      const std::vector<int32_t> ids(sequence.begin(), sequence.end());
      call.statistics.generated_tokens += static_cast<int64_t>(ids.size()) - output.prompt_length;
      const std::string text = model_.tokenizer->tokenizer().decode(ids, options.decode);
      answers[indices[row / static_cast<size_t>(config.num_return_sequences)]].push_back({{answer_key_, text}});
    }
  }

  std::string task_, answer_key_;
  PipelineModel model_;
};

}  // namespace

void register_text2text_generation(PipelineTable& table) {
  for (const char* task : {"text2text-generation", "summarization", "translation"})
    table.add<Text2TextGenerationPipeline>(task, "AutoModelForSeq2SeqLM");
}

}  // namespace imago
