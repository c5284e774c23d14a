#include <algorithm>
#include <iterator>

#include "imago/tokenizers/character_map.h"
#include "imago/tokenizers/character_sets.h"
#include "imago/tokenizers/character_tables.h"
#include "imago/tokenizers/json_writer.h"
#include "imago/tokenizers/normalizers/normalizers.h"

namespace imago::tokenizers {
namespace {

std::string decode_base64(const std::string& text, const StageJson& json) {
  std::string bytes;
  uint32_t bits = 0;
  int count = 0;
  size_t end = text.size();
  while (end > 0 && text[end - 1] == '=') --end;
  for (size_t i = 0; i < end; ++i) {
    static constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const size_t value = kAlphabet.find(text[i]);
    if (value == std::string_view::npos) json.fail("precompiled_charsmap is not base64");
    bits = bits << 6 | static_cast<uint32_t>(value);
    if (++count % 4 != 1) bytes += static_cast<char>(bits >> (6 - 2 * ((count - 1) % 4)) & 0xFF);
  }
  return bytes;
}

// U+113D1 begins clusters since Unicode 16, and U+11A3A has ceased to.
constexpr std::string_view kNewPrepend = "\xF0\x91\x8F\x91", kOldPrepend = "\xF0\x91\xA8\xBA";

// Unicode 17 has marks that the other tables, which are those of Unicode 16, do not know.
bool is_recent_mark(char32_t c) {
  static constexpr CharacterRange kUnicode17[] = {{0x1ACF, 0x1ADD},   {0x1AE0, 0x1AEB},   {0x10EFA, 0x10EFB},
                                                  {0x11B60, 0x11B67}, {0x1E6E3, 0x1E6E3}, {0x1E6E6, 0x1E6E6},
                                                  {0x1E6EE, 0x1E6EF}, {0x1E6F5, 0x1E6F5}};
  if (general_category(c) != GeneralCategory::kUnassigned) return false;
  return is_mark(category(c)) || std::any_of(std::begin(kUnicode17), std::end(kUnicode17),
                                             [&](CharacterRange range) { return range.begin <= c && c <= range.end; });
}

// What Unicode keeps for characters that are to be ignored counts as control characters until it is assigned. utf8proc
// takes it for letters.
bool is_reserved_control(char32_t c) {
  return c == 0x2065 || (c >= 0xFFF0 && c <= 0xFFF8) ||
         (c >= 0xE0000 && c <= 0xE0FFF && general_category(c) == GeneralCategory::kUnassigned);
}

// Marks do not join a control character.
bool takes_marks(std::string_view character) {
  if (is_reserved_control(decode_utf8(character).code_point)) return false;
  std::string marked(character);
  marked += "\u0301";
  return first_grapheme_size(marked) > character.size();
}

// The first grapheme cluster by the reference's Unicode, which is younger than utf8proc's.
size_t cluster_size(std::string_view text) {
  size_t begin = 0;
  while (text.substr(begin).starts_with(kNewPrepend)) begin += kNewPrepend.size();
  if (begin == text.size()) return begin;
  const std::string_view base = text.substr(begin, static_cast<size_t>(decode_utf8(text.substr(begin)).size));
  const bool control = is_reserved_control(decode_utf8(base).code_point);
  if (begin > 0 && (control || !takes_marks(base))) return begin;
  if (control) return base.size();
  const bool old_prepend = base == kOldPrepend;
  size_t size = begin + (old_prepend ? base.size() : first_grapheme_size(text.substr(begin)));
  size_t last = begin;  // where the cluster's last character begins
  for (size_t at = begin; at < size;) {
    const DecodedCharacter character = decode_utf8(text.substr(at));
    if (at > begin && is_reserved_control(character.code_point)) return at;
    last = at;
    at += static_cast<size_t>(character.size);
  }
  while (size < text.size()) {
    const DecodedCharacter next = decode_utf8(text.substr(size));
    if (!is_recent_mark(next.code_point) && !(old_prepend && is_mark(category(next.code_point)))) break;
    if (!takes_marks(text.substr(last, size - last))) break;
    last = size;
    size += static_cast<size_t>(next.size);
  }
  return size;
}

class Precompiled final : public Normalizer {
 public:
  Precompiled(std::string base64, CharacterMap map) : base64_(std::move(base64)), map_(std::move(map)) {
    for (char32_t c = 0; c < 0x80; ++c) {
      std::string_view replacement;
      const char byte = static_cast<char>(c);
      ascii_changes_[c] = map_.find_shortest({&byte, 1}, replacement);
    }
  }

