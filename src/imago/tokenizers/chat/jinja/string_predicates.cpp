#include "imago/tokenizers/chat/jinja/string_predicates.h"

#include "imago/base/unicode.h"
#include "imago/tokenizers/chat/jinja/characters.h"

namespace imago::chat::jinja {
namespace {

template <typename Predicate>
bool all_characters(std::string_view text, Predicate predicate) {
  while (!text.empty()) {
    auto [c, size] = decode_utf8(text);
    if (!predicate(c)) return false;
    text.remove_prefix(static_cast<size_t>(size));
  }
  return true;
}

template <bool (*kPredicate)(char32_t)>
Value all_are(Interpreter&, const Value& self, Arguments arguments) {
  BoundArguments args("this method", {}, 0, std::move(arguments));
  return !self.bytes().empty() && all_characters(self.bytes(), kPredicate);
}

// Some cased character, and none of the other cases.
template <bool (*kWanted)(char32_t)>
bool all_cased_are(std::string_view text) {
  bool some = false;
  bool others = !all_characters(text, [&](char32_t c) {
    some = some || kWanted(c);
    return kWanted(c) || !is_cased(c);
  });
  return some && !others;
}

template <bool (*kPredicate)(std::string_view)>
Value text_is(Interpreter&, const Value& self, Arguments arguments) {
  BoundArguments args("this method", {}, 0, std::move(arguments));
  return kPredicate(self.bytes());
}

bool is_title_text(std::string_view text) {
  bool inside = false, some = false;
  bool fits = all_characters(text, [&](char32_t c) {
    bool capital = is_upper(c) || is_title(c);
    if (inside ? capital : is_lower(c)) return false;
    inside = capital || is_lower(c);
    some = some || inside;
    return true;
  });
  return fits && some;
}

bool is_identifier(std::string_view text) {
  if (text.empty() || is_digit(decode_utf8(text).code_point)) return false;
  while (!text.empty()) {
    size_t size = is_word_character(text);
    if (size == 0) return false;
    text.remove_prefix(size);
  }
  return true;
}

bool is_printable_text(std::string_view text) { return all_characters(text, is_printable); }

constexpr NamedMethod kPredicates[] = {
    {"isalnum", all_are<is_alnum>},
    {"isalpha", all_are<is_alpha>},
    {"isascii", text_is<is_ascii>},
    {"isdecimal", all_are<is_decimal>},
    {"isdigit", all_are<is_digit>},
    {"isidentifier", text_is<is_identifier>},
    {"islower", text_is<is_lower_text>},
    {"isnumeric", all_are<is_numeric>},
    {"isprintable", text_is<is_printable_text>},
    {"isspace", all_are<is_space>},
    {"istitle", text_is<is_title_text>},
    {"isupper", text_is<is_upper_text>},
};

}  // namespace

bool is_lower_text(std::string_view text) { return all_cased_are<is_lower>(text); }
bool is_upper_text(std::string_view text) { return all_cased_are<is_upper>(text); }

Method find_string_predicate(std::string_view name) {
  for (const NamedMethod& predicate : kPredicates) {
    if (predicate.name == name) return predicate.method;
  }
  return nullptr;
}

}  // namespace imago::chat::jinja
