// question-answering: the part of a context that answers a question. Long contexts are read in windows.
#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/base/unicode.h"
#include "imago/pipelines/option_reader.h"
#include "imago/pipelines/pipeline_task.h"
#include "imago/pipelines/text_batch.h"
#include "imago/pipelines/text_characters.h"

namespace imago {
namespace {

constexpr int64_t kMaxSequenceLength = 384, kMaxDocStride = 128;  // the reference's defaults
constexpr double kMasked = -10000;                                // stands for a token that is no part of an answer

struct QuestionAnsweringOptions {
  size_t top_k = 1;
  size_t max_answer_len = 15;
  bool handle_impossible_answer = false, align_to_words = true;
  int64_t batch_size = 1;
  size_t max_seq_len = 0, doc_stride = 0;
};

struct Answer {
  double score;
  size_t start, end;  // characters of the context
  std::string text;
};

// Tokens [start, end] of a window.
struct TokenSpan {
  size_t start, end;
  double score;
};

Json to_json(const Answer& answer) {
  return {{"score", answer.score}, {"start", answer.start}, {"end", answer.end}, {"answer", answer.text}};
}

// exp(x) / sum(exp) over the window, of masked tokens next to nothing.
std::vector<double> normalised(const std::vector<float>& logits, const std::vector<bool>& allowed) {
  std::vector<double> scores;
  for (size_t i = 0; i < logits.size(); ++i) scores.push_back(allowed[i] ? static_cast<double>(logits[i]) : kMasked);
  const double highest = *std::max_element(scores.begin(), scores.end());
  double sum = 0;
  for (double& score : scores) sum += score = std::exp(score - highest);
  for (double& score : scores) score /= sum;
  return scores;
}

// The k likeliest spans of at most `max_length` tokens, taken before those that touch a masked token are left out.
std::vector<TokenSpan> best_spans(const std::vector<double>& starts, const std::vector<double>& ends,
                                  const std::vector<bool>& allowed, size_t k, size_t max_length) {
  std::vector<TokenSpan> spans;
  for (size_t start = 0; start < starts.size(); ++start) {
    for (size_t end = start; end < std::min(ends.size(), start + max_length); ++end) {
      const double score = starts[start] * ends[end];
      if (score > 0) spans.push_back({start, end, score});
    }
  }
  const size_t kept = std::min(k, spans.size());
  const auto better = [](const TokenSpan& a, const TokenSpan& b) { return a.score > b.score; };
  std::partial_sort(spans.begin(), spans.begin() + static_cast<ptrdiff_t>(kept), spans.end(), better);
  spans.resize(kept);
  std::erase_if(spans, [&](const TokenSpan& span) { return !allowed[span.start] || !allowed[span.end]; });
  return spans;
}

class QuestionAnsweringPipeline final : public PipelineTask {
 public:
  explicit QuestionAnsweringPipeline(PipelineModel model)
      : model_(std::move(model)), question_first_(model_.tokenizer->padding_side() == "right") {}

  std::vector<Json> run(const PipelineCall& call) const override {
    const QuestionAnsweringOptions options = read_options(call.options);
    std::vector<Encoding> windows;
    std::vector<size_t> owners;  // the input of each window
    for (size_t i = 0; i < call.inputs.size(); ++i) {
      for (Encoding& window : windows_of(call.inputs[i], options)) {
        call.statistics.input_tokens += static_cast<int64_t>(window.size());
        windows.push_back(std::move(window));
        owners.push_back(i);
      }
    }
    std::vector<std::vector<float>> starts(windows.size()), ends(windows.size());
    for_each_batch(model_, "question-answering", windows, options.batch_size,
                   [&](std::span<const size_t> indices, const TextInputs& inputs) {
                     forward(inputs, indices, windows, starts, ends);
                   });
    std::vector<Json> answers;
    for (size_t i = 0, window = 0; i < call.inputs.size(); ++i) {
      std::vector<Answer> found;
      double null_score = 1e6;
      for (; window < windows.size() && owners[window] == i; ++window)
        add_answers(windows[window], starts[window], ends[window], *call.inputs[i].text_pair, options, found,
                    null_score);
      answers.push_back(ranked(std::move(found), null_score, options));
    }
    return answers;
  }

 private:
  QuestionAnsweringOptions read_options(const Json& json) const {
    QuestionAnsweringOptions options;
    OptionReader reader("question-answering", json);
    options.top_k = static_cast<size_t>(reader.integer_from("top_k", 1, 1));
    options.max_answer_len = static_cast<size_t>(reader.integer_from("max_answer_len", 1, 15));
    options.handle_impossible_answer = reader.boolean("handle_impossible_answer").value_or(false);
    options.align_to_words = reader.boolean("align_to_words").value_or(true);
    options.batch_size = reader.integer_from("batch_size", 1, 1);
    const int64_t limit = std::min(model_.truncation_limit().value_or(kMaxSequenceLength), kMaxSequenceLength);
    const int64_t length = reader.integer_from("max_seq_len", 1, limit);
    const int64_t stride = reader.integer_from("doc_stride", 0, std::min(length / 2, kMaxDocStride));
    if (stride > length) {
      throw Error(ErrorKind::kInvalidArgument, "question-answering",
                  fmt::format("doc_stride {} is larger than max_seq_len {}", stride, length));
    }
    options.max_seq_len = static_cast<size_t>(length);
    options.doc_stride = static_cast<size_t>(stride);
    reader.finish();
    return options;
  }

