#include "imago/tokenizers/legacy/vocabulary_files.h"

#include <fmt/core.h>
#include <simdjson.h>

#include "imago/base/error.h"
#include "imago/base/unicode.h"

namespace imago::tokenizers {
namespace {

// Takes the next line off the front, without its end.
std::string_view next_line(std::string_view& text) {
  const size_t end = text.find('\n');
  std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

std::string_view trim_end(std::string_view text) {
  while (!text.empty()) {
    size_t last = text.size() - 1;
    while (last > 0 && (static_cast<unsigned char>(text[last]) & 0xC0) == 0x80) --last;
    if (!is_white_space(decode_utf8(text.substr(last)).code_point)) break;
    text = text.substr(0, last);
  }
  return text;
}

void require_utf8(std::string_view text, std::string_view where) {
  if (!is_valid_utf8(text)) throw Error(ErrorKind::kInvalidFile, where, "not UTF-8");
}

}  // namespace

Vocabulary parse_vocab_txt(std::string_view text, std::string_view where) {
  require_utf8(text, where);
  Vocabulary vocabulary;
  for (int64_t id = 0; !text.empty(); ++id) {
    if (id >= kMaxVocabulary) throw Error(ErrorKind::kLimitExceeded, where, "more than 4194304 tokens");
    vocabulary.add(trim_end(next_line(text)), static_cast<int32_t>(id));
  }
  if (vocabulary.size() == 0) throw Error(ErrorKind::kInvalidFile, where, "no tokens in it");
  return vocabulary;
}

std::vector<std::string_view> lines_of(std::string_view text, std::string_view where) {
  require_utf8(text, where);
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    if (static_cast<int64_t>(lines.size()) >= kMaxVocabulary) {
      throw Error(ErrorKind::kLimitExceeded, where, "more than 4194304 lines");
    }
    lines.push_back(next_line(text));
  }
  return lines;
}

Vocabulary parse_vocab_json(std::string_view text, std::string_view where) {
  simdjson::dom::parser parser;
  simdjson::dom::object entries;
  const simdjson::padded_string padded(text);
  if (const auto error = parser.parse(padded).get(entries)) {
    throw Error(ErrorKind::kInvalidFile, where, simdjson::error_message(error));
  }
  Vocabulary vocabulary;
  for (const auto& [token, value] : entries) {
    int64_t id = 0;
    if (value.get(id) || id < 0) {
      throw Error(ErrorKind::kInvalidFile, where, fmt::format("the id of '{}' is no number", token));
    }
    if (id >= kMaxVocabulary) throw Error(ErrorKind::kLimitExceeded, where, fmt::format("the id {} is too large", id));
    vocabulary.add(token, static_cast<int32_t>(id));
  }
  return vocabulary;
}

std::vector<std::pair<std::string_view, std::string_view>> parse_merges_txt(std::string_view text,
                                                                            std::string_view where) {
  require_utf8(text, where);
  std::vector<std::pair<std::string_view, std::string_view>> merges;
  for (size_t number = 1; !text.empty(); ++number) {
    const std::string_view line = next_line(text);
    if (line.starts_with("#version")) continue;
    const size_t space = line.find(' ');
    if (space == std::string_view::npos || line.find(' ', space + 1) != std::string_view::npos) {
      throw Error(ErrorKind::kInvalidFile, where,
                  fmt::format("line {} is not two tokens with a space between", number));
    }
    merges.emplace_back(line.substr(0, space), line.substr(space + 1));
  }
  return merges;
}

}  // namespace imago::tokenizers
