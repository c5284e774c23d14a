#include "imago/base/unicode.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <mutex>
#include <vector>

namespace imago {
namespace {

bool is_continuation(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) == 0x80; }

// What may stand first and second in a sequence (Unicode Standard, table 3-7): size 0 marks a byte that begins nothing.
struct Lead {
  int size;
  unsigned char second_low, second_high;
};

Lead lead_of(unsigned char byte) {
  if (byte < 0x80) return {1, 0, 0};
  if (byte < 0xC2) return {0, 0, 0};
  if (byte < 0xE0) return {2, 0x80, 0xBF};
  if (byte == 0xE0) return {3, 0xA0, 0xBF};
  if (byte == 0xED) return {3, 0x80, 0x9F};
  if (byte < 0xF0) return {3, 0x80, 0xBF};
  if (byte == 0xF0) return {4, 0x90, 0xBF};
  if (byte < 0xF4) return {4, 0x80, 0xBF};
  if (byte == 0xF4) return {4, 0x80, 0x8F};
  return {0, 0, 0};
}

}  // namespace

DecodedCharacter decode_utf8(std::string_view text) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  if (bytes[0] < 0x80) return {bytes[0], 1};
  const Lead lead = lead_of(bytes[0]);
  if (lead.size == 0 || text.size() < 2 || bytes[1] < lead.second_low || bytes[1] > lead.second_high) {
    return {kReplacementCharacter, 1};
  }
  char32_t code_point = bytes[0] & (0xFFu >> (lead.size + 1));
  code_point = code_point << 6 | (bytes[1] & 0x3Fu);
  for (int i = 2; i < lead.size; ++i) {
    if (static_cast<size_t>(i) >= text.size() || !is_continuation(text[i])) return {kReplacementCharacter, i};
    code_point = code_point << 6 | (bytes[i] & 0x3Fu);
  }
  return {code_point, lead.size};
}

void append_utf8(std::string& text, char32_t code_point) {
  if (code_point > 0x10FFFF || (code_point >= 0xD800 && code_point < 0xE000)) code_point = kReplacementCharacter;
  if (code_point < 0x80) {
    text += static_cast<char>(code_point);
    return;
  }
  char bytes[4];
  int size = code_point < 0x800 ? 2 : code_point < 0x10000 ? 3 : 4;
  for (int i = size - 1; i > 0; --i) {
    bytes[i] = static_cast<char>(0x80 | (code_point & 0x3F));
    code_point >>= 6;
  }
  bytes[0] = static_cast<char>((0xF00 >> size & 0xFF) | code_point);
  text.append(bytes, size);
}

size_t ascii_prefix_size(std::string_view text) {
  size_t i = 0;
  for (; i + 8 <= text.size(); i += 8) {
    uint64_t word;
    std::memcpy(&word, text.data() + i, 8);
    if (word & 0x8080808080808080u) break;
  }
  while (i < text.size() && static_cast<unsigned char>(text[i]) < 0x80) ++i;
  return i;
}

bool is_ascii(std::string_view text) { return ascii_prefix_size(text) == text.size(); }

bool is_valid_utf8(std::string_view text) {
  while (true) {
    text.remove_prefix(ascii_prefix_size(text));
    if (text.empty()) return true;
    const DecodedCharacter character = decode_utf8(text);
    const bool spelled_out = character.size == 3 && text.starts_with("\xEF\xBF\xBD");
    if (character.code_point == kReplacementCharacter && !spelled_out) return false;
    text.remove_prefix(character.size);
  }
}

std::string to_valid_utf8(std::string_view text) {
  std::string valid;
  valid.reserve(text.size());
  while (!text.empty()) {
    const DecodedCharacter character = decode_utf8(text);
    append_utf8(valid, character.code_point);
    text.remove_prefix(character.size);
  }
  return valid;
}

size_t incomplete_utf8_suffix(std::string_view text) {
  for (size_t held = 1; held <= 3 && held <= text.size(); ++held) {
    const std::string_view suffix = text.substr(text.size() - held);
    if (is_continuation(suffix[0])) continue;
    const Lead lead = lead_of(static_cast<unsigned char>(suffix[0]));
    if (static_cast<size_t>(lead.size) <= held) return 0;
    return decode_utf8(suffix).size == static_cast<int>(held) ? held : 0;
  }
  return 0;
}

size_t count_utf8(std::string_view text) {
  size_t count = 0;
  for (char byte : text) count += !is_continuation(byte);
  return count;
}

