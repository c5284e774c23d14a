// Oniguruma's Ruby syntax, read piece by piece and spelled as PCRE2 wants it. What differs between the two engines:
//   \s \w \h \v \b, property names   other sets of characters
//   {n,m}+ and {n}?                  in Ruby a quantifier of a quantifier, in PCRE2 possessive and lazy
//   {,n}                             {0,n}
//   (?m:...)                         the dot matches line feeds: (?s:...)
//   (?i) in the middle of a group    covers the rest of the group, alternatives included
//   [a[bc]] and [a&&b]               union and intersection of sets
#include <algorithm>
#include <cctype>
#include <iterator>
#include <string>
#include <vector>

#include "imago/base/error.h"
#include "imago/base/unicode.h"
#include "imago/tokenizers/character_sets.h"
#include "imago/tokenizers/regex.h"

namespace imago::tokenizers {
namespace {

constexpr std::string_view kSpace =
    R"(\x{9}-\x{d}\x{20}\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000})";

std::string hex(char32_t code_point) {
  char buffer[16];
  snprintf(buffer, sizeof buffer, "\\x{%x}", static_cast<unsigned>(code_point));
  return buffer;
}

// Characters of these categories that the linked PCRE2 may not know yet, as class members.
std::string additions(std::string_view category) {
  std::string members;
  for (const CategoryRange& range : category_additions()) {
    const std::string_view name = category_name(range.category);
    if (name == category || (category.size() == 1 && name[0] == category[0])) {
      members += hex(range.begin) + "-" + hex(range.end);
    }
  }
  return members;
}

std::string category_members(std::string_view category) {
  return "\\p{" + std::string(category) + "}" + additions(category);
}

std::string word_members() {
  return "\\p{Alphabetic}" + category_members("M") + category_members("Nd") + category_members("Pc") + additions("L");
}

// Oniguruma's \w has six more, the digits and fractions of Latin-1; within a set it has not.
constexpr std::string_view kLatin1Numbers = R"(\x{b2}\x{b3}\x{b9}\x{bc}-\x{be})";

// Members of a class for a property's name, as \p{name} or as [[:name:]].
std::string property_members(const std::string& name, bool bracket) {
  std::string plain;
  for (char c : name) {
    if (c != ' ' && c != '_' && c != '-') plain += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  struct Long {
    std::string_view name, category;
  };
  static constexpr Long kLong[] = {{"letter", "L"},
                                   {"mark", "M"},
                                   {"number", "N"},
                                   {"punctuation", "P"},
                                   {"symbol", "S"},
                                   {"separator", "Z"},
                                   {"other", "C"},
                                   {"uppercaseletter", "Lu"},
                                   {"lowercaseletter", "Ll"},
                                   {"titlecaseletter", "Lt"},
                                   {"modifierletter", "Lm"},
                                   {"otherletter", "Lo"},
                                   {"nonspacingmark", "Mn"},
                                   {"spacingmark", "Mc"},
                                   {"enclosingmark", "Me"},
                                   {"decimalnumber", "Nd"},
                                   {"letternumber", "Nl"},
                                   {"othernumber", "No"},
                                   {"connectorpunctuation", "Pc"},
                                   {"dashpunctuation", "Pd"},
                                   {"openpunctuation", "Ps"},
                                   {"closepunctuation", "Pe"},
                                   {"initialpunctuation", "Pi"},
                                   {"finalpunctuation", "Pf"},
                                   {"otherpunctuation", "Po"},
                                   {"mathsymbol", "Sm"},
                                   {"currencysymbol", "Sc"},
                                   {"modifiersymbol", "Sk"},
                                   {"othersymbol", "So"},
                                   {"spaceseparator", "Zs"},
                                   {"lineseparator", "Zl"},
                                   {"paragraphseparator", "Zp"},
                                   {"control", "Cc"},
                                   {"format", "Cf"},
                                   {"privateuse", "Co"},
                                   {"digit", "Nd"},
                                   {"cntrl", "Cc"}};
  for (const Long& entry : kLong) {
    if (plain == entry.name) return category_members(entry.category);
  }
  // Unicode 16 made the small letters above (U+0363 and on) alphabetic.
  const std::string alphabetic = "\\p{Alphabetic}\\x{363}-\\x{36f}" + additions("L");
  if (plain == "alpha") return alphabetic;
  if (plain == "alnum") return alphabetic + category_members("Nd");
  if (plain == "space" || plain == "whitespace") return std::string(kSpace);
  if (plain == "word") return word_members() + std::string(bracket ? "" : kLatin1Numbers);
  if (plain == "upper") return "\\p{Uppercase}" + additions("Lu");
  if (plain == "lower") return "\\p{Lowercase}" + additions("Ll");
  if (plain == "punct") return category_members("P") + (bracket ? category_members("S") : "");
  if (plain == "blank") return "\\t" + category_members("Zs");
  if (plain == "graph" || plain == "print") {
    std::string members = plain == "print" ? category_members("Zs") : "";
    for (const char* category : {"L", "M", "N", "P", "S", "Cf", "Co"}) members += category_members(category);
    return members;
  }
  if (plain == "xdigit") return "0-9a-fA-F";
  if (plain.size() <= 2 && !plain.empty()) {
    plain[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(plain[0])));
    return category_members(plain);
  }
  static constexpr std::string_view kBinary[] = {"any",
                                                 "ascii",
                                                 "alphabetic",
                                                 "uppercase",
                                                 "lowercase",
                                                 "emoji",
                                                 "emojipresentation",
                                                 "emojimodifier",
                                                 "emojimodifierbase",
                                                 "emojicomponent",
                                                 "extendedpictographic",
                                                 "ideographic",
                                                 "dash",
                                                 "math",
                                                 "diacritic",
                                                 "extender",
                                                 "hexdigit",
                                                 "asciihexdigit",
                                                 "idstart",
                                                 "idcontinue",
                                                 "xidstart",
                                                 "xidcontinue",
                                                 "cased",
                                                 "caseignorable",
                                                 "graphemebase",
                                                 "graphemeextend",
                                                 "defaultignorablecodepoint"};
  if (std::find(std::begin(kBinary), std::end(kBinary), plain) != std::end(kBinary)) return "\\p{" + name + "}";
  // PCRE2's plain script names are about Script_Extensions.
  return "\\p{sc:" + name + "}" + (plain == "han" ? "\\x{2ebf0}-\\x{2ee5d}\\x{31350}-\\x{323af}" : "");
}

class Translator {
 public:
  explicit Translator(std::string_view pattern) : pattern_(pattern) {}

