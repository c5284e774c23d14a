#include "imago/tokenizers/normalized_string.h"

#include <algorithm>
#include <array>

#include "imago/tokenizers/character_sets.h"

namespace imago::tokenizers {
namespace {

struct ByteCharacters {
  std::array<char32_t, 256> of_byte{};
  std::array<int16_t, 324> of_character{};

  ByteCharacters() {
    of_character.fill(-1);
    char32_t next = 256;
    for (int byte = 0; byte < 256; ++byte) {
      const bool printable = (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte != 0xAD);
      of_byte[byte] = printable ? static_cast<char32_t>(byte) : next++;
      of_character[of_byte[byte]] = static_cast<int16_t>(byte);
    }
  }
};

const ByteCharacters& byte_characters() {
  static const ByteCharacters characters;
  return characters;
}

size_t character_size(unsigned char lead) { return lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4; }

}  // namespace

char32_t byte_to_character(unsigned char byte) { return byte_characters().of_byte[byte]; }

int character_to_byte(char32_t character) { return character < 324 ? byte_characters().of_character[character] : -1; }

bool decode_byte_level(std::string_view token, std::string& bytes) {
  while (!token.empty()) {
    const DecodedCharacter character = decode_utf8(token);
    const int byte = character_to_byte(character.code_point);
    if (byte < 0) return false;
    bytes += static_cast<char>(byte);
    token.remove_prefix(character.size);
  }
  return true;
}

void append_identity_alignments(std::string_view text, uint32_t begin, std::vector<Alignment>& alignments) {
  alignments.reserve(alignments.size() + text.size());
  for (size_t i = 0; i < text.size();) {
    const size_t size = std::min(character_size(static_cast<unsigned char>(text[i])), text.size() - i);
    const auto at = static_cast<uint32_t>(begin + i);
    alignments.insert(alignments.end(), size, Alignment{at, static_cast<uint32_t>(at + size)});
    i += size;
  }
}

NormalizedString::NormalizedString(std::string_view original, uint32_t begin, bool tracked)
    : text_(original), tracked_(tracked), begins_text_(begin == 0) {
  if (tracked) append_identity_alignments(original, begin, alignments_);
}

Transformation::Transformation(NormalizedString& string, size_t removed, size_t added) : string_(string) {
  text_.resize(string.text_.size() + added + 16);
  if (!string.tracked_) return;
  alignments_.resize(text_.size());
  skip(removed);
}

void Transformation::grow() {
  text_.resize(text_.size() + text_.size() / 2 + 64);
  if (string_.tracked_) alignments_.resize(text_.size());
}

void Transformation::skip(size_t characters) {
  const std::string_view old = string_.text_;
  for (; characters > 0 && offset_ < old.size(); --characters) {
    offset_ = std::min(old.size(), offset_ + size_of_lead(static_cast<unsigned char>(old[offset_])));
  }
}

void Transformation::finish() {
  text_.resize(size_);
  if (string_.tracked_) alignments_.resize(size_);
  string_.set_text(std::move(text_));
  string_.alignments_ = std::move(alignments_);
}

void NormalizedString::prepend(std::string_view content) {
  if (text_.empty() || content.empty()) return;
  set_text(std::string(content).append(text_));
  if (tracked_) alignments_.insert(alignments_.begin(), content.size(), Alignment(alignments_.front()));
}

bool NormalizedString::all_of(FunctionRef<bool(char32_t)> holds) const {
  for (std::string_view rest = text_; !rest.empty();) {
    const DecodedCharacter character = decode_utf8(rest);
    if (!holds(character.code_point)) return false;
    rest.remove_prefix(static_cast<size_t>(character.size));
  }
  return true;
}

void NormalizedString::filter(FunctionRef<bool(char32_t)> keep) {
  if (all_of(keep)) return;
  const std::string_view text = text_;
  size_t removed_front = 0, at = 0;
  DecodedCharacter last{};  // the one that is kept and waits: it carries how many are removed behind it
  const auto next_kept = [&](size_t& removed) {
    for (removed = 0; at < text.size(); ++removed) {
      const DecodedCharacter character = decode_utf8(text.substr(at));
      at += static_cast<size_t>(character.size);
      if (keep(character.code_point)) {
        last = character;
        return true;
      }
    }
    return false;
  };
  bool more = next_kept(removed_front);
  Transformation transformation(*this, removed_front);
  while (more) {
    const char32_t character = last.code_point;
    size_t removed = 0;
    more = next_kept(removed);
    transformation.push(character, -static_cast<int>(removed));
  }
  transformation.finish();
}

void NormalizedString::map(FunctionRef<char32_t(char32_t)> change) {
  if (all_of([&](char32_t character) { return change(character) == character; })) return;
  Transformation transformation(*this);
  std::string_view rest = text_;
  while (!rest.empty()) {
    const DecodedCharacter character = decode_utf8(rest);
    rest.remove_prefix(character.size);
    transformation.push(change(character.code_point), 0);
  }
  transformation.finish();
}

void NormalizedString::strip(bool left, bool right) {
  size_t begin = 0, end = text_.size();
  while (left && begin < end) {
    const DecodedCharacter character = decode_utf8(text_.substr(begin));
    if (!is_white_space(character.code_point)) break;
    begin += character.size;
  }
  while (right && end > begin) {
    size_t last = end - 1;
    while (last > begin && (static_cast<unsigned char>(text_[last]) & 0xC0) == 0x80) --last;
    if (!is_white_space(decode_utf8(text_.substr(last, end - last)).code_point)) break;
    end = last;
  }
  text_ = text_.substr(begin, end - begin);
  owned_ = false;
  if (tracked_) {
    alignments_.erase(alignments_.begin() + static_cast<ptrdiff_t>(end), alignments_.end());
    alignments_.erase(alignments_.begin(), alignments_.begin() + static_cast<ptrdiff_t>(begin));
  }
}

void NormalizedString::replace(const std::vector<std::pair<uint32_t, uint32_t>>& matches, std::string_view content) {
  if (matches.empty()) return;
  std::string text;
  std::vector<Alignment> alignments;
  text.reserve(text_.size() + matches.size() * content.size());
  if (tracked_) alignments.reserve(text_.size() + matches.size() * content.size());
  size_t copied = 0;
  const auto copy_until = [&](size_t end) {
    text.append(text_.substr(copied, end - copied));
    if (tracked_) alignments.insert(alignments.end(), alignments_.begin() + copied, alignments_.begin() + end);
    copied = end;
  };
  for (const auto& [begin, end] : matches) {
    copy_until(begin);
    text += content;
    if (tracked_) alignments.insert(alignments.end(), content.size(), end == 0 ? Alignment{} : alignments_[end - 1]);
    copied = end;
  }
  copy_until(text_.size());
  set_text(std::move(text));
  alignments_ = std::move(alignments);
}

void NormalizedString::lowercase() {
  const size_t ascii = ascii_prefix_size(text_);
  if (ascii == text_.size()) {
    return map_ascii([](char byte) { return static_cast<char>(byte + ((byte >= 'A' && byte <= 'Z') ? 32 : 0)); });
  }
  Transformation transformation(*this);
  char32_t lower[3];
  std::string_view rest = text_;
  while (!rest.empty()) {
    const DecodedCharacter character = decode_utf8(rest);
    rest.remove_prefix(character.size);
    const size_t count = imago::lowercase(character.code_point, lower);
    for (size_t i = 0; i < count; ++i) transformation.push(lower[i], i > 0);
  }
  transformation.finish();
}

void NormalizedString::to_byte_level() {
  Transformation transformation(*this);
  for (char byte : text_) {
    const bool continues = (static_cast<unsigned char>(byte) & 0xC0) == 0x80;
    transformation.push(byte_to_character(static_cast<unsigned char>(byte)), continues);
  }
  transformation.finish();
}

namespace {

// The reference's normal forms are those of Unicode 9: what came later neither decomposes nor combines.
bool is_later_than_unicode_9(char32_t c) {
  return c == 0x32FF || (c >= 0xA7F2 && c <= 0xA7F4) || c == 0xAB69 || (c >= 0x10781 && c <= 0x107BA) || c == 0x11938 ||
         (c >= 0x1E030 && c <= 0x1E06D) || c == 0x1F16C || (c >= 0x1FBF0 && c <= 0x1FBF9);
}

size_t decompose_unicode_9(char32_t c, bool compatibility, char32_t* parts) {
  if (c >= 0x32FF && is_later_than_unicode_9(c)) {
    parts[0] = c;
    return 1;
  }
  return decompose(c, compatibility, parts);
}

int combining_class_unicode_9(char32_t c) {
  const int mark_class = c < 0x300 ? 0 : combining_class(c);
  return mark_class != 0 && is_combining_mark(c) ? mark_class : 0;
}

char32_t compose_unicode_9(char32_t first, char32_t second) {
  if (second < 0x300) return 0;
  const char32_t composite = compose(first, second);
  return composite == 0x11938 ? 0 : composite;
}

// A character of a normal form in the making, with the change that Transformation wants. Small, for a run of a million
// marks has to be sorted as one.
struct Part {
  uint32_t character : 24;
  uint32_t combining_class : 8;
  int32_t change;

