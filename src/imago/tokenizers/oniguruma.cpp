// Oniguruma's Ruby syntax, read piece by piece and spelled as PCRE2 wants it. What differs between the two engines:
//   \s \w \h \v \b, property names   other sets of characters
//   {n,m}+ and {n}?                  in Ruby a quantifier of a quantifier, in PCRE2 possessive and lazy
//   {,n}                             {0,n}
//   (?m:...)                         the dot matches line feeds: (?s:...)
//   (?i) in the middle of a group    covers the rest of the group, alternatives included
//   (?i:ss)                          matches U+00DF as well: refused
//   [a[bc]] and [a&&b]               union and intersection of sets (oniguruma_sets.cpp)
#include <string>
#include <vector>

#include "imago/base/unicode.h"
#include "imago/tokenizers/oniguruma_properties.h"
#include "imago/tokenizers/oniguruma_reader.h"
#include "imago/tokenizers/regex.h"

namespace imago::tokenizers {
namespace {

constexpr size_t kMaxPatternBytes = 1 << 16;
constexpr size_t kMaxGroups = 200;

class Translator {
 public:
  explicit Translator(std::string_view pattern) : reader_(pattern) {}

  std::string run() {
    groups_.push_back({});
    while (!reader_.at_end()) item();
    if (groups_.size() != 1) reader_.fail("a group is not closed");
    close_options();
    return std::move(out_);
  }

 private:
  struct Group {
    size_t atom = std::string::npos;  // where the last one began in what is written
    int options = 0;                  // how many (?i) opened a group of ours that ends with this one
    size_t begin = 0;
    bool ignore_case = false;
  };

  Group& group() { return groups_.back(); }
  void begin_atom() { group().atom = out_.size(); }

  void item() {
    const char32_t before = literal_;
    literal_ = 0;
    switch (reader_.peek()) {
      case '\\': escape(before); break;
      case '[':
        begin_atom();
        out_ += translate_set(reader_, group().ignore_case);
        break;
      case '(': open_group(); break;
      case ')': close_group(); break;
      case '*':
      case '+':
      case '?': quantifier(); break;
      case '{': interval(); break;
      case '|':
        out_ += reader_.take(1);
        group().atom = std::string::npos;
        break;
      case '.':
      case '^':
      case '$':
        begin_atom();
        out_ += reader_.take(1);
        break;
      default: begin_atom(); literal(before);
    }
  }

  // The next character, meaning itself.
  void literal(char32_t before) {
    const std::string_view character = reader_.take_character();
    const bool plain = character.size() > 1 || std::isalnum(static_cast<unsigned char>(character[0])) ||
                       std::isspace(static_cast<unsigned char>(character[0])) || character[0] == '#';
    note_literal(decode_utf8(character).code_point, before);
    if (!plain) out_ += '\\';
    out_ += character;
  }

  void note_literal(char32_t c, char32_t before) {
    literal_ = c;
    if (group().ignore_case && (folds_to_several(c) || may_fold_together(before, c))) {
      reader_.unsupported("characters that equal another number of characters where case does not count");
    }
  }

  void quantifier() {
    out_ += reader_.take(1);
    if (reader_.peek() == '+' || reader_.peek() == '?') out_ += reader_.take(1);
  }

  void interval() {
    size_t size = 1;
    while (std::isdigit(static_cast<unsigned char>(reader_.peek(size))) || reader_.peek(size) == ',') ++size;
    std::string body(reader_.rest().substr(1, size - 1));
    if (reader_.peek(size) != '}' || body.empty() || body == ",") {
      begin_atom();
      out_ += "\\{";
      reader_.take(1);
      return;
    }
    if (body[0] == ',') body = "0" + body;
    out_ += "{" + body + "}";
    reader_.take(size + 1);
    const bool fixed = body.find(',') == std::string::npos;
    if (reader_.peek() == '+' || (fixed && reader_.peek() == '?')) {
      if (group().atom == std::string::npos) reader_.fail("nothing to repeat");
      out_.insert(group().atom, "(?:");
      out_ += ")";
      out_ += reader_.take(1);
    } else if (reader_.peek() == '?') {
      out_ += reader_.take(1);
    }
  }

  void open_group() {
    if (groups_.size() > kMaxGroups) reader_.fail("groups are nested deeper than 200");
    begin_atom();
    if (reader_.rest().starts_with("(?#")) {
      const size_t end = reader_.rest().find(')');
      if (end == std::string_view::npos) reader_.fail("a comment is not closed");
      reader_.take(end + 1);
      return;
    }
    Group inner{std::string::npos, 0, out_.size(), group().ignore_case};
    out_ += reader_.take(1);
    if (reader_.peek() == '?' && !group_kind(inner)) return;
    groups_.push_back(inner);
  }