  std::string run() {
    groups_.push_back({});
    while (at_ < pattern_.size()) item();
    if (groups_.size() != 1) fail("a group is not closed");
    close_options();
    return std::move(out_);
  }

 private:
  // An open group: where the last atom began, and how many (?i) opened a group of ours that ends with this one.
  struct Group {
    size_t atom = std::string::npos;
    int options = 0;
    size_t begin = 0;
  };

  [[noreturn]] void fail(std::string_view what) const {
    throw Error(ErrorKind::kInvalidFile, "regex", std::string(what) + " in '" + std::string(pattern_) + "'");
  }
  [[noreturn]] void unsupported(std::string_view what) const {
    throw Error(ErrorKind::kUnsupported, "regex", std::string(what) + " in '" + std::string(pattern_) + "'");
  }

  char peek(size_t ahead = 0) const { return at_ + ahead < pattern_.size() ? pattern_[at_ + ahead] : '\0'; }
  std::string_view rest() const { return pattern_.substr(at_); }

  void begin_atom() { groups_.back().atom = out_.size(); }

  void item() {
    switch (peek()) {
      case '\\': escape(); break;
      case '[':
        begin_atom();
        character_class();
        break;
      case '(': open_group(); break;
      case ')': close_group(); break;
      case '*':
      case '+':
      case '?': quantifier(); break;
      case '{': interval(); break;
      case '|':
        out_ += pattern_[at_++];
        groups_.back().atom = std::string::npos;
        break;
      default: {
        begin_atom();
        const auto size = static_cast<size_t>(decode_utf8(rest()).size);
        out_ += rest().substr(0, size);
        at_ += size;
      }
    }
  }

