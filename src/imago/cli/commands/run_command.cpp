#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <iostream>

#include "imago/base/error.h"
#include "imago/base/file.h"
#include "imago/base/json.h"
#include "imago/base/thread_pool.h"
#include "imago/cli/command.h"
#include "imago/cli/options.h"
#include "imago/cli/run_output.h"
#include "imago/cli/story_model.h"
#include "imago/pipelines/draw_answer.h"
#include "imago/pipelines/draw_forecast.h"
#include "imago/pipelines/pipeline.h"
#include "imago/processors/image/decode.h"
#include "imago/processors/image/write_png.h"

namespace imago {
namespace {

using Clock = std::chrono::steady_clock;

double seconds(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

// Flags that are options of the pipeline: "--max-new-tokens 20" is {"max_new_tokens": 20}.
template <class Value>
struct OptionFlag {
  const char* flag;
  const char* help;
  std::optional<Value> value = std::nullopt;
  const char* option = nullptr;  // where it is not the flag's name

  std::string name() const {
    std::string name = option != nullptr ? option : flag + 2;
    std::replace(name.begin(), name.end(), '-', '_');
    return name;
  }
};

class RunCommand final : public cli::Command {
 public:
  std::string name() const override { return "run"; }
  std::string description() const override {
    return "run a task on a text, a picture, a sound or a table: " +
           fmt::format("{}", fmt::join(pipeline_tasks(), ", "));
  }
  std::string example() const override {
    return "imago run text-generation \"Once upon a time\" --max-new-tokens 100 --temperature 0.8";
  }

  void add_options(cli::Options& options) override {
    options.option("task", task_, "what to do").required();
    options.option("input", input_,
                   "the text, or a file of what else is read; - reads one from each line of standard input");
    options.option("--prompt-file", prompt_file_, "read the text from a file, without its last line end");
    options.option("-m,--model", model_,
                   "a checkpoint's folder or Hub id (text-generation has a story model by default)");
    options.option("--adapter", adapters_, "a folder with an adapter in PEFT's format; may be given several times")
        .one_value_each();
    options
        .option("--image", images_,
                "of image-text-to-text and visual-question-answering: a picture's file; may be given several times")
        .one_value_each();
    options
        .option("--video", videos_,
                "of image-text-to-text with --chat: a folder with a video's pictures, in the order of their names")
        .one_value_each();
    options.option("--context", context_, "of question-answering: the text that holds the answer");
    options.option("--text-pair", text_pair_, "of text-classification: the second text");
    options.flag("--chat", chat_, "the text is a user's message: the model's chat template makes the prompt");
    options.option("--system", system_, "the system's message of a chat");
    options.option("--dtype", dtype_, "compute in this dtype (default: the checkpoint's)");
    options.option("--threads", threads_, "threads to compute on (default: all processors)").positive();
    options.option(
        "--draw", draw_,
        "of tasks that find something in a picture, and of time-series-forecasting: draw it into this PNG file");
    options.flag("--json", json_, "print one JSON document with answers, counts and times");
    options.flag("--greedy", greedy_, "take the likeliest token each time");
    for (auto& flag : integers_) options.option(flag.flag, flag.value, flag.help);
    for (auto& flag : numbers_) options.option(flag.flag, flag.value, flag.help);
    for (auto& flag : texts_) options.option(flag.flag, flag.value, flag.help);
    for (auto& flag : truths_) options.flag(flag.flag, flag.value, flag.help);
    options.option("--stop", stop_, "a text that ends the generation; may be given several times").one_value_each();
    options.option("--candidate-labels", candidate_labels_, "of zero-shot tasks: the labels to choose from")
        .separated_by(',');
    options.option("--targets", targets_, "of fill-mask: the words to choose from").separated_by(',');
    options.option("--columns", columns_, "of time-series-forecasting: the columns of the table to forecast")
        .separated_by(',');
    options.option("--return-timestamps", return_timestamps_, "of speech: say when what is said; char or word (CTC)")
        .one_of({"true", "false", "char", "word"});
  }

  int run() override {
    if (threads_ > 0) set_num_threads(threads_);
    const std::vector<PipelineInput> inputs = read_inputs();
    const PipelineOptions options = pipeline_options();
    check_drawing(inputs);
    PipelineLoadOptions load;
    if (!dtype_.empty()) load.dtype = parse_dtype(dtype_);
    load.adapters = adapters_;
    const std::string model = model_.empty() ? default_model() : model_;

    times_.start = Clock::now();
    const Pipeline pipe = pipeline(task_, model, load);
    times_.loaded = Clock::now();
    const PipelineInput* current = nullptr;
    PipelineHooks hooks;
    if (task_ == "text-generation" || task_ == "image-text-to-text")
      hooks.on_text = [&](size_t, std::string_view piece) { stream(*current, piece); };
    std::vector<Json> answers;
    PipelineStatistics statistics;
    // Lines are answered together only where they are computed together.
    if (inputs.size() == 1 || batch_size() == 1) {
      for (const PipelineInput& input : inputs) {
        streaming_ = false;
        current = &input;
        const PipelineOutput output = pipe(input, options, hooks);
        collect(output, answers, statistics);
        if (!json_) finish_text(output);
      }
    } else {
      const PipelineOutput output = pipe(inputs, options);
      for (size_t i = 0; i < output.size(); ++i) {
        collect(output[i], answers, statistics);
        if (!json_) fmt::print("{}\n", describe_answer(output[i].value()));
      }
      statistics = output.statistics();
    }
    times_.end = Clock::now();
    if (!draw_.empty()) write_png(draw_, drawing(inputs[0].text, answers.at(0)));
    report(model, answers, statistics);
    return 0;
  }

 private:
  struct Times {
    Clock::time_point start, loaded, end;
    std::optional<Clock::time_point> first_text;
  };

  int64_t batch_size() const {
    for (const auto& flag : integers_) {
      if (flag.name() == "batch_size") return flag.value.value_or(1);
    }
    return 1;
  }

  std::string default_model() const {
    if (task_ == "text-generation") return story_model_folder();
    throw Error(ErrorKind::kInvalidArgument, "run", "no model is given", "name one with -m FOLDER_OR_ID");
  }

  PipelineInput make_input(std::string text) const {
    if (chat_ || !system_.empty()) {
      std::vector<ChatMessage> messages;
      if (!system_.empty()) messages.push_back({"system", system_});
      ChatMessage user{"user"};
      if (images_.empty() && videos_.empty()) {
        user.content = std::move(text);
      } else {
        for (const std::string& image : images_) user.parts.push_back(ChatContent::of_picture(image));
        for (const std::string& video : videos_) user.parts.push_back(ChatContent::of_video(video_pictures(video)));
        user.parts.push_back(ChatContent::of_text(std::move(text)));
      }
      messages.push_back(std::move(user));
      return messages;
    }
    if (!videos_.empty()) throw Error(ErrorKind::kInvalidArgument, "run", "--video is for conversations", "add --chat");
    if (!images_.empty()) return PipelineInput::with_pictures(std::move(text), {images_.begin(), images_.end()});
    if (context_) return PipelineInput::pair(std::move(text), *context_);
    if (text_pair_) return PipelineInput::pair(std::move(text), *text_pair_);
    return text;
  }

  std::vector<PipelineInput> read_inputs() const {
    std::vector<PipelineInput> inputs;
    if (!prompt_file_.empty()) {
      if (input_)
        throw Error(ErrorKind::kInvalidArgument, "run", "both a text and --prompt-file are given", "give one of them");
      std::string text = read_file(prompt_file_);
      if (text.ends_with('\n')) text.pop_back();
      inputs.push_back(make_input(std::move(text)));
    } else if (input_ == "-") {
      for (std::string line; std::getline(std::cin, line);) inputs.push_back(make_input(line));
      if (inputs.empty())
        throw Error(ErrorKind::kInvalidArgument, "run", "standard input is empty", "write one text per line");
    } else if (input_) {
      inputs.push_back(make_input(*input_));
    } else {
      throw Error(ErrorKind::kInvalidArgument, "run", "no text is given",
                  "write it behind the task, or - to read lines from standard input");
    }
    return inputs;
  }

  // Before anything is computed.
  void check_drawing(const std::vector<PipelineInput>& inputs) const {
    if (draw_.empty()) return;
    if (!can_draw(task_) && !forecasts())
      throw Error(ErrorKind::kUnsupported, "run", fmt::format("answers of {} are not drawn", task_),
                  "leave --draw out");
    if (inputs.size() != 1)
      throw Error(ErrorKind::kInvalidArgument, "run", "--draw takes one picture or table", "call it once for each");
  }

  bool forecasts() const { return task_ == "time-series-forecasting"; }

  Image drawing(const std::string& file, const Json& answer) const {
    if (!forecasts()) return draw_answer(task_, load_image(file), answer);
    std::optional<std::string> timestamp_column;
    for (const auto& flag : texts_) {
      if (flag.name() == "timestamp_column") timestamp_column = flag.value;
    }
    return draw_forecast(read_series_table(file, timestamp_column), answer);
  }

  PipelineOptions pipeline_options() const {
    PipelineOptions options;
    const auto set = [&](const auto& flags) {
      for (const auto& flag : flags) {
        if (flag.value) options.emplace(flag.name(), *flag.value);
      }
    };
    set(integers_);
    set(numbers_);
    set(texts_);
    set(truths_);
    if (!stop_.empty()) options.emplace("stop_strings", stop_);
    if (!targets_.empty()) options.emplace("targets", targets_);
    if (!columns_.empty()) options.emplace("columns", columns_);
    if (!candidate_labels_.empty()) options.emplace("candidate_labels", candidate_labels_);
    if (return_timestamps_ == "true" || return_timestamps_ == "false") {
      options.emplace("return_timestamps", return_timestamps_ == "true");
    } else if (!return_timestamps_.empty()) {
      options.emplace("return_timestamps", return_timestamps_);
    }
    if (greedy_) {
      if (options.contains("do_sample"))
        throw Error(ErrorKind::kInvalidArgument, "run", "--greedy and --do-sample contradict each other");
      options.emplace("do_sample", false);
    }
    return options;
  }

  // The prompt is shown when the first text comes, as an error may come before it.
  void stream(const PipelineInput& input, std::string_view piece) {
    if (!times_.first_text) times_.first_text = Clock::now();
    if (json_) return;
    if (!streaming_ && input.messages.empty() && full_text()) fmt::print("{}", input.text);
    streaming_ = true;
    std::fwrite(piece.data(), 1, piece.size(), stdout);
    std::fflush(stdout);
  }

  bool full_text() const {
    for (const auto& flag : truths_) {
      if (flag.name() == "return_full_text") return flag.value.value_or(true);
    }
    return true;
  }

  void finish_text(const PipelineOutput& output) const {
    fmt::print("{}\n", streaming_ ? std::string() : describe_answer(output.value()));
    std::fflush(stdout);
  }

  static void collect(const PipelineOutput& output, std::vector<Json>& answers, PipelineStatistics& statistics) {
    answers.push_back(output.value());
    statistics.input_tokens += output.statistics().input_tokens;
    statistics.generated_tokens += output.statistics().generated_tokens;
  }

  void report(const std::string& model, const std::vector<Json>& answers, const PipelineStatistics& statistics) const {
    const double elapsed = seconds(times_.loaded, times_.end);
    const double rate = static_cast<double>(statistics.generated_tokens) / std::max(elapsed, 1e-9);
    if (!json_) {
      if (statistics.generated_tokens > 0 && ::isatty(STDERR_FILENO) != 0)
        fmt::print(stderr, "{} tokens, {:.1f} tokens/s\n", statistics.generated_tokens, rate);
      return;
    }
    Json document = {
        {"task", task_}, {"model", model}, {"outputs", answers}, {"input_tokens", statistics.input_tokens}};
    if (statistics.generated_tokens > 0) {
      document["generated_tokens"] = statistics.generated_tokens;
      document["tokens_per_second"] = rate;
    }
    document["load_seconds"] = seconds(times_.start, times_.loaded);
    document["run_seconds"] = elapsed;
    if (times_.first_text) document["first_text_seconds"] = seconds(times_.start, *times_.first_text);
    fmt::print("{}\n", dump_json(document, 2));
  }

  std::string task_, model_, draw_, prompt_file_, system_, dtype_, return_timestamps_;
  std::optional<std::string> input_, context_, text_pair_;
  std::vector<std::string> stop_, targets_, adapters_, candidate_labels_, columns_, images_, videos_;
  int threads_ = 0;
  bool chat_ = false, json_ = false, greedy_ = false;
  bool streaming_ = false;  // text of the present input was shown
  Times times_;

  std::vector<OptionFlag<int64_t>> integers_ = {
      {"--max-new-tokens", "how many tokens to write at most"},
      {"--max-length", "how many tokens prompt and answer have at most"},
      {"--min-new-tokens", "how many tokens to write at least"},
      {"--num-beams", "beams of beam search (1: none)"},
      {"--num-return-sequences", "answers to each text"},
      {"--no-repeat-ngram-size", "runs of so many tokens occur only once"},
      {"--top-k", "of generation: sample from the k likeliest tokens; of other tasks: how many answers"},
      {"--seed", "of the random numbers of sampling"},
      {"--num-samples", "of time-series-forecasting: how many futures to draw"},
      {"--batch-size", "texts to compute together"},
      {"--doc-stride", "of question-answering: tokens that windows of a long context share"},
      {"--max-answer-len", "of question-answering: words of the answer at most"},
      {"--points-per-crop", "of mask-generation: points along each side of the grid that asks for masks"},
      {"--points-per-batch", "of mask-generation: points to compute together"},
      {"--crops-n-layers", "of mask-generation: how often the picture is also cut into crops, 4, then 16, ..."},
      {"--stride", "of token-classification: tokens that windows of a long text share"}};
  std::vector<OptionFlag<double>> numbers_ = {
      {"--threshold", "of object-detection and -segmentation: the least score of an object"},
      {"--mask-threshold", "of masks: from where on a pixel is inside"},
      {"--overlap-mask-area-threshold", "of image-segmentation: how much of its mask an object must keep"},
      {"--pred-iou-thresh", "of mask-generation: the least score that the model gives its mask"},
      {"--stability-score-thresh", "of mask-generation: how sharp a mask's edge must be"},
      {"--stability-score-offset", "of mask-generation: how far the threshold moves to measure that"},
      {"--crops-nms-thresh", "of mask-generation: how far boxes of masks may overlap"},
      {"--temperature", "above 1 wilder, below 1 tamer"},
      {"--top-p", "sample from the likeliest tokens with this probability together"},
      {"--min-p", "sample from tokens at least this likely, relative to the likeliest"},
      {"--typical-p", "sample from the most typical tokens with this probability together"},
      {"--repetition-penalty", "above 1: against tokens that were there before"},
      {"--length-penalty", "of beam search: above 0 for longer answers"},
      {"--chunk-length-s", "of speech: seconds of a window in which a long sound is heard"},
      {"--stride-length-s", "of speech: seconds by which windows overlap to each side"},
      {"--compression-ratio-threshold", "of speech: a text that packs better than this is tried again"},
      {"--logprob-threshold", "of speech: a text less likely than this is tried again"},
      {"--no-speech-threshold", "of speech: windows are passed over where silence is likelier than this"},
      {"--maxlenratio", "of text-to-audio: frames for each token at most"}};
  std::vector<OptionFlag<std::string>> texts_ = {
      {"--cache-dtype", "keep keys and values in f16, bf16, q8_0 or q4_0 (default: the model's dtype)"},
      {"--early-stopping", "of beam search: true, false or never"},
      {"--aggregation-strategy", "of token-classification: none, simple, first, average or max"},
      {"--function-to-apply", "of text- and image-classification: softmax, sigmoid or none"},
      {"--hypothesis-template", "of zero-shot tasks: the text that is compared, with {} for the label"},
      {"--subtask", "of image-segmentation: semantic, instance or panoptic"},
      {"--prompt", "of image-to-text: what to write about the picture, or how the text begins"},
      {"--prefix", "a text in front of every text, which is not part of the answer"},
      {"--language", "of speech: the language that is spoken (default: it is heard)"},
      {"--speaker-embeddings", "of text-to-audio: a safetensors file with the numbers of a voice"},
      {"--vocoder", "of text-to-audio: the model that makes spectra sound (default: vocoder beside the model)"},
      {"--output", "of text-to-audio: the WAV file to write"},
      {"--src-lang", "of translation: the language of the text, as the tokenizer names it"},
      {"--tgt-lang", "of translation: the language of the answer"},
      {"--timestamp-column", "of time-series-forecasting: the column that has the times (default: the first, if so)"}};
  std::vector<OptionFlag<bool>> truths_ = {
      {"--do-sample", "draw tokens by their probability"},
      {"--truncation", "cut texts that are too long instead of refusing them"},
      {"--holdout", "of time-series-forecasting: forecast the table's last rows, and compare"},
      {"--return-samples", "of time-series-forecasting: every future that was drawn"},
      {"--multi-label", "of zero-shot-classification: several labels may hold at once"},
      {"--condition-on-prev-tokens", "of speech: what was said before stands in front of each window"},
      {"--return-language", "of speech: say which language it is"},
      {"--sanitize-control-tokens", "of chats: text that spells a control token stays text (default)"},
      {"--pool", "of image-feature-extraction: one vector for the whole picture"},
      {"--return-full-text", "the answer begins with the prompt (default)"},
      {"--handle-impossible-answer", "of question-answering: the answer may be that there is none"}};
};

}  // namespace

void register_run_command(CommandTable& table) { table.add(std::make_unique<RunCommand>()); }

}  // namespace imago
