#include "imago/pipelines/whisper_text.h"

#include <cmath>

#include "imago/base/error.h"
#include "imago/generation/whisper_languages.h"

namespace imago {
namespace {

// Timestamps of a window, whatever the model's is: so the reference counts.
constexpr double kWindow = 1500;

double to_hundredths(double seconds) { return std::nearbyint(seconds * 100) / 100; }

// Times of windows that were heard one after the other: timestamps begin anew with each.
class Clock {
 public:
  explicit Clock(double seconds_per_timestamp) : precision_(seconds_per_timestamp) {}

  // Of the timestamp number `index`; `alone` where the two tokens before it are not both timestamps.
  double at(int64_t index, bool alone) {
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
    return to_hundredths(time + passed_);
  }

 private:
  double precision_;
  double latest_ = 0, penultimate_ = 0, passed_ = 0;
};

}  // namespace

std::vector<SpeechChunk> whisper_chunks(const PretrainedTokenizer& tokenizer, const std::vector<int64_t>& tokens,
                                        double seconds_per_timestamp) {
  const auto none = tokenizer.tokenizer().token_to_id("<|notimestamps|>");
  if (!none) throw Error(ErrorKind::kUnsupported, "transcribe", "the vocabulary has no token <|notimestamps|>");
  const int64_t timestamp_begin = *none + 1;
  std::vector<SpeechChunk> chunks;
  SpeechChunk chunk;
  std::optional<std::string> language;
  std::vector<int64_t> words;
  Clock clock(seconds_per_timestamp);
  const auto finish = [&] {
    chunk.text = tokenizer.decode(words, false);
    chunks.push_back(std::move(chunk));
    chunk = SpeechChunk{.text = {}, .begin = {}, .end = {}, .language = language};
    words.clear();
  };
  for (size_t i = 0; i < tokens.size(); ++i) {
    const int64_t token = tokens[i];
    if (tokenizer.tokenizer().is_special(static_cast<int32_t>(token))) {
      const std::string name = tokenizer.tokenizer().id_to_token(static_cast<int32_t>(token)).value_or("");
      const auto found = name.size() > 4 ? whisper_language(name.substr(2, name.size() - 4)) : std::nullopt;
      if (found) chunk.language = language = found;
    } else if (token >= timestamp_begin) {
      const bool alone = i >= 2 && !(tokens[i - 1] >= timestamp_begin && tokens[i - 2] >= timestamp_begin);
      const double time = clock.at(token - timestamp_begin, alone);
      if (!chunk.begin) {
        chunk.begin = time;
      } else if (time != *chunk.begin) {
        chunk.end = time;
        finish();
      }
    } else {
      words.push_back(token);
    }
  }
  if (!words.empty()) finish();
  return chunks;
}

}  // namespace imago