  void quantifier() {
    out_ += pattern_[at_++];
    if (peek() == '+' || peek() == '?') out_ += pattern_[at_++];
  }

  void interval() {
    size_t end = at_ + 1;
    while (end < pattern_.size() && (std::isdigit(static_cast<unsigned char>(pattern_[end])) || pattern_[end] == ','))
      ++end;
    std::string body(pattern_.substr(at_ + 1, end - at_ - 1));
    if (end >= pattern_.size() || pattern_[end] != '}' || body.empty() || body == ",") {
      begin_atom();
      out_ += "\\{";
      ++at_;
      return;
    }
    if (body[0] == ',') body = "0" + body;
    out_ += "{" + body + "}";
    at_ = end + 1;
    const bool fixed = body.find(',') == std::string::npos;
    if (peek() == '+' || (fixed && peek() == '?')) {
      if (groups_.back().atom == std::string::npos) fail("nothing to repeat");
      out_.insert(groups_.back().atom, "(?:");
      out_ += ")";
      out_ += pattern_[at_++];
    } else if (peek() == '?') {
      out_ += pattern_[at_++];
    }
  }

  void open_group() {
    if (groups_.size() > 200) fail("groups are nested deeper than 200");
    begin_atom();
    if (rest().starts_with("(?#")) {
      while (at_ < pattern_.size() && peek() != ')') ++at_;
      ++at_;
      return;
    }
    const size_t begin = out_.size();
    out_ += pattern_[at_++];
    int options = 0;
    if (peek() == '?') {
      out_ += pattern_[at_++];
      if (peek() == '~') unsupported("an absence operator");
      std::string flags;
      while (std::isalpha(static_cast<unsigned char>(peek(flags.size()))) || peek(flags.size()) == '-') {
        const char flag = peek(flags.size());
        if (flag != 'i' && flag != 'm' && flag != 'x' && flag != '-')
          unsupported("a group option that is not i, m or x");
        flags += flag;
      }
      const char after = peek(flags.size());
      if (!flags.empty()) {
        at_ += flags.size();
        for (char& flag : flags) flag = flag == 'm' ? 's' : flag;
        out_ += flags;
        if (after == ')') {  // (?i): for the rest of the group that it stands in
          ++at_;
          out_ += ':';
          ++groups_.back().options;
          groups_.back().atom = std::string::npos;
          return;
        }
        if (after != ':') fail("a group option is not closed");
      }
      while (peek() == '<' || peek() == '=' || peek() == '!' || peek() == ':' || peek() == '>') {
        const char c = pattern_[at_++];
        out_ += c;
        if (c != '<') break;
        if (peek() != '=' && peek() != '!') {  // a name
          while (at_ < pattern_.size() && peek() != '>') out_ += pattern_[at_++];
        }
      }
    }
    groups_.push_back({std::string::npos, options, begin});
  }

  void close_options() {
    for (; groups_.back().options > 0; --groups_.back().options) out_ += ')';
  }

  void close_group() {
    if (groups_.size() == 1) fail("an unopened group is closed");
    close_options();
    const size_t begin = groups_.back().begin;
    groups_.pop_back();
    groups_.back().atom = begin;
    out_ += ')';
    ++at_;
  }