GeneralCategory general_category(char32_t code_point) {
  static_assert(static_cast<int>(GeneralCategory::kOtherSymbol) == UTF8PROC_CATEGORY_SO);
  static_assert(static_cast<int>(GeneralCategory::kPrivateUse) == UTF8PROC_CATEGORY_CO);
  if (code_point > 0x10FFFF) return GeneralCategory::kUnassigned;
  return static_cast<GeneralCategory>(utf8proc_category(static_cast<utf8proc_int32_t>(code_point)));
}

bool is_white_space(char32_t c) {
  if (c < 0x80) return c == ' ' || (c >= 0x09 && c <= 0x0D);
  if (c < 0x1680) return c == 0x85 || c == 0xA0;
  return c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
         c == 0x3000;
}

int combining_class(char32_t code_point) {
  return utf8proc_get_property(static_cast<utf8proc_int32_t>(code_point))->combining_class;
}

namespace {

// Case pairs of Unicode 16 and 17, which utf8proc may not know yet.
char32_t lowercase_of_recent(char32_t c) {
  if (c >= 0x10D50 && c <= 0x10D65) return c + 0x20;
  if (c >= 0x16EA0 && c <= 0x16EB8) return c + 0x1B;
  switch (c) {
    case 0x1C89:
    case 0xA7CC:
    case 0xA7CE:
    case 0xA7D2:
    case 0xA7D4:
    case 0xA7DA: return c + 1;
    case 0xA7CB: return 0x264;
    case 0xA7DC: return 0x19B;
    default: return c;
  }
}

}  // namespace

size_t lowercase(char32_t code_point, char32_t* out) {
  if (code_point == 0x130) {  // the one unconditional mapping to several characters (SpecialCasing.txt)
    out[0] = 'i';
    out[1] = 0x307;
    return 2;
  }
  out[0] = static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(code_point)));
  if (out[0] == code_point && code_point >= 0x1C89) out[0] = lowercase_of_recent(code_point);
  return 1;
}

std::string lowercase(std::string_view text) {
  std::string lower;
  lower.reserve(text.size());
  char32_t mapped[3];
  while (!text.empty()) {
    const DecodedCharacter character = decode_utf8(text);
    const size_t count = lowercase(character.code_point, mapped);
    for (size_t i = 0; i < count; ++i) append_utf8(lower, mapped[i]);
    text.remove_prefix(character.size);
  }
  return lower;
}

size_t decompose(char32_t code_point, bool compatibility, char32_t* out) {
  utf8proc_int32_t buffer[32];
  int last_boundary_class = 0;
  const auto options = static_cast<utf8proc_option_t>(UTF8PROC_DECOMPOSE | (compatibility ? UTF8PROC_COMPAT : 0));
  const utf8proc_ssize_t count =
      utf8proc_decompose_char(static_cast<utf8proc_int32_t>(code_point), buffer, 32, options, &last_boundary_class);
  if (count < 1 || count > 18) {
    out[0] = code_point;
    return 1;
  }
  for (utf8proc_ssize_t i = 0; i < count; ++i) out[i] = static_cast<char32_t>(buffer[i]);
  return static_cast<size_t>(count);
}

char32_t compose(char32_t first, char32_t second) {
  utf8proc_int32_t buffer[3] = {static_cast<utf8proc_int32_t>(first), static_cast<utf8proc_int32_t>(second), 0};
  // Composing two characters by the library keeps its exclusions and Hangul rules; it sees no other context.
  const auto options = static_cast<utf8proc_option_t>(UTF8PROC_COMPOSE | UTF8PROC_STABLE);
  const utf8proc_ssize_t count = utf8proc_normalize_utf32(buffer, 2, options);
  return count == 1 ? static_cast<char32_t>(buffer[0]) : 0;
}

namespace {

// Two bits per character of the planes that have decompositions: inert under decomposition and under composition, for
// canonical and compatibility forms. Built once, when the first character beyond Latin-1 asks.
class InertTable {
 public:
  InertTable() : flags_(kSize) {
    std::vector<bool> composes_as_second(kSize);
    char32_t parts[18];
    for (char32_t c = 0; c < kSize; ++c) {
      const size_t count = decompose(c, false, parts);
      // Hangul is composed by rule: its vowels and trailing consonants are the second characters.
      if (count == 1 && parts[0] == c) continue;
      for (size_t i = 1; i < count; ++i) {
        if (parts[i] < kSize) composes_as_second[parts[i]] = true;
      }
    }
    for (char32_t c = 0; c < kSize; ++c) {
      const bool starter = combining_class(c) == 0;
      const bool canonical = decompose(c, false, parts) == 1 && parts[0] == c;
      const bool compatible = decompose(c, true, parts) == 1 && parts[0] == c;
      const bool second = composes_as_second[c];
      const bool composed = !canonical && composes_back(c);
      flags_[c] = static_cast<uint8_t>(
          (starter && !second && (canonical || composed)) << 0 | (starter && canonical) << 1 |
          (starter && !second && compatible_composed(c, compatible, composed)) << 2 | (starter && compatible) << 3);
    }
  }

