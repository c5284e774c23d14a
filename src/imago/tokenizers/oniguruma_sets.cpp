// Sets in brackets. PCRE2 knows no sets in sets and no intersections, and no complement of a union within a class:
// these become alternatives and lookaheads of a single character.
#include <vector>

#include "imago/base/unicode.h"
#include "imago/tokenizers/oniguruma_properties.h"
#include "imago/tokenizers/oniguruma_reader.h"

namespace imago::tokenizers {
namespace {

constexpr int kMaxDepth = 20;
constexpr std::string_view kAnyCharacter = "(?s:.)";
constexpr std::string_view kNothing = "(?!)";

// A union: members of one class, and expressions that match one character each.
struct Union {
  std::string members;
  std::vector<std::string> others;

  void add_set(std::string_view set_members, bool negated) {
    if (!negated) {
      members += set_members;
    } else {
      others.push_back("[^" + std::string(set_members) + "]");
    }
  }

  std::string text(bool negated) const {
    if (others.empty() && !members.empty()) return (negated ? "[^" : "[") + members + "]";
    std::string alternatives = members.empty() ? "" : "[" + members + "]";
    for (const std::string& other : others) alternatives += (alternatives.empty() ? "" : "|") + other;
    if (!negated) return others.empty() ? std::string(kNothing) : "(?:" + alternatives + ")";
    return others.empty() ? std::string(kAnyCharacter)
                          : "(?:(?!" + alternatives + ")" + std::string(kAnyCharacter) + ")";
  }
};

class SetTranslator {
 public:
  SetTranslator(OnigurumaReader& reader, bool ignore_case) : reader_(reader), ignore_case_(ignore_case) {}

  // A set whose opening bracket comes next.
  std::string set(int depth) {
    if (depth > kMaxDepth) reader_.fail("sets are nested deeper than 20");
    reader_.take(1);
    const bool negated = reader_.take_if("^");
    std::vector<Union> operands(1);
    for (bool first = true; first || reader_.peek() != ']'; first = false) {
      if (reader_.at_end()) reader_.fail("a set is not closed");
      if (reader_.take_if("&&")) {
        operands.emplace_back();
      } else {
        element(depth, first, operands.back());
      }
    }
    reader_.take(1);
    if (operands.size() == 1) return operands[0].text(negated);
    std::string common = "(?:";
    for (size_t i = 0; i + 1 < operands.size(); ++i) common += "(?=" + operands[i].text(false) + ")";
    common += operands.back().text(false) + ")";
    return negated ? "(?:(?!" + common + ")" + std::string(kAnyCharacter) + ")" : common;
  }

 private:
  void element(int depth, bool first, Union& sum) {
    if (reader_.rest().starts_with("[:")) {
      bracket(sum);
      check_no_range();
    } else if (reader_.peek() == '[') {
      sum.others.push_back(set(depth + 1));
    } else if (reader_.peek() == '\\' && character_type(sum)) {
      check_no_range();
    } else {
      if (first && reader_.rest().starts_with("]")) {
        if (reader_.rest().find(']', 1) == std::string_view::npos) reader_.fail("an empty set");
      }
      range(sum);
    }
  }

  // A character, or two with a hyphen between.
  void range(Union& sum) {
    const char32_t begin = character();
    char32_t end = begin;
    const bool hyphen = reader_.peek() == '-' && reader_.peek(1) != ']' && !reader_.rest().starts_with("-&&");
    if (hyphen) {
      reader_.take(1);
      if (reader_.peek() == '[') reader_.unsupported("a range that ends with a set");
      Union type;
      if (reader_.peek() == '\\' && character_type(type)) reader_.fail("a range that ends with a set");
      end = character();
      if (end < begin) reader_.fail("an empty range");
    }
    if (ignore_case_) check_case(begin, end);
    sum.members += code_point_escape(begin);
    if (end != begin) sum.members += "-" + code_point_escape(end);
  }

  // Behind a set that is no character.
  void check_no_range() const {
    const bool hyphen = reader_.peek() == '-' && reader_.peek(1) != ']' && !reader_.rest().starts_with("-&&");
    if (hyphen) reader_.fail("a range that begins with a set");
  }

  void check_case(char32_t begin, char32_t end) const {
    for (char32_t c = begin; c <= end && c < 0xFC00; ++c) {
      if (folds_to_several(c)) reader_.unsupported("a character that equals several where case does not count");
    }
  }

  // [:name:]
  void bracket(Union& sum) {
    const size_t end = reader_.rest().find(":]");
    if (end == std::string_view::npos) reader_.fail("a malformed bracket");
    std::string name(reader_.take(end + 2).substr(2, end - 2));
    const bool negated = name.starts_with('^');
    if (negated) name.erase(0, 1);
    sum.add_set(property_members(name, true), negated);
  }

  // \w and the like. False when the escape stands for a character.
  bool character_type(Union& sum) {
    const char c = reader_.peek(1);
    switch (c) {
      case 's':
      case 'S':
        reader_.take(2);
        sum.add_set(kSpaceMembers, c == 'S');
        return true;
      case 'w':
      case 'W':
        reader_.take(2);
        sum.add_set(word_members(), c == 'W');
        return true;
      case 'd':
      case 'D':
        reader_.take(2);
        sum.add_set(category_members("Nd"), c == 'D');
        return true;
      case 'h':
      case 'H':
        reader_.take(2);
        sum.add_set(kHexDigitMembers, c == 'H');
        return true;
      case 'p':
      case 'P': {
        reader_.take(2);
        bool negated = c == 'P';
        const std::string members = reader_.property(negated);
        sum.add_set(members, negated);
        return true;
      }
      default: return false;
    }
  }

  char32_t character() {
    if (reader_.at_end()) reader_.fail("a set is not closed");
    if (reader_.peek() != '\\') return decode_utf8(reader_.take_character()).code_point;
    reader_.take(1);
    if (reader_.at_end()) reader_.fail("a backslash at the end");
    const char c = reader_.peek();
    if (c == 'x' || c == 'u') {
      reader_.take(1);
      return reader_.code_point(c == 'u');
    }
    if ((c >= '0' && c <= '9') || c == 'c' || c == 'C' || c == 'M' || c == 'o') {
      reader_.unsupported(std::string("the escape \\") + c + " in a set");
    }
    constexpr std::string_view kNames = "ntrfaevb", kCharacters = "\n\t\r\f\a\x1B\v\b";
    const size_t named = kNames.find(c);
    const char32_t itself = decode_utf8(reader_.take_character()).code_point;
    return named == std::string_view::npos ? itself : static_cast<char32_t>(kCharacters[named]);
  }

  OnigurumaReader& reader_;
  bool ignore_case_;
};

}  // namespace

std::string translate_set(OnigurumaReader& reader, bool ignore_case) {
  return SetTranslator(reader, ignore_case).set(0);
}

}  // namespace imago::tokenizers
