#include "imago/pipelines/whisper_text.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "imago/base/error.h"
#include "imago/generation/whisper_languages.h"

namespace imago {
namespace {

// Timestamps of a window, whatever the model's is: so the reference counts.
constexpr double kWindow = 1500;

// To the nearest hundredth of the decimal number that it is exactly, as Python's round does.
double to_hundredths(double seconds) { return std::stod(fmt::format("{:.2f}", seconds)); }

// Times of windows that were heard one after the other: timestamps begin anew with each.
class Clock {
 public:
  explicit Clock(double seconds_per_timestamp) : precision_(seconds_per_timestamp) {}

  // Of the timestamp number `index`; `alone` where the two tokens before it are not both timestamps.
  double at(int64_t index, bool alone, double offset) {
    const double time = static_cast<double>(index) * precision_;
    if (time < latest_) {
      if (alone) {
        passed_ += precision_ * kWindow;
      } else {
        latest_ = penultimate_;
        passed_ += penultimate_;
      }
    }
    penultimate_ = latest_;
    latest_ = time;
    return to_hundredths(time + offset + passed_);
  }

 private:
  double precision_;
  double latest_ = 0, penultimate_ = 0, passed_ = 0;
};

// Reads token by token. What overlaps is kept apart until a chunk ends, and joined then.
class ChunkWriter {
 public:
  ChunkWriter(const PretrainedTokenizer& tokenizer, int64_t timestamp_begin, const WhisperTextOptions& options)
      : tokenizer_(tokenizer), begin_(timestamp_begin), options_(options) {}

  void read(const WhisperTokens& window) {
    begin_window(window);
    for (size_t i = 0; i < window.tokens.size(); ++i) {
      const int64_t token = window.tokens[i];
      if (tokenizer_.tokenizer().is_special(static_cast<int32_t>(token))) {
        read_special(token);
      } else if (token >= begin_) {
        read_timestamp(window.tokens, i);
      } else {
        current_.push_back(options_.words ? timed(window, i) : TimedToken{token});
      }
    }
    if (window.stride) offset_ += window.stride->length - window.stride->right;
    const bool any = std::any_of(before_.begin(), before_.end(), [](const auto& tokens) { return !tokens.empty(); });
    if (!current_.empty()) {
      before_.push_back(std::exchange(current_, {}));
    } else if (!any) {
      forget();
    }
  }

  std::vector<SpeechChunk> finish() {
    if (!before_.empty()) finish_chunk();
    return std::move(chunks_);
  }

 private:
  // Timestamps in what a window shares with its neighbours end no chunk: the last one on its right, and those on its
  // left, are passed over.
  void begin_window(const WhisperTokens& window) {
    clock_ = Clock(options_.seconds_per_timestamp);
    last_timestamp_.reset();
    first_timestamp_ = static_cast<double>(begin_);
    if (!window.stride) return;
    const auto& stride = *window.stride;
    offset_ -= stride.left;
    if (stride.left > 0) first_timestamp_ += stride.left / options_.seconds_per_timestamp;
    if (stride.right == 0) return;
    for (auto token = window.tokens.rbegin(); token != window.tokens.rend(); ++token) {
      if (*token < begin_) continue;
      const double time = static_cast<double>(*token - begin_) * options_.seconds_per_timestamp;
      if (last_timestamp_ && time < stride.length - stride.right) break;
      last_timestamp_ = *token;
    }
  }

  void read_special(int64_t token) {
    const std::string name = tokenizer_.tokenizer().id_to_token(static_cast<int32_t>(token)).value_or("");
    const auto found = name.size() > 4 ? whisper_language(name.substr(2, name.size() - 4)) : std::nullopt;
    if (!found) return;
    if (language_ && found != language_ && !options_.timestamps) {
      before_.push_back(std::exchange(current_, {}));
      finish_chunk();
    }
    chunk_.language = language_ = found;
  }

  void read_timestamp(const std::vector<int64_t>& tokens, size_t i) {
    const int64_t token = tokens[i];
    const bool alone = i >= 2 && !(tokens[i - 1] >= begin_ && tokens[i - 2] >= begin_);
    const double time = clock_.at(token - begin_, alone, offset_);
    if (last_timestamp_ && token >= *last_timestamp_) {
      skips_ = true;  // and the next one, too: they come in pairs
    } else if (skips_ || (!before_.empty() && static_cast<double>(token) < first_timestamp_)) {
      skips_ = false;
    } else if (!chunk_.begin) {
      chunk_.begin = time;
    } else if (time != *chunk_.begin) {
      chunk_.end = time;
      before_.push_back(std::exchange(current_, {}));
      finish_chunk();
    }
  }

  TimedToken timed(const WhisperTokens& window, size_t i) const {
    const double from = i == 0 ? 0 : static_cast<double>(window.token_times.at(i - 1));
    return {window.tokens[i], to_hundredths(from + offset_),
            to_hundredths(static_cast<double>(window.token_times.at(i)) + offset_)};
  }

  void finish_chunk() {
    const std::vector<TimedToken> tokens = join_overlapping(before_, options_.words);
    std::vector<int64_t> ids;
    for (const TimedToken& token : tokens) ids.push_back(token.id);
    chunk_.text = tokenizer_.decode(ids, false);
    if (options_.words) chunk_.words = whisper_words(tokenizer_, tokens, language_.value_or(options_.language));
    chunks_.push_back(std::move(chunk_));
    forget();
  }

  void forget() {
    before_.clear();
    current_.clear();
    chunk_ = SpeechChunk{.text = {}, .begin = {}, .end = {}, .language = language_, .words = {}};
  }

  const PretrainedTokenizer& tokenizer_;
  const int64_t begin_;
  const WhisperTextOptions& options_;
  std::vector<SpeechChunk> chunks_;
  SpeechChunk chunk_;
  std::optional<std::string> language_;
  std::vector<std::vector<TimedToken>> before_;  // of earlier windows
  std::vector<TimedToken> current_;
  double offset_ = 0;  // seconds before this window
  Clock clock_{0};
  std::optional<int64_t> last_timestamp_;
  double first_timestamp_ = 0;
  bool skips_ = false;
};

}  // namespace

std::vector<SpeechChunk> whisper_chunks(const PretrainedTokenizer& tokenizer, const std::vector<WhisperTokens>& windows,
                                        const WhisperTextOptions& options) {
  const auto none = tokenizer.tokenizer().token_to_id("<|notimestamps|>");
  if (!none) throw Error(ErrorKind::kUnsupported, "transcribe", "the vocabulary has no token <|notimestamps|>");
  ChunkWriter writer(tokenizer, *none + 1, options);
  for (const WhisperTokens& window : windows) writer.read(window);
  return writer.finish();
}

}  // namespace imago
