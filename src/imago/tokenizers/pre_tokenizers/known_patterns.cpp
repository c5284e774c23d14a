#include "imago/tokenizers/pre_tokenizers/known_patterns.h"

#include <array>

#include "imago/base/unicode.h"
#include "imago/tokenizers/character_sets.h"

namespace imago::tokenizers {
namespace {

// What a pattern asks of a character, as bits.
enum Class : uint16_t {
  kLetter = 1,
  kNumber = 2,
  kSpace = 4,
  kNewline = 8,  // \r and \n, which are spaces too
  kMark = 16,
  kUpper = 32,  // Lu, Lt: in o200k's first run only
  kLower = 64,  // Ll: in its second run only
  kPunctuation = 128,
  kSymbol = 256,
  kAsciiLetter = 512,
};

constexpr uint16_t class_of_category(GeneralCategory category) {
  switch (category) {
    case GeneralCategory::kUppercaseLetter:
    case GeneralCategory::kTitlecaseLetter: return kLetter | kUpper;
    case GeneralCategory::kLowercaseLetter: return kLetter | kLower;
    case GeneralCategory::kModifierLetter:
    case GeneralCategory::kOtherLetter: return kLetter;
    case GeneralCategory::kNonspacingMark:
    case GeneralCategory::kSpacingMark:
    case GeneralCategory::kEnclosingMark: return kMark;
    case GeneralCategory::kDecimalNumber:
    case GeneralCategory::kLetterNumber:
    case GeneralCategory::kOtherNumber: return kNumber;
    case GeneralCategory::kConnectorPunctuation:
    case GeneralCategory::kDashPunctuation:
    case GeneralCategory::kOpenPunctuation:
    case GeneralCategory::kClosePunctuation:
    case GeneralCategory::kInitialPunctuation:
    case GeneralCategory::kFinalPunctuation:
    case GeneralCategory::kOtherPunctuation: return kPunctuation;
    case GeneralCategory::kMathSymbol:
    case GeneralCategory::kCurrencySymbol:
    case GeneralCategory::kModifierSymbol:
    case GeneralCategory::kOtherSymbol: return kSymbol;
    case GeneralCategory::kSpaceSeparator:
    case GeneralCategory::kLineSeparator:
    case GeneralCategory::kParagraphSeparator: return kSpace;
    default: return 0;
  }
}

uint16_t look_up_class(char32_t c) {
  uint16_t bits = class_of_category(category(c));
  if (is_white_space(c)) bits |= kSpace;
  if (c == '\r' || c == '\n') bits |= kNewline;
  if (c < 0x80 && (bits & kLetter)) bits |= kAsciiLetter;
  return bits;
}

struct Text {
  const char* data;
  uint32_t size;
  const std::array<uint16_t, 128>& ascii;

  explicit Text(std::string_view text)
      : data(text.data()), size(static_cast<uint32_t>(text.size())), ascii(ascii_classes()) {}

  static const std::array<uint16_t, 128>& ascii_classes() {
    static const std::array<uint16_t, 128> classes = [] {
      std::array<uint16_t, 128> table;
      for (char32_t c = 0; c < 128; ++c) table[c] = look_up_class(c);
      return table;
    }();
    return classes;
  }

  // The class of the character at `at`, and where the next one begins. At the end the class is 0.
  uint16_t read(uint32_t at, uint32_t& next) const {
    if (at >= size) {
      next = at;
      return 0;
    }
    const auto byte = static_cast<unsigned char>(data[at]);
    if (byte < 0x80) {
      next = at + 1;
      return ascii[byte];
    }
    const DecodedCharacter character = decode_utf8({data + at, size - at});
    next = at + static_cast<uint32_t>(character.size);
    return look_up_class(character.code_point);
  }

  char byte(uint32_t at) const { return at < size ? data[at] : '\0'; }

