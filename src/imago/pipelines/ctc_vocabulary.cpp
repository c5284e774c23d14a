#include "imago/pipelines/ctc_vocabulary.h"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/base/quote.h"
#include "imago/base/unicode.h"

namespace imago {
namespace {

// A token is a text, or an object with its content.
std::string token_text(const Json& config, const char* key, const std::string& otherwise) {
  const auto found = config.find(key);
  if (found == config.end() || found->is_null()) return otherwise;
  return found->is_object() ? found->at("content").get<std::string>() : found->get<std::string>();
}

std::string stripped(const std::string& text) {
  const size_t begin = text.find_first_not_of(" \t\n\r\f\v");
  return begin == std::string::npos ? "" : text.substr(begin, text.find_last_not_of(" \t\n\r\f\v") - begin + 1);
}

}  // namespace

CtcVocabulary CtcVocabulary::from_folder(const std::string& folder) {
  CtcVocabulary vocabulary;
  const Json letters = read_json(folder + "/vocab.json");
  const std::string path = folder + "/tokenizer_config.json";
  const Json config = std::filesystem::exists(path) ? read_json(path) : Json::object();
  try {
    const auto kind = config.value("tokenizer_class", std::string("Wav2Vec2CTCTokenizer"));
    if (kind != "Wav2Vec2CTCTokenizer" && kind != "Wav2Vec2Tokenizer")
      throw Error(ErrorKind::kUnsupported, path, fmt::format("the tokenizer_class \"{}\"", kind));
    if (!config.value("target_lang", Json()).is_null())
      throw Error(ErrorKind::kUnsupported, path, "target_lang, a vocabulary per language");
    for (const auto& [letter, id] : letters.items()) vocabulary.letters_[id.get<int64_t>()] = letter;
    const Json added = config.value("added_tokens_decoder", Json::object());
    for (const auto& [id, token] : added.items())
      vocabulary.letters_[std::stoll(id)] = token.at("content").get<std::string>();
    vocabulary.blank_ = token_text(config, "pad_token", vocabulary.blank_);
    vocabulary.unknown_ = token_text(config, "unk_token", vocabulary.unknown_);
    vocabulary.delimiter_ = token_text(config, "word_delimiter_token", vocabulary.delimiter_);
    vocabulary.space_ = token_text(config, "replace_word_delimiter_char", vocabulary.space_);
    vocabulary.do_lower_case_ = config.value("do_lower_case", false);
    vocabulary.clean_up_ = config.value("clean_up_tokenization_spaces", false);
  } catch (const JsonError& error) {
    throw Error(ErrorKind::kInvalidFile, folder, error.what());
  } catch (const std::logic_error&) {  // of stoll
    throw Error(ErrorKind::kInvalidFile, path, "a key of added_tokens_decoder is no number");
  }
  for (const auto& [id, letter] : vocabulary.letters_) vocabulary.ids_.emplace(letter, id);
  if (vocabulary.clean_up_)
    throw Error(ErrorKind::kUnsupported, path, "clean_up_tokenization_spaces of a CTC vocabulary");
  return vocabulary;
}

const std::string& CtcVocabulary::letter_of(int64_t id) const {
  const auto found = letters_.find(id);
  return found == letters_.end() ? unknown_ : found->second;
}

std::vector<SpokenPiece> CtcVocabulary::letters(std::span<const int64_t> frames) const {
  std::vector<SpokenPiece> pieces;
  for (size_t begin = 0, end = 0; begin < frames.size(); begin = end) {
    const std::string& letter = letter_of(frames[begin]);
    while (end < frames.size() && letter_of(frames[end]) == letter) ++end;
    if (letter != blank_)
      pieces.push_back(
          {letter == delimiter_ ? space_ : letter, static_cast<int64_t>(begin), static_cast<int64_t>(end)});
  }
  return pieces;
}

std::string CtcVocabulary::text(std::span<const int64_t> frames) const {
  std::string text;
  for (const SpokenPiece& piece : letters(frames)) text += piece.text;
  return finished(std::move(text));
}

std::string CtcVocabulary::finished(std::string text) const {
  text = stripped(text);
  return do_lower_case_ ? lowercase(text) : text;
}

std::vector<int64_t> CtcVocabulary::ids(std::string_view text) const {
  if (!is_valid_utf8(text)) throw Error(ErrorKind::kInvalidArgument, "vocab.json", "the text is not UTF-8");
  if (do_lower_case_) {
    throw Error(ErrorKind::kUnsupported, "tokenizer_config.json",
                "do_lower_case, which makes capitals of what is learned",
                "set it to false, and write the texts in the vocabulary's letters");
  }
  std::vector<int64_t> ids;
  while (!text.empty()) {
    const size_t length = static_cast<size_t>(decode_utf8(text).size);
    const std::string letter = text[0] == ' ' ? delimiter_ : std::string(text.substr(0, length));
    text.remove_prefix(length);
    auto found = ids_.find(letter);
    if (found == ids_.end()) found = ids_.find(unknown_);
    if (found == ids_.end()) {
      throw Error(ErrorKind::kInvalidArgument, "vocab.json", "there is no letter " + quote(letter),
                  "spell the text with the letters of the vocabulary");
    }
    ids.push_back(found->second);
  }
  return ids;
}

std::string CtcVocabulary::spelled(std::span<const int64_t> ids) const {
  std::string text;
  for (const int64_t id : ids) {
    const std::string& letter = letter_of(id);
    if (letter != blank_) text += letter == delimiter_ ? space_ : letter;
  }
  return finished(std::move(text));
}

std::vector<SpokenPiece> CtcVocabulary::words(std::span<const int64_t> frames) const {
  std::vector<SpokenPiece> words;
  bool inside = false;
  for (const SpokenPiece& piece : letters(frames)) {
    const bool is_word = piece.text != space_;
    if (is_word && inside) {
      words.back().text += piece.text;
      words.back().end = piece.end;
    } else if (is_word) {
      words.push_back(piece);
    }
    inside = is_word;
  }
  return words;
}

}  // namespace imago