  bool inert(char32_t c, NormalForm form) const {
    if (c >= kSize) return true;  // planes 3 and up neither decompose nor combine
    return flags_[c] >> static_cast<int>(form) & 1;
  }

 private:
  static constexpr char32_t kSize = 0x30000;

  static bool composes_back(char32_t c) {
    char32_t parts[18];
    const size_t count = decompose(c, false, parts);
    char32_t whole = parts[0];
    for (size_t i = 1; i < count && whole != 0; ++i) whole = compose(whole, parts[i]);
    return whole == c;
  }

  static bool compatible_composed(char32_t c, bool compatible, bool composed) {
    if (compatible) return true;
    if (!composed) return false;
    char32_t canonical[18], compatibility[18];
    const size_t count = decompose(c, false, canonical);
    return decompose(c, true, compatibility) == count && std::equal(canonical, canonical + count, compatibility);
  }

  std::vector<uint8_t> flags_;
};

void sort_marks(std::u32string& text) {
  for (size_t i = 0; i < text.size();) {
    if (combining_class(text[i]) == 0) {
      ++i;
      continue;
    }
    size_t end = i;
    while (end < text.size() && combining_class(text[end]) != 0) ++end;
    std::stable_sort(text.begin() + i, text.begin() + end,
                     [](char32_t a, char32_t b) { return combining_class(a) < combining_class(b); });
    i = end;
  }
}

// The canonical composition algorithm: a character joins the last starter unless something between blocks it.
void compose_in_place(std::u32string& text) {
  size_t written = 0, starter = std::u32string::npos;
  int last_class = -1;
  for (char32_t c : text) {
    const int mark_class = combining_class(c);
    if (starter != std::u32string::npos && (last_class < mark_class || last_class == -1)) {
      if (const char32_t composite = compose(text[starter], c); composite != 0) {
        text[starter] = composite;
        continue;
      }
    }
    if (mark_class == 0) {
      starter = written;
      last_class = -1;
    } else {
      last_class = mark_class;
    }
    text[written++] = c;
  }
  text.resize(written);
}

}  // namespace

bool is_inert(char32_t code_point, NormalForm form) {
  static_assert(static_cast<int>(NormalForm::kNFKD) == 3);
  if (code_point < 0xA0) return true;
  if (code_point < 0x300 && form == NormalForm::kNFC) return true;
  static const InertTable table;
  return table.inert(code_point, form);
}

std::string normalize(std::string_view text, NormalForm form) {
  std::string result;
  result.reserve(text.size());
  const bool compatibility = form == NormalForm::kNFKC || form == NormalForm::kNFKD;
  const bool composing = form == NormalForm::kNFC || form == NormalForm::kNFKC;
  std::u32string run;
  char32_t parts[18];
  while (!text.empty()) {
    // A run is what may interact: from a character that is followed by one that is not inert, to the next inert one.
    const DecodedCharacter first = decode_utf8(text);
    size_t size = first.size;
    bool changes = !is_inert(first.code_point, form);
    run.assign(1, first.code_point);
    while (size < text.size()) {
      const DecodedCharacter next = decode_utf8(text.substr(size));
      if (is_inert(next.code_point, form)) break;
      changes = true;
      run += next.code_point;
      size += next.size;
    }
    if (!changes) {
      result.append(text.substr(0, size));
    } else {
      std::u32string decomposed;
      for (char32_t c : run) decomposed.append(parts, decompose(c, compatibility, parts));
      sort_marks(decomposed);
      if (composing) compose_in_place(decomposed);
      for (char32_t c : decomposed) append_utf8(result, c);
    }
    text.remove_prefix(size);
  }
  return result;
}

size_t first_grapheme_size(std::string_view text) {
  DecodedCharacter previous = decode_utf8(text);
  size_t size = previous.size;
  utf8proc_int32_t state = 0;
  while (size < text.size()) {
    const DecodedCharacter next = decode_utf8(text.substr(size));
    if (utf8proc_grapheme_break_stateful(static_cast<utf8proc_int32_t>(previous.code_point),
                                         static_cast<utf8proc_int32_t>(next.code_point), &state)) {
      break;
    }
    size += next.size;
    previous = next;
  }
  return size;
}

}  // namespace imago
