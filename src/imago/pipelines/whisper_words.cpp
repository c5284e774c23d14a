#include "imago/pipelines/whisper_words.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "imago/base/unicode.h"

namespace imago {
namespace {

constexpr std::string_view kPrepended = "\"'“¡¿([{-";
constexpr std::string_view kAppended = "\"'.。,，!！?？:：”)]}、";
constexpr std::string_view kPunctuation = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";
constexpr std::array<std::string_view, 6> kWithoutSpaces = {"chinese", "japanese", "thai",
                                                            "lao",     "myanmar",  "cantonese"};

// A word with the tokens that it is of, [first, last] by their places. Empty once it has been joined to another.
struct Word {
  std::string text;
  size_t first = 0, last = 0;
  int64_t token = 0;  // the first one's id
};

std::u32string code_points(std::string_view text) {
  std::u32string points;
  while (!text.empty()) {
    const DecodedCharacter next = decode_utf8(text);
    points.push_back(next.code_point);
    text.remove_prefix(static_cast<size_t>(next.size));
  }
  return points;
}

// As Python's str.strip().
std::string stripped(std::string_view text) {
  const std::u32string points = code_points(text);
  const auto is_space = [](char32_t c) { return is_white_space(c) || (c >= 0x1C && c <= 0x1F); };
  const auto first = std::find_if_not(points.begin(), points.end(), is_space);
  const auto last = std::find_if_not(points.rbegin(), points.rend(), is_space).base();
  std::string result;
  for (auto point = first; point < last; ++point) append_utf8(result, *point);
  return result;
}

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

// Tokens that are whole characters together. What is no character even in the whole text counts as one.
std::vector<Word> characters(const PretrainedTokenizer& tokenizer, const std::vector<TimedToken>& tokens) {
  std::vector<int64_t> all;
  for (const TimedToken& token : tokens) all.push_back(token.id);
  const std::u32string whole = code_points(tokenizer.decode(all, false));
  std::vector<Word> words;
  size_t offset = 0, first = 0;
  for (size_t i = 0; i < all.size(); ++i) {
    std::string text = tokenizer.decode(std::span(all).subspan(first, i + 1 - first), false);
    const std::u32string points = code_points(text);
    const size_t broken = points.find(kReplacementCharacter);
    const bool complete = broken == std::u32string::npos || offset + broken >= whole.size() ||
                          whole[offset + broken] == kReplacementCharacter;
    if (!complete) continue;
    words.push_back({std::move(text), first, i, all[first]});
    offset += points.size();
    first = i + 1;
  }
  return words;
}

std::vector<Word> split_at_spaces(std::vector<Word> pieces, int64_t end_of_text) {
  std::vector<Word> words;
  for (Word& piece : pieces) {
    const bool begins =
        piece.token >= end_of_text || piece.text.starts_with(' ') || contains(kPunctuation, stripped(piece.text));
    if (begins || words.empty()) {
      words.push_back(std::move(piece));
    } else {
      words.back().text += piece.text;
      words.back().last = piece.last;
    }
  }
  return words;
}

// Puts opening marks in front of the word behind them, and closing ones behind the word before.
void join_punctuation(std::vector<Word>& words) {
  for (size_t word = words.size(), i = words.size(); i-- > 0;) {
    if (word < words.size() && words[i].text.starts_with(' ') && contains(kPrepended, stripped(words[i].text))) {
      words[word].text.insert(0, words[i].text);
      words[word].first = words[i].first;
      words[i].text.clear();
    } else {
      word = i;
    }
  }
  for (size_t word = 0, i = 1; i < words.size(); ++i) {
    if (!words[word].text.ends_with(' ') && contains(kAppended, words[i].text)) {
      if (words[i].text.empty()) continue;
      if (words[word].text.empty()) words[word].first = words[i].first;
      words[word].text += words[i].text;
      words[word].last = words[i].last;
      words[i].text.clear();
    } else {
      word = i;
    }
  }
  std::erase_if(words, [](const Word& word) { return word.text.empty(); });
}

}  // namespace

std::vector<SpokenWord> whisper_words(const PretrainedTokenizer& tokenizer, const std::vector<TimedToken>& tokens,
                                      const std::string& language) {
  std::vector<Word> words = characters(tokenizer, tokens);
  if (std::find(kWithoutSpaces.begin(), kWithoutSpaces.end(), language) == kWithoutSpaces.end())
    words = split_at_spaces(std::move(words), tokenizer.eos_token_id().value_or(INT32_MAX));
  join_punctuation(words);
  std::vector<SpokenWord> spoken;
  for (Word& word : words) spoken.push_back({std::move(word.text), tokens[word.first].begin, tokens[word.last].end});
  return spoken;
}

}  // namespace imago