  void normalize(NormalizedString& string) const override {
    if (!may_change(string.text())) return;
    const std::string old(string.text());
    std::vector<Change> changes;
    changes.reserve(old.size());
    for (std::string_view rest = old; !rest.empty();) {
      const auto byte = static_cast<unsigned char>(rest[0]);
      // ASCII characters stand alone, but for a carriage return before a line feed.
      if (byte < 0x80 && byte != '\r' && !ascii_changes_[byte] &&
          (rest.size() == 1 || static_cast<unsigned char>(rest[1]) < 0x80)) {
        changes.push_back({byte, 0});
        rest.remove_prefix(1);
        continue;
      }
      const size_t size = cluster_size(rest);
      const std::string_view grapheme = rest.substr(0, size);
      rest.remove_prefix(size);
      std::string_view replacement;
      // Only short clusters are looked up as a whole.
      if (size < 6 && map_.find_shortest(grapheme, replacement)) {
        replace(grapheme, replacement, changes);
        continue;
      }
      for (std::string_view left = grapheme; !left.empty();) {
        const DecodedCharacter character = decode_utf8(left);
        const std::string_view part = left.substr(0, static_cast<size_t>(character.size));
        left.remove_prefix(part.size());
        if (map_.find_shortest(part, replacement)) {
          replace(part, replacement, changes);
        } else {
          changes.push_back({character.code_point, 0});
        }
      }
    }
    Transformation transformation(string);
    for (const Change& change : changes) transformation.push(change.character, change.change);
    transformation.finish();
  }

  void write_json(JsonWriter& writer) const override {
    writer.begin_stage("Precompiled");
    writer.member("precompiled_charsmap", base64_);
    writer.end_object();
  }

 private:
  struct Change {
    char32_t character;
    int change;
  };

  bool may_change(std::string_view text) const {
    for (size_t i = 0; i < text.size(); ++i) {
      const auto byte = static_cast<unsigned char>(text[i]);
      if (byte >= 0x80 || ascii_changes_[byte]) return true;
      if (byte == '\r' && i + 1 < text.size() && text[i + 1] == '\n') return true;  // one cluster
    }
    return false;
  }

  // Characters that a replacement has more than the old text are new; those that it has fewer are removed behind the
  // last character there is, which may be one before the replacement.
  static void replace(std::string_view old, std::string_view replacement, std::vector<Change>& changes) {
    const auto surplus = static_cast<ptrdiff_t>(count_utf8(replacement)) - static_cast<ptrdiff_t>(count_utf8(old));
    while (!replacement.empty()) {
      const DecodedCharacter character = decode_utf8(replacement);
      replacement.remove_prefix(static_cast<size_t>(character.size));
      changes.push_back({character.code_point, 0});
    }
    if (surplus > 0) {
      for (ptrdiff_t i = 1; i <= surplus; ++i) changes[changes.size() - static_cast<size_t>(i)].change = 1;
    } else if (surplus < 0 && !changes.empty()) {
      changes.back().change += static_cast<int>(surplus);
    }
  }

  std::string base64_;
  CharacterMap map_;
  bool ascii_changes_[128];
};

}  // namespace

std::unique_ptr<Normalizer> make_precompiled(StageJson& json) {
  const std::string& base64 = json.string("precompiled_charsmap");
  return std::make_unique<Precompiled>(base64, CharacterMap(decode_base64(base64, json), json.where()));
}

}  // namespace imago::tokenizers