  // What follows "(": (?:, (?i:, (?=, (?<name> and so on. False when no group was opened: (?i) is for the rest of the
  // group that it stands in.
  bool group_kind(Group& inner) {
    out_ += reader_.take(1);
    if (reader_.peek() == '~') reader_.unsupported("an absence operator");
    size_t flags = 0;
    bool on = true;
    for (; std::isalpha(static_cast<unsigned char>(reader_.peek(flags))) || reader_.peek(flags) == '-'; ++flags) {
      const char flag = reader_.peek(flags);
      if (flag == '-') on = false;
      if (flag == 'i') inner.ignore_case = on;
      if (std::string_view("imx-").find(flag) == std::string_view::npos) {
        reader_.unsupported("a group option that is not i, m or x");
      }
    }
    for (char flag : reader_.take(flags)) out_ += flag == 'm' ? 's' : flag;
    if (flags > 0 && reader_.take_if(")")) {
      out_ += ':';
      ++group().options;
      group().atom = std::string::npos;
      group().ignore_case = inner.ignore_case;
      return false;
    }
    if (flags > 0 && reader_.peek() != ':') reader_.fail("a group option is not closed");
    const char kind = reader_.peek();
    if (std::string_view("<=!:>").find(kind) == std::string_view::npos) reader_.unsupported("the kind of a group");
    out_ += reader_.take(1);
    if (kind != '<') return true;
    if (reader_.peek() == '=' || reader_.peek() == '!') {
      out_ += reader_.take(1);
    } else {
      while (!reader_.at_end() && reader_.peek() != '>') out_ += reader_.take(1);  // a name
    }
    return true;
  }

  void close_options() {
    for (; group().options > 0; --group().options) out_ += ')';
  }

  void close_group() {
    if (groups_.size() == 1) reader_.fail("an unopened group is closed");
    close_options();
    const size_t begin = group().begin;
    groups_.pop_back();
    group().atom = begin;
    out_ += reader_.take(1);
  }

  void set(std::string_view members, bool negated) {
    out_ += negated ? "[^" : "[";
    out_ += members;
    out_ += ']';
  }

  void word_boundary(bool negated) {
    const std::string word = "[" + word_members() + std::string(kLatin1NumberMembers) + "]";
    out_ += negated ? "(?:(?<=" + word + ")(?=" + word + ")|(?<!" + word + ")(?!" + word + "))"
                    : "(?:(?<=" + word + ")(?!" + word + ")|(?<!" + word + ")(?=" + word + "))";
  }

  void escape(char32_t before) {
    reader_.take(1);
    if (reader_.at_end()) reader_.fail("a backslash at the end");
    const char c = reader_.peek();
    if (c == 'b' || c == 'B') {
      reader_.take(1);
      return word_boundary(c == 'B');
    }
    begin_atom();
    if (c >= '1' && c <= '9') {
      out_ += '\\';
      out_ += reader_.take(1);
    } else if (!std::isalnum(static_cast<unsigned char>(c))) {
      literal(before);
    } else {
      reader_.take(1);
      letter_escape(c, before);
    }
  }

  // The letter was taken.
  void letter_escape(char c, char32_t before) {
    switch (c) {
      case 's':
      case 'S': return set(kSpaceMembers, c == 'S');
      case 'w':
      case 'W': return set(word_members() + std::string(kLatin1NumberMembers), c == 'W');
      case 'd':
      case 'D': return set(category_members("Nd"), c == 'D');
      case 'h':
      case 'H': return set(kHexDigitMembers, c == 'H');
      case 'p':
      case 'P': {
        bool negated = c == 'P';
        const std::string members = reader_.property(negated);
        return set(members, negated);
      }
      case 'x':
      case 'u': {
        const char32_t character = reader_.code_point(c == 'u');
        note_literal(character, before);
        out_ += code_point_escape(character);
        return;
      }
      case 'N': out_ += "[^\\n]"; return;
      case 'O': out_ += "(?s:.)"; return;
      case 'X': out_ += grapheme_cluster(); return;
      case 'v': out_ += "\\x0b"; return;
      default: break;
    }
    if (std::string_view("yYMCco").find(c) != std::string_view::npos) {
      reader_.unsupported(std::string("the escape \\") + c);
    }
    // The same in both engines; any other letter means itself.
    if (std::string_view("AzZGRKntrfaekg0").find(c) != std::string_view::npos) {
      out_ += '\\';
    } else {
      note_literal(static_cast<char32_t>(c), before);
    }
    out_ += c;
  }

  OnigurumaReader reader_;
  std::string out_;
  std::vector<Group> groups_;
  char32_t literal_ = 0;  // the last item, when it was a character that means itself
};

}  // namespace

std::string translate_oniguruma(std::string_view pattern) {
  if (pattern.size() > kMaxPatternBytes) {
    throw Error(ErrorKind::kLimitExceeded, "regex", "a pattern has more than 64 KiB");
  }
  if (!is_valid_utf8(pattern)) throw Error(ErrorKind::kInvalidFile, "regex", "a pattern is not UTF-8");
  return Translator(pattern).run();
}

}  // namespace imago::tokenizers