  std::string property(bool& negated) {
    negated = peek() == 'P';
    at_ += 1;
    if (peek() != '{') fail("a property without a name");
    const size_t end = pattern_.find('}', at_);
    if (end == std::string_view::npos) fail("a property without a name");
    std::string name(pattern_.substr(at_ + 1, end - at_ - 1));
    at_ = end + 1;
    if (!name.empty() && name[0] == '^') {
      negated = !negated;
      name.erase(0, 1);
    }
    if (name.empty()) fail("a property without a name");
    for (char c : name) {
      if (!std::isalnum(static_cast<unsigned char>(c)) && c != '_' && c != ' ' && c != '-')
        fail("a malformed property");
    }
    return property_members(name, false);
  }

  char32_t code_point() {  // behind \x or \u
    std::string digits;
    const bool unicode = pattern_[at_ - 1] == 'u';
    const bool braces = peek() == '{';
    if (braces) ++at_;
    const size_t most = braces ? 8 : unicode ? 4 : 2;
    while (digits.size() < most && std::isxdigit(static_cast<unsigned char>(peek()))) digits += pattern_[at_++];
    if (digits.empty() || (braces && peek() != '}')) fail("a malformed code point");
    if (braces) ++at_;
    const unsigned long value = std::stoul(digits, nullptr, 16);
    if (value > 0x10FFFF || (value >= 0xD800 && value < 0xE000)) fail("a code point out of range");
    if (!unicode && !braces && value >= 0x80) unsupported("a raw byte");
    return static_cast<char32_t>(value);
  }

  void escape() {
    const char c = peek(1);
    if (c == '\0') fail("a backslash at the end");
    const std::string word = word_members() + std::string(kLatin1Numbers);
    if (c == 'b' || c == 'B') {
      const std::string w = "[" + word + "]";
      at_ += 2;
      out_ += c == 'b' ? "(?:(?<=" + w + ")(?!" + w + ")|(?<!" + w + ")(?=" + w + "))"
                       : "(?:(?<=" + w + ")(?=" + w + ")|(?<!" + w + ")(?!" + w + "))";
      return;
    }
    begin_atom();
    switch (c) {
      case 's':
        at_ += 2;
        out_ += "[" + std::string(kSpace) + "]";
        return;
      case 'S':
        at_ += 2;
        out_ += "[^" + std::string(kSpace) + "]";
        return;
      case 'w':
        at_ += 2;
        out_ += "[" + word + "]";
        return;
      case 'W':
        at_ += 2;
        out_ += "[^" + word + "]";
        return;
      case 'd':
        at_ += 2;
        out_ += "[" + category_members("Nd") + "]";
        return;
      case 'D':
        at_ += 2;
        out_ += "[^" + category_members("Nd") + "]";
        return;
      case 'h':
        at_ += 2;
        out_ += "[0-9a-fA-F]";
        return;
      case 'H':
        at_ += 2;
        out_ += "[^0-9a-fA-F]";
        return;
      case 'p':
      case 'P': {
        at_ += 1;
        bool negated = false;
        const std::string members = property(negated);
        out_ += (negated ? "[^" : "[") + members + "]";
        return;
      }
      case 'x':
      case 'u':
        at_ += 2;
        out_ += hex(code_point());
        return;
      case 'A':
      case 'z':
      case 'Z':
      case 'G':
      case 'R':
      case 'X':
      case 'K':
      case 'n':
      case 't':
      case 'r':
      case 'f':
      case 'a':
      case 'e':
      case 'k':
      case 'g':
      case '0':
        out_ += rest().substr(0, 2);
        at_ += 2;
        return;
      case 'v':
        at_ += 2;
        out_ += "\\x0b";
        return;
      case 'N':
      case 'O':
      case 'y':
      case 'Y':
      case 'M':
      case 'C':
      case 'c': unsupported(std::string("the escape \\") + c);
      default: break;
    }
    at_ += 1;
    if (c >= '1' && c <= '9') {
      out_ += "\\";
      out_ += c;
      ++at_;
    } else {
      literal();
    }
  }

