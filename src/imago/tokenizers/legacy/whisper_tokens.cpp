#include "imago/tokenizers/legacy/whisper_tokens.h"

#include <fmt/core.h>

#include <string>
#include <vector>

namespace imago::tokenizers {
namespace {

constexpr const char* kLanguages[] = {
    "en", "zh", "de", "es", "ru", "ko", "fr", "ja", "pt",  "tr", "pl", "ca", "nl", "ar", "sv", "it", "id",
    "hi", "fi", "vi", "he", "uk", "el", "ms", "cs", "ro",  "da", "hu", "ta", "no", "th", "ur", "hr", "bg",
    "lt", "la", "mi", "ml", "cy", "sk", "te", "fa", "lv",  "bn", "sr", "az", "sl", "kn", "et", "mk", "br",
    "eu", "is", "hy", "ne", "mn", "bs", "kk", "sq", "sw",  "gl", "mr", "pa", "si", "km", "sn", "yo", "so",
    "af", "oc", "ka", "be", "tg", "sd", "gu", "am", "yi",  "lo", "uz", "fo", "ht", "ps", "tk", "nn", "mt",
    "sa", "lb", "my", "bo", "tl", "mg", "as", "tt", "haw", "ln", "ha", "ba", "jw", "su", "yue"};

class WhisperTokens {
 public:
  WhisperTokens(int32_t first_id, int languages, const char* no_speech) {
    texts_ = {"<|endoftext|>", "<|startoftranscript|>"};
    for (int i = 0; i < languages; ++i) texts_.push_back(fmt::format("<|{}|>", kLanguages[i]));
    for (const char* task : {"<|translate|>", "<|transcribe|>", "<|startoflm|>", "<|startofprev|>"}) {
      texts_.emplace_back(task);
    }
    texts_.emplace_back(no_speech);
    texts_.emplace_back("<|notimestamps|>");
    const size_t times = texts_.size();
    for (int i = 0; i <= 1500; ++i) texts_.push_back(fmt::format("<|{}.{:02}|>", i / 50, i % 50 * 2));
    for (size_t i = 0; i < texts_.size(); ++i) {
      tokens_.push_back({texts_[i], first_id + static_cast<int32_t>(i), i < times});
    }
  }

  std::span<const TiktokenSpecialToken> tokens() const { return tokens_; }

 private:
  std::vector<std::string> texts_;
  std::vector<TiktokenSpecialToken> tokens_;  // views of the texts
};

}  // namespace

// The reference has kept the older name of silence where it had been published.
std::span<const TiktokenSpecialToken> whisper_tokens_multilingual() {
  static const WhisperTokens kTokens(50257, 99, "<|nocaptions|>");
  return kTokens.tokens();
}

std::span<const TiktokenSpecialToken> whisper_tokens_large_v3() {
  static const WhisperTokens kTokens(50257, 100, "<|nospeech|>");
  return kTokens.tokens();
}

std::span<const TiktokenSpecialToken> whisper_tokens_english() {
  static const WhisperTokens kTokens(50256, 99, "<|nocaptions|>");
  return kTokens.tokens();
}

}  // namespace imago::tokenizers
