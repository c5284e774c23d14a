#include "imago/tokenizers/chat/jinja/lexer.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <utility>

#include "imago/base/unicode.h"
#include "imago/tokenizers/chat/jinja/characters.h"
#include "imago/tokenizers/chat/jinja/escapes.h"

namespace imago::chat::jinja {
namespace {

// Newlines become "\n", and one at the end of the template is dropped.
std::string normalize(std::string_view source) {
  std::string text;
  text.reserve(source.size());
  for (size_t i = 0; i < source.size(); ++i) {
    if (source[i] != '\r') {
      text += source[i];
    } else {
      text += '\n';
      if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
    }
  }
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

size_t space_length(std::string_view text) { return text.size() - strip_left(text).size(); }

}  // namespace

Lexer::Lexer(std::string_view source) : source_(normalize(source)) {}

void Lexer::fail(std::string message) const { throw SyntaxFailure{std::move(message), position_}; }

void Lexer::advance_to(size_t target) {
  for (; at_ < target; ++at_) {
    if (source_[at_] == '\n') {
      ++position_.line;
      position_.column = 1;
    } else if ((static_cast<unsigned char>(source_[at_]) & 0xC0) != 0x80) {
      ++position_.column;
    }
  }
}

Token Lexer::take(TokenKind kind, size_t length) {
  Token token{kind, source_.substr(at_, length), 0, 0, position_};
  advance_to(at_ + length);
  return token;
}

Token Lexer::next() {
  while (true) {
    if (state_ != State::kText) return next_in_tag();
    if (at_ >= source_.size()) return {TokenKind::kEnd, "", 0, 0, position_};
    Token token = next_text();
    if (!token.is(TokenKind::kText) || !token.text.empty()) return token;
  }
}

// Text up to the next tag; of a tag itself where it stands here. A comment gives an empty text.
Token Lexer::next_text() {
  size_t tag = at_;
  auto is_tag = [&] { return source_[tag + 1] == '{' || source_[tag + 1] == '%' || source_[tag + 1] == '#'; };
  for (tag = source_.find('{', at_); tag != std::string::npos; tag = source_.find('{', tag + 1)) {
    if (tag + 1 < source_.size() && is_tag()) break;
  }
  if (tag == std::string::npos) return take(TokenKind::kText, source_.size() - at_);

  char sign = tag + 2 < source_.size() ? source_[tag + 2] : ' ';
  if (sign != '-' && sign != '+') sign = ' ';
  size_t raw_body = 0;
  bool raw = begins_raw(tag, raw_body);
  if (tag > at_) {
    Token token = take(TokenKind::kText, tag - at_);
    strip_before_tag(token.text, source_[tag + 1] == '{', sign);
    line_starting_ = false;  // the text before the tag has been dealt with
    if (!token.text.empty()) return token;
  }
  if (raw) return take_raw(raw_body);
  size_t opening = sign == ' ' ? 2 : 3;
  if (source_[tag + 1] == '#') {
    advance_to(at_ + opening);
    take_comment();
    return {TokenKind::kText, "", 0, 0, position_};
  }
  state_ = source_[tag + 1] == '{' ? State::kOutput : State::kBlock;
  return take(state_ == State::kOutput ? TokenKind::kOutputBegin : TokenKind::kBlockBegin, opening);
}

void Lexer::strip_before_tag(std::string& text, bool output, char sign) const {
  if (sign == '-') {
    text.resize(strip_right(text).size());
  } else if (sign != '+' && !output) {
    size_t line = text.rfind('\n') + 1;
    if ((line > 0 || line_starting_) && strip_left(std::string_view(text).substr(line)).empty()) text.resize(line);
  }
}

// Ends a tag: `length` characters, then the white space that its sign or trim_blocks takes away.
void Lexer::close_tag(size_t length, bool strip, bool trim_newline) {
  size_t end = at_ + length;
  if (strip) {
    end += space_length(std::string_view(source_).substr(end));
  } else if (trim_newline && end < source_.size() && source_[end] == '\n') {
    ++end;
  }
  line_starting_ = source_[end - 1] == '\n';
  advance_to(end);
}

void Lexer::take_comment() {
  size_t end = source_.find("#}", at_);
  if (end == std::string::npos) fail("Missing end of comment tag");
  char sign = end > at_ ? source_[end - 1] : ' ';
  advance_to(end);
  close_tag(2, sign == '-', sign != '+');
}

bool Lexer::begins_raw(size_t tag, size_t& body) const {
  std::string_view rest = std::string_view(source_).substr(tag);
  if (!rest.starts_with("{%")) return false;
  rest.remove_prefix(2);
  if (rest.starts_with('-') || rest.starts_with('+')) rest.remove_prefix(1);
  rest = strip_left(rest);
  if (!rest.starts_with("raw")) return false;
  rest = strip_left(rest.substr(3));
  if (!rest.starts_with("%}") && !rest.starts_with("-%}")) return false;
  rest = rest[0] == '-' ? strip_left(rest.substr(3)) : rest.substr(2);
  body = source_.size() - rest.size();
  return true;
}

Token Lexer::take_raw(size_t body) {
  advance_to(body);
  line_starting_ = source_[body - 1] == '\n';
  for (size_t tag = source_.find("{%", body); tag != std::string::npos; tag = source_.find("{%", tag + 2)) {
    size_t word = tag + 2;
    char sign = word < source_.size() ? source_[word] : ' ';
    if (sign == '-' || sign == '+') ++word;
    word += space_length(std::string_view(source_).substr(word));
    if (!std::string_view(source_).substr(word).starts_with("endraw")) continue;
    word += 6;
    word += space_length(std::string_view(source_).substr(word));
    std::string_view end = std::string_view(source_).substr(word);
    bool signed_end = end.starts_with("-%}") || end.starts_with("+%}");
    if (!signed_end && !end.starts_with("%}")) continue;
    Token token = take(TokenKind::kText, tag - body);
    strip_before_tag(token.text, false, sign);
    advance_to(word);
    close_tag(signed_end ? 3 : 2, end[0] == '-', end[0] != '+');
    return token;
  }
  fail("Missing end of raw directive");
}

Token Lexer::next_in_tag() {
  while (true) {
    if (at_ >= source_.size()) return {TokenKind::kEnd, "", 0, 0, position_};
    if (brackets_.empty()) {
      bool block = state_ == State::kBlock;
      std::string_view end = block ? "%}" : "}}";
      bool minus = at("-") && std::string_view(source_).substr(at_ + 1).starts_with(end);
      bool plus = block && at("+") && std::string_view(source_).substr(at_ + 1).starts_with(end);
      if (minus || plus || at(end)) {
        Token token{block ? TokenKind::kBlockEnd : TokenKind::kOutputEnd, std::string(end), 0, 0, position_};
        close_tag(minus || plus ? 3 : 2, minus, block && !plus);
        state_ = State::kText;
        return token;
      }
    }
    size_t space = space_length(std::string_view(source_).substr(at_));
    if (space == 0) break;
    advance_to(at_ + space);
  }
  char c = source_[at_];
  if (c >= '0' && c <= '9') return take_number();
  if (c == '\'' || c == '"') return take_string();
  if (is_word_character(std::string_view(source_).substr(at_))) return take_name();
  return take_operator();
}

Token Lexer::take_number() {
  std::string_view rest = std::string_view(source_).substr(at_);
  NumberToken number = scan_number(rest, at_ > 0 && source_[at_ - 1] == '.');
  if (!number.valid) fail("an integer beyond 64 bits");
  Token token = take(number.is_float ? TokenKind::kFloat : TokenKind::kInteger, number.length);
  token.integer = number.integer;
  token.number = number.number;
  return token;
}

Token Lexer::take_string() {
  char quote = source_[at_];
  size_t end = at_ + 1;
  while (end < source_.size() && source_[end] != quote) end += source_[end] == '\\' ? 2 : 1;
  if (end >= source_.size()) fail(std::string("unexpected char '") + quote + "'");
  Token token = take(TokenKind::kString, end + 1 - at_);
  std::string error;
  if (!unescape(std::string_view(token.text).substr(1, token.text.size() - 2), token.text, error)) {
    throw SyntaxFailure{error, token.position};
  }
  return token;
}

Token Lexer::take_name() {
  size_t end = at_;
  while (end < source_.size()) {
    size_t length = is_word_character(std::string_view(source_).substr(end));
    if (length == 0) break;
    end += length;
  }
  return take(TokenKind::kName, end - at_);
}

Token Lexer::take_operator() {
  static constexpr std::array<std::string_view, 26> kOperators = {"//", "**", "==", "!=", ">=", "<=", "+", "-", "/",
                                                                  "*",  "%",  "~",  "[",  "]",  "(",  ")", "{", "}",
                                                                  ">",  "<",  "=",  ".",  ":",  "|",  ",", ";"};
  for (std::string_view op : kOperators) {
    if (!at(op)) continue;
    char c = op[0];
    if (c == '(' || c == '[' || c == '{') {
      brackets_.push_back(c == '(' ? ')' : c == '[' ? ']' : '}');
    } else if (c == ')' || c == ']' || c == '}') {
      if (brackets_.empty()) fail("unexpected '" + std::string(op) + "'");
      if (brackets_.back() != c) fail("unexpected '" + std::string(op) + "', expected '" + brackets_.back() + "'");
      brackets_.pop_back();
    }
    return take(TokenKind::kOperator, op.size());
  }
  auto size = static_cast<size_t>(decode_utf8(std::string_view(source_).substr(at_)).size);
  fail("unexpected char '" + source_.substr(at_, size) + "'");
}

}  // namespace imago::chat::jinja
