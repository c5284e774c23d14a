#include "imago/tokenizers/legacy/tiktoken_file.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string>

#include "imago/base/error.h"
#include "imago/tokenizers/legacy/split_patterns.h"
#include "imago/tokenizers/legacy/vocabulary_files.h"
#include "imago/tokenizers/legacy/whisper_tokens.h"
#include "imago/tokenizers/pre_tokenizers/known_patterns.h"

namespace imago::tokenizers {
namespace {

constexpr std::array<int8_t, 256> kBase64Values = [] {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::array<int8_t, 256> values{};
  for (int8_t& value : values) value = -1;
  for (size_t i = 0; i < kAlphabet.size(); ++i)
    values[static_cast<unsigned char>(kAlphabet[i])] = static_cast<int8_t>(i);
  return values;
}();

// False when the text is not base64 in whole groups of four.
bool decode_base64(std::string_view text, std::string& bytes) {
  bytes.clear();
  if (text == "=") return true;  // as Python's decoder reads the last line of Whisper's files, a token without bytes
  if (text.empty() || text.size() % 4 != 0) return false;
  size_t padding = 0;
  while (padding < 2 && text.ends_with('=')) {
    text.remove_suffix(1);
    ++padding;
  }
  uint32_t bits = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const int8_t value = kBase64Values[static_cast<unsigned char>(text[i])];
    if (value < 0) return false;
    bits = bits << 6 | static_cast<uint32_t>(value);
    if (i % 4 != 0) bytes += static_cast<char>(bits >> (6 - 2 * (i % 4)) & 0xFF);
  }
  return true;
}

bool parse_line(std::string_view line, std::string& token, int64_t& rank) {
  const size_t space = line.find(' ');
  if (space == std::string_view::npos || !decode_base64(line.substr(0, space), token)) return false;
  const char* const begin = line.data() + space + 1;
  const char* const end = line.data() + line.size();
  const auto [at, error] = std::from_chars(begin, end, rank);
  return error == std::errc() && at == end && rank >= 0;
}

constexpr TiktokenSpecialToken kR50kSpecials[] = {{"<|endoftext|>", 50256}};
constexpr TiktokenSpecialToken kP50kEditSpecials[] = {
    {"<|endoftext|>", 50256}, {"<|fim_prefix|>", 50281}, {"<|fim_middle|>", 50282}, {"<|fim_suffix|>", 50283}};
constexpr TiktokenSpecialToken kCl100kSpecials[] = {{"<|endoftext|>", 100257},
                                                    {"<|fim_prefix|>", 100258},
                                                    {"<|fim_middle|>", 100259},
                                                    {"<|fim_suffix|>", 100260},
                                                    {"<|endofprompt|>", 100276}};
constexpr TiktokenSpecialToken kO200kSpecials[] = {{"<|endoftext|>", 199999}, {"<|endofprompt|>", 200018}};

}  // namespace

Vocabulary parse_tiktoken(std::string_view text, std::string_view where) {
  Vocabulary vocabulary;
  std::string token;
  for (size_t number = 1; !text.empty(); ++number) {
    const size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) continue;
    int64_t rank = 0;
    if (!parse_line(line, token, rank)) {
      throw Error(ErrorKind::kInvalidFile, where, fmt::format("line {} is not base64 and a rank", number));
    }
    if (rank >= kMaxVocabulary) {
      throw Error(ErrorKind::kLimitExceeded, where, fmt::format("the rank {} of line {} is too large", rank, number));
    }
    if (vocabulary.find(token) != Vocabulary::kNone || vocabulary.contains_id(static_cast<int32_t>(rank))) {
      throw Error(ErrorKind::kInvalidFile, where, fmt::format("line {} repeats a token or a rank", number));
    }
    vocabulary.add(token, static_cast<int32_t>(rank));
  }
  if (vocabulary.size() == 0) throw Error(ErrorKind::kInvalidFile, where, "no tokens in it");
  return vocabulary;
}

bool looks_like_tiktoken(std::string_view text) {
  std::string_view line = text.substr(0, std::min<size_t>(text.find('\n'), 4096));
  if (line.ends_with('\r')) line.remove_suffix(1);
  std::string token;
  int64_t rank = 0;
  return parse_line(line, token, rank);
}

const TiktokenEncoding* find_tiktoken_encoding(std::string_view name) {
  static const TiktokenEncoding kEncodings[] = {{"gpt2", kGpt2Pattern, kR50kSpecials},
                                                {"r50k_base", kGpt2Pattern, kR50kSpecials},
                                                {"p50k_base", kGpt2Pattern, kR50kSpecials},
                                                {"p50k_edit", kGpt2Pattern, kP50kEditSpecials},
                                                {"cl100k_base", kLlama3Split, kCl100kSpecials},
                                                {"o200k_base", kO200kSplit, kO200kSpecials},
                                                {"multilingual", kGpt2Pattern, whisper_tokens_multilingual()},
                                                {"whisper_large_v3", kGpt2Pattern, whisper_tokens_large_v3()},
                                                {"whisper_english", kGpt2Pattern, whisper_tokens_english()},
                                                {"llama3", kLlama3Split, {}},
                                                {"qwen", kQwen2Split, {}}};
  for (const TiktokenEncoding& encoding : kEncodings) {
    if (encoding.name == name) return &encoding;
  }
  return nullptr;
}

}  // namespace imago::tokenizers