  void literal() {  // the next character, meaning itself
    const DecodedCharacter character = decode_utf8(rest());
    const bool plain = character.size > 1 || std::isalnum(static_cast<unsigned char>(peek()));
    if (!plain) out_ += '\\';
    out_ += rest().substr(0, static_cast<size_t>(character.size));
    at_ += static_cast<size_t>(character.size);
  }

  void character_class() {
    out_ += pattern_[at_++];
    if (peek() == '^') out_ += pattern_[at_++];
    class_members(0);
    out_ += ']';
  }

  // Up to and with the bracket that closes; nested unions are written out flat.
  void class_members(int depth) {
    if (depth > 20) fail("sets are nested deeper than 20");
    bool first = true;
    while (true) {
      if (at_ >= pattern_.size()) fail("a set is not closed");
      const char c = peek();
      if (c == ']' && !first) {
        ++at_;
        return;
      }
      if (rest().starts_with("&&")) unsupported("an intersection of sets");
      if (rest().starts_with("[:")) {
        const size_t end = pattern_.find(":]", at_);
        if (end == std::string_view::npos) fail("a malformed bracket");
        std::string name(pattern_.substr(at_ + 2, end - at_ - 2));
        if (!name.empty() && name[0] == '^') unsupported("a negated bracket in a set");
        out_ += property_members(name, true);
        at_ = end + 2;
      } else if (c == '[') {
        if (peek(1) == '^') unsupported("a negated set in a set");
        ++at_;
        class_members(depth + 1);
      } else if (c == '\\') {
        class_escape();
      } else if (c == ']') {
        ++at_;
        out_ += "\\]";
      } else if (c == '-') {
        ++at_;
        out_ += first || peek() == ']' ? "\\-" : "-";
      } else {
        literal();
      }
      first = false;
    }
  }

  void class_escape() {
    const char c = peek(1);
    if (c == '\0') fail("a backslash at the end");
    switch (c) {
      case 's':
        at_ += 2;
        out_ += kSpace;
        return;
      case 'S':
        at_ += 2;
        out_ += "\\S\\x{180e}";
        return;  // which PCRE2 holds for a space
      case 'w':
        at_ += 2;
        out_ += word_members();
        return;
      case 'd':
        at_ += 2;
        out_ += category_members("Nd");
        return;
      case 'h':
        at_ += 2;
        out_ += "0-9a-fA-F";
        return;
      case 'W':
      case 'D':
      case 'H': unsupported(std::string("\\") + c + " in a set");
      case 'p':
      case 'P': {
        at_ += 1;
        bool negated = false;
        const std::string members = property(negated);
        if (!negated) {
          out_ += members;
        } else {
          const size_t end = members.find('}');
          if (!members.starts_with("\\p{") || end == std::string::npos) unsupported("a negated property in a set");
          out_ += "\\P" + members.substr(2, end - 1);
        }
        return;
      }
      case 'x':
      case 'u':
        at_ += 2;
        out_ += hex(code_point());
        return;
      case 'n':
      case 't':
      case 'r':
      case 'f':
      case 'a':
      case 'e':
        out_ += rest().substr(0, 2);
        at_ += 2;
        return;
      case 'v':
        at_ += 2;
        out_ += "\\x0b";
        return;
      case 'b':
        at_ += 2;
        out_ += "\\x08";
        return;
      default: at_ += 1; literal();
    }
  }

  std::string_view pattern_;
  size_t at_ = 0;
  std::string out_;
  std::vector<Group> groups_;
};

}  // namespace

std::string translate_oniguruma(std::string_view pattern) {
  if (pattern.size() > 1 << 16) throw Error(ErrorKind::kLimitExceeded, "regex", "a pattern has more than 64 KiB");
  if (!is_valid_utf8(pattern)) throw Error(ErrorKind::kInvalidFile, "regex", "a pattern is not UTF-8");
  return Translator(pattern).run();
}

}  // namespace imago::tokenizers