  // The question with each part of the context.
  std::vector<Encoding> windows_of(const PipelineInput& input, const QuestionAnsweringOptions& options) const {
    if (!input.text_pair || input.text.empty() || input.text_pair->empty()) {
      throw Error(ErrorKind::kInvalidArgument, "question-answering", "the question or the context is empty",
                  "give both: PipelineInput::pair(question, context), on the command line --context");
    }
    Tokenizer tokenizer = model_.tokenizer->tokenizer();
    tokenizer.set_padding(std::nullopt);
    EncodeOptions encode;
    encode.pair = question_first_ ? *input.text_pair : input.text;
    using Strategy = Truncation::Strategy;
    encode.truncation = Truncation{.max_length = options.max_seq_len,
                                   .strategy = question_first_ ? Strategy::kOnlySecond : Strategy::kOnlyFirst,
                                   .stride = options.doc_stride};
    Encoding first = tokenizer.encode(question_first_ ? input.text : *input.text_pair, encode);
    check_length(model_, first.size());
    std::vector<Encoding> windows = std::move(first.overflowing);
    windows.insert(windows.begin(), std::move(first));
    return windows;
  }

  void forward(const TextInputs& inputs, std::span<const size_t> indices, const std::vector<Encoding>& windows,
               std::vector<std::vector<float>>& starts, std::vector<std::vector<float>>& ends) const {
    Tensor start_logits, end_logits;
    if (const auto* encoder = dynamic_cast<const QuestionAnswering*>(model_.model.get())) {
      const QuestionAnsweringOutput output = encoder->forward(inputs);
      start_logits = output.start_logits, end_logits = output.end_logits;
    } else {
      const Seq2SeqOutput output = dynamic_cast<const Seq2SeqModel&>(*model_.model).forward(inputs);
      start_logits = output.start_logits, end_logits = output.end_logits;
    }
    for (size_t row = 0; row < indices.size(); ++row) {
      const size_t tokens = windows[indices[row]].size();
      starts[indices[row]] = row_scores(start_logits, row, tokens);
      ends[indices[row]] = row_scores(end_logits, row, tokens);
    }
  }

  static std::vector<float> row_scores(const Tensor& logits, size_t row, size_t tokens) {
    const std::vector<float> all = logits.to_vector<float>();
    const auto begin = all.begin() + static_cast<ptrdiff_t>(row) * logits.size(1);
    std::vector<float> scores(begin, begin + static_cast<ptrdiff_t>(tokens));
    expect_finite(scores);
    return scores;
  }

  // Tokens that may be in an answer: the context's, and the classification token, which stands for none.
  std::vector<bool> answer_tokens(const Encoding& window) const {
    const auto cls = model_.tokenizer->id_of(model_.tokenizer->special_tokens().cls_token);
    const auto sequences = window.sequence_ids();
    std::vector<bool> allowed;
    for (size_t i = 0; i < window.size(); ++i)
      allowed.push_back(sequences[i] == (question_first_ ? 1 : 0) || (cls && window.ids[i] == *cls));
    return allowed;
  }

  void add_answers(const Encoding& window, const std::vector<float>& start_logits, const std::vector<float>& end_logits,
                   const std::string& context, const QuestionAnsweringOptions& options, std::vector<Answer>& answers,
                   double& null_score) const {
    const std::vector<bool> allowed = answer_tokens(window);
    std::vector<double> starts = normalised(start_logits, allowed), ends = normalised(end_logits, allowed);
    if (options.handle_impossible_answer) null_score = std::min(null_score, starts[0] * ends[0]);
    starts[0] = ends[0] = 0;
    const size_t count = options.align_to_words ? options.top_k * 2 + 10 : options.top_k;
    const TextCharacters characters(context);
    for (const TokenSpan& span : best_spans(starts, ends, allowed, count, options.max_answer_len)) {
      const Offsets place = answer_place(window, span, options.align_to_words);
      const std::string text = characters.slice(place.begin, place.end);
      const auto same = std::find_if(answers.begin(), answers.end(),
                                     [&](const Answer& answer) { return lowercase(answer.text) == lowercase(text); });
      if (same != answers.end()) {
        same->score += span.score;
      } else {
        answers.push_back({span.score, place.begin, place.end, text});
      }
    }
  }

  // From the beginning of the first token's word to the end of the last one's.
  Offsets answer_place(const Encoding& window, const TokenSpan& span, bool align_to_words) const {
    const size_t sequence = question_first_ ? 1 : 0;
    Offsets place{window.offsets[span.start].begin, window.offsets[span.end].end};
    if (!align_to_words || !window.word_ids[span.start] || !window.word_ids[span.end]) return place;
    const auto first = window.word_to_tokens(*window.word_ids[span.start], sequence);
    const auto last = window.word_to_tokens(*window.word_ids[span.end], sequence);
    if (first && last) place = {window.offsets[first->first].begin, window.offsets[last->second - 1].end};
    return place;
  }

  static Json ranked(std::vector<Answer> answers, double null_score, const QuestionAnsweringOptions& options) {
    if (options.handle_impossible_answer) answers.push_back({null_score, 0, 0, ""});
    std::stable_sort(answers.begin(), answers.end(),
                     [](const Answer& a, const Answer& b) { return a.score > b.score; });
    if (answers.size() > options.top_k) answers.resize(options.top_k);
    if (answers.size() == 1) return to_json(answers[0]);
    Json list = Json::array();
    for (const Answer& answer : answers) list.push_back(to_json(answer));
    return list;
  }

  PipelineModel model_;
  bool question_first_;
};

}  // namespace

void register_question_answering(PipelineTable& table) {
  table.add<QuestionAnsweringPipeline>("question-answering", "AutoModelForQuestionAnswering");
}

}  // namespace imago