  Part(char32_t c, int mark_class, int32_t changed)
      : character(c & 0xFFFFFF), combining_class(static_cast<uint32_t>(mark_class) & 0xFF), change(changed) {}
};
static_assert(sizeof(Part) == 8);
constexpr size_t kPartsInCache = 512;
constexpr size_t kMaxKeptParts = size_t{1} << 20;  // that a thread keeps room for from one text to the next

void sort_marks(std::vector<Part>& parts, size_t& marks) {
  const auto by_class = [](const Part& a, const Part& b) { return a.combining_class < b.combining_class; };
  const auto first = parts.end() - static_cast<ptrdiff_t>(marks);
  if (!std::is_sorted(first, parts.end(), by_class)) std::stable_sort(first, parts.end(), by_class);
  marks = 0;
}

// Neither decomposes nor is a mark, in any form: most characters of most texts.
bool is_plain(char32_t c) { return c < 0xA0 || (c >= 0x4E00 && c <= 0x9FFF); }

// `marks` counts those at the back that are still to be sorted.
void append_decomposed(char32_t character, bool compatibility, std::vector<Part>& parts, size_t& marks) {
  if (is_plain(character)) {
    if (marks > 0) sort_marks(parts, marks);
    parts.emplace_back(character, 0, 0);
    return;
  }
  char32_t buffer[18];
  const size_t count = decompose_unicode_9(character, compatibility, buffer);
  for (size_t i = 0; i < count; ++i) {
    const int mark_class = combining_class_unicode_9(buffer[i]);
    if (mark_class == 0) sort_marks(parts, marks);
    parts.emplace_back(buffer[i], mark_class, i > 0);
    if (mark_class != 0) ++marks;
  }
}

// Canonical composition. A composite takes over the changes of its parts: one that was a character of its own in the
// old text counts as removed behind it.
void compose_parts(std::vector<Part>& parts) {
  size_t written = 0, starter = SIZE_MAX;
  int last_class = -1;
  for (size_t i = 0; i < parts.size(); ++i) {
    const Part part = parts[i];
    if (starter != SIZE_MAX && last_class < static_cast<int>(part.combining_class)) {
      if (const char32_t composite = compose_unicode_9(parts[starter].character, part.character); composite != 0) {
        parts[starter].character = composite & 0xFFFFFF;
        parts[starter].change += part.change - 1;
        continue;
      }
    }
    if (part.combining_class == 0) {
      starter = written;
      last_class = -1;
    } else {
      last_class = static_cast<int>(part.combining_class);
    }
    parts[written++] = part;
  }
  parts.erase(parts.begin() + static_cast<ptrdiff_t>(written), parts.end());
}

}  // namespace

void NormalizedString::normalize(NormalForm form) {
  bool inert = true;
  for (std::string_view rest = text_.substr(ascii_prefix_size(text_)); inert && !rest.empty();) {
    const DecodedCharacter character = decode_utf8(rest);
    inert = is_inert(character.code_point, form);
    rest.remove_prefix(character.size);
  }
  if (inert) return;
  const bool compatibility = form == NormalForm::kNFKC || form == NormalForm::kNFKD;
  const bool composes = form == NormalForm::kNFC || form == NormalForm::kNFKC;
  thread_local std::vector<Part> parts;
  parts.clear();
  size_t marks = 0;
  Transformation transformation(*this);
  const auto write = [&] {
    sort_marks(parts, marks);
    if (composes) compose_parts(parts);
    for (const Part& part : parts) transformation.push(part.character, part.change);
    parts.clear();
  };
  for (std::string_view rest = text_; !rest.empty();) {
    const DecodedCharacter character = decode_utf8(rest);
    rest.remove_prefix(character.size);
    // Nothing moves or combines across the front of an inert character: so the parts need not leave the cache.
    if (parts.size() >= kPartsInCache && is_inert(character.code_point, form)) write();
    append_decomposed(character.code_point, compatibility, parts, marks);
  }
  write();
  transformation.finish();
  if (parts.capacity() > kMaxKeptParts) std::vector<Part>().swap(parts);
}

}  // namespace imago::tokenizers