  // The end of the run of characters that have one of `any` and none of `none`.
  uint32_t run(uint32_t at, uint16_t any) const {
    for (uint32_t next; at < size && (read(at, next) & any); at = next) {
    }
    return at;
  }
  uint32_t run_without(uint32_t at, uint16_t none) const {
    for (uint32_t next; at < size && !(read(at, next) & none); at = next) {
    }
    return at;
  }
};

constexpr uint16_t kNotOther = kSpace | kLetter | kNumber;  // [^\s\p{L}\p{N}] is what has none of these

char to_lower(char c, bool ignore_case) { return ignore_case && c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

// The length of 's 't 're 've 'm 'll 'd at `at`, or 0.
uint32_t contraction(const Text& text, uint32_t at, bool ignore_case) {
  if (text.byte(at) != '\'') return 0;
  const char first = to_lower(text.byte(at + 1), ignore_case);
  switch (first) {
    case 's':
    case 't':
    case 'm':
    case 'd': return 2;
    case 'r':
    case 'v': return to_lower(text.byte(at + 2), ignore_case) == 'e' ? 3 : 0;
    case 'l': return to_lower(text.byte(at + 2), ignore_case) == 'l' ? 3 : 0;
    default:
      // U+017F is an s when case does not count.
      return ignore_case && first == '\xC5' && text.byte(at + 2) == '\xBF' ? 3 : 0;
  }
}

// \s+(?!\S)|\s+ on a run of spaces [at, end): all but the last character, which stays for what follows.
uint32_t spaces(const Text& text, uint32_t at, uint32_t end) {
  if (end == text.size) return end;
  uint32_t last = end - 1;
  while ((static_cast<unsigned char>(text.data[last]) & 0xC0) == 0x80) --last;
  return last > at ? last : end;
}

// \s*[\r\n]+|\s+(?!\S)|\s+
uint32_t spaces_and_newlines(const Text& text, uint32_t at) {
  const uint32_t end = text.run(at, kSpace);
  for (uint32_t i = end; i > at; --i) {
    if (text.data[i - 1] == '\n' || text.data[i - 1] == '\r') return i;
  }
  return spaces(text, at, end);
}

// 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
uint32_t next_gpt2(const Text& text, uint32_t at) {
  if (const uint32_t length = contraction(text, at, false)) return at + length;
  uint32_t next, after;
  uint16_t bits = text.read(at, next);
  if (text.data[at] == ' ') {
    const uint16_t following = text.read(next, after);
    if (next < text.size && !(following & kSpace)) {
      bits = following;
      next = after;
    }
  }
  if (bits & kLetter) return text.run(next, kLetter);
  if (bits & kNumber) return text.run(next, kNumber);
  if (!(bits & kSpace)) return text.run_without(next, kNotOther);
  return spaces(text, at, text.run(at, kSpace));
}

// What cl100k, Llama 3 and Qwen 2 share behind their words: numbers, other characters, spaces.
template <int kDigits, char kAlsoTrailing = '\n'>
uint32_t next_behind_words(const Text& text, uint32_t at, uint16_t bits, uint32_t next) {
  if (bits & kNumber) {
    uint32_t end = next;
    for (int i = 1; i < kDigits; ++i) {
      if (!(text.read(end, next) & kNumber)) break;
      end = next;
    }
    return end;
  }
  uint32_t after;
  const bool space = text.data[at] == ' ';
  const bool other = space ? next < text.size && !(text.read(next, after) & kNotOther) : !(bits & kSpace);
  if (other) {
    uint32_t end = text.run_without(space ? after : next, kNotOther);
    while (end < text.size && (text.data[end] == '\r' || text.data[end] == '\n' || text.data[end] == kAlsoTrailing))
      ++end;
    return end;
  }
  return spaces_and_newlines(text, at);
}

// (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,kDigits}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|...
template <int kDigits>
uint32_t next_cl100k(const Text& text, uint32_t at) {
  if (const uint32_t length = contraction(text, at, true)) return at + length;
  uint32_t next, after;
  const uint16_t bits = text.read(at, next);
  if (bits & kLetter) return text.run(next, kLetter);
  if (!(bits & (kNewline | kNumber)) && (text.read(next, after) & kLetter)) return text.run(after, kLetter);
  return next_behind_words<kDigits>(text, at, bits, next);
}

// o200k's words: [Lu Lt Lm Lo M]*[Ll Lm Lo M]+ and, where that fails, [Lu Lt Lm Lo M]+[Ll Lm Lo M]*. Returns the end of
// the match that begins at `at`, or `at` when there is none.
uint32_t o200k_first_word(const Text& text, uint32_t at) {
  uint32_t end = at, last_shared_end = at;
  uint32_t next;
  while (end < text.size) {
    const uint16_t bits = text.read(end, next);
    if (!(bits & (kLetter | kMark)) || (bits & kLower)) break;
    if (!(bits & kUpper)) last_shared_end = next;
    end = next;
  }
  if (text.read(end, next) & kLower) {
    while (end < text.size) {
      const uint16_t bits = text.read(end, next);
      if (!(bits & (kLetter | kMark)) || (bits & kUpper)) break;
      end = next;
    }
    return end;
  }
  return last_shared_end;
}

uint32_t o200k_second_word(const Text& text, uint32_t at) {
  uint32_t end = at, next;
  while (end < text.size) {
    const uint16_t bits = text.read(end, next);
    if (!(bits & (kLetter | kMark)) || (bits & kLower)) break;
    end = next;
  }
  return end;
}

uint32_t next_o200k(const Text& text, uint32_t at) {
  uint32_t next;
  const uint16_t bits = text.read(at, next);
  const bool prefix = !(bits & (kNewline | kLetter | kNumber));
  for (uint32_t (*word)(const Text&, uint32_t) : {o200k_first_word, o200k_second_word}) {
    if (prefix) {
      if (const uint32_t end = word(text, next); end > next) return end + contraction(text, end, true);
    }
    if (const uint32_t end = word(text, at); end > at) return end + contraction(text, end, true);
  }
  return next_behind_words<3, '/'>(text, at, bits, next);
}

// DeepSeek V3's third pattern. Characters that it leaves out stand between the matches: then `at` is returned.
uint32_t next_deepseek(const Text& text, uint32_t at) {
  uint32_t next, after;
  const uint16_t bits = text.read(at, next);
  const bool ascii_punctuation = static_cast<unsigned char>(text.data[at]) < 0x80 && (bits & (kPunctuation | kSymbol));
  if (ascii_punctuation && (text.read(next, after) & kAsciiLetter)) return text.run(after, kAsciiLetter);
  constexpr uint16_t kWord = kLetter | kMark;
  // A mark may itself be the character in front of the word.
  if (!(bits & (kNewline | kLetter | kPunctuation | kSymbol)) && (text.read(next, after) & kWord)) {
    return text.run(after, kWord);
  }
  if (bits & kWord) return text.run(next, kWord);
  constexpr uint16_t kSign = kPunctuation | kSymbol;
  uint32_t signs = at;
  if (bits & kSign) {
    signs = next;
  } else if (text.data[at] == ' ' && (text.read(next, after) & kSign)) {
    signs = after;
  }
  if (signs > at) return text.run(text.run(signs, kSign), kNewline);
  return bits & kSpace ? spaces_and_newlines(text, at) : at;
}

// \p{N}{1,3}
uint32_t next_three_digits(const Text& text, uint32_t at) {
  uint32_t end = at, next;
  for (int i = 0; i < 3 && (text.read(end, next) & kNumber); ++i) end = next;
  return end;
}

// [一-龥぀-ゟ゠-ヿ]+
uint32_t next_chinese_or_kana(const Text& text, uint32_t at) {
  while (at < text.size && static_cast<unsigned char>(text.data[at]) >= 0xE3) {
    const DecodedCharacter character = decode_utf8({text.data + at, text.size - at});
    const char32_t c = character.code_point;
    if (!((c >= 0x4E00 && c <= 0x9FA5) || (c >= 0x3040 && c <= 0x30FF))) break;
    at += static_cast<uint32_t>(character.size);
  }
  return at;
}

// For patterns that match everywhere.
template <uint32_t (*kNext)(const Text&, uint32_t)>
struct MatchScanner final : Scanner {
  uint32_t scan(std::string_view string, uint32_t at, PreTokenizedString::Block& block) const override {
    const Text text(string);
    while (at < text.size && block.has_room()) {
      const uint32_t end = kNext(text, at);
      block.push(at, end);
      at = end;
    }
    return at;
  }
};

// For patterns that do not: what no match covers is a piece, too.
template <uint32_t (*kNext)(const Text&, uint32_t)>
struct MatchAndGapScanner final : Scanner {
  uint32_t scan(std::string_view string, uint32_t at, PreTokenizedString::Block& block) const override {
    const Text text(string);
    uint32_t gap = at;  // where what no match covers began
    while (at < text.size && block.has_room()) {
      const uint32_t end = kNext(text, at);
      if (end == at) {
        text.read(at, at);
        continue;
      }
      block.push(gap, at);
      block.push(at, end);
      at = gap = end;
    }
    block.push(gap, at);
    return at;
  }
};

template <class AnyScanner>
const Scanner* instance() {
  static const AnyScanner scanner;
  return &scanner;
}

}  // namespace

const std::string_view kGpt2Pattern = R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

const std::vector<KnownPattern>& known_patterns() {
  static const std::vector<KnownPattern> patterns = {
      {"gpt2", kGpt2Pattern, instance<MatchScanner<next_gpt2>>(), true},
      {"llama3",
       R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
       instance<MatchScanner<next_cl100k<3>>>(), true},
      {"qwen2",
       R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
       instance<MatchScanner<next_cl100k<1>>>(), true},
      {"o200k",
       R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?)"
       R"(|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?)"
       R"(|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
       instance<MatchScanner<next_o200k>>(), true},
      {"deepseek3 words",
       R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
       instance<MatchAndGapScanner<next_deepseek>>(), false},
      {"three digits", R"(\p{N}{1,3})", instance<MatchAndGapScanner<next_three_digits>>(), false},
      {"chinese or kana", "[一-龥\u3040-ゟ゠-ヿ]+", instance<MatchAndGapScanner<next_chinese_or_kana>>(), false},
  };
  return patterns;
}

const KnownPattern* find_known_pattern(std::string_view pattern) {
  for (const KnownPattern& known : known_patterns()) {
    if (known.pattern == pattern) return &known;
  }
  return nullptr;
}

}  // namespace imago::tokenizers
