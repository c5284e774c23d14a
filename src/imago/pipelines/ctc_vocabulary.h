// The letters that a CTC model scores, and how its frames become text: the reference's Wav2Vec2CTCTokenizer.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace imago {

// A letter (or a word) and the frames [begin, end) in which it was said.
struct SpokenPiece {
  std::string text;
  int64_t begin = 0, end = 0;
};

class CtcVocabulary {
 public:
  // Reads vocab.json and tokenizer_config.json. Throws Error kNotFound, kInvalidFile, and kUnsupported for another kind
  // of tokenizer.
  static CtcVocabulary from_folder(const std::string& folder);

  // The likeliest letter of each frame to text: repeated ones are one, blanks are left out.
  std::string text(std::span<const int64_t> frames) const;
  std::vector<SpokenPiece> letters(std::span<const int64_t> frames) const;
  std::vector<SpokenPiece> words(std::span<const int64_t> frames) const;

  // The letters of a text, for training. Throws Error kInvalidArgument for text that is not UTF-8 and for a letter that
  // is not in a vocabulary without one for unknown letters; kUnsupported for do_lower_case.
  std::vector<int64_t> ids(std::string_view text) const;
  // The text of ids() again: every letter counts.
  std::string spelled(std::span<const int64_t> ids) const;

 private:
  const std::string& letter_of(int64_t id) const;
  std::string finished(std::string text) const;

  std::map<int64_t, std::string> letters_;
  std::map<std::string, int64_t> ids_;
  std::string blank_ = "<pad>", unknown_ = "<unk>", delimiter_ = "|", space_ = " ";
  bool do_lower_case_ = false, clean_up_ = false;
};

}  // namespace imago
