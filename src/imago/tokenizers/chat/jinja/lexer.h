// Splits a template into text and the tokens of its tags, with Jinja's whitespace control (trim_blocks and
// lstrip_blocks on, as chat templates are always rendered).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "imago/base/error.h"
#include "imago/tokenizers/chat/jinja/ast.h"

namespace imago::chat::jinja {

enum class TokenKind : uint8_t {
  kText,
  kOutputBegin,
  kOutputEnd,
  kBlockBegin,
  kBlockEnd,
  kName,
  kString,
  kInteger,
  kFloat,
  kOperator,
  kEnd,
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::string text;  // of a string: unescaped
  int64_t integer = 0;
  double number = 0;
  Position position;

  bool is(TokenKind other) const { return kind == other; }
  bool is_operator(std::string_view op) const { return kind == TokenKind::kOperator && text == op; }
  bool is_name(std::string_view name) const { return kind == TokenKind::kName && text == name; }
};

// A mistake in the template's source.
struct SyntaxFailure {
  std::string message;
  Position position;
  ErrorKind kind = ErrorKind::kInvalidFile;
};

class Lexer {
 public:
  explicit Lexer(std::string_view source);

  Token next();  // kEnd forever at the end; throws SyntaxFailure

 private:
  enum class State { kText, kOutput, kBlock };

  [[noreturn]] void fail(std::string message) const;
  bool at(std::string_view text) const { return std::string_view(source_).substr(at_).starts_with(text); }
  void advance_to(size_t position);
  void skip_space();
  Token take(TokenKind kind, size_t length);

  Token next_text();
  void strip_before_tag(std::string& text, bool output, char sign) const;
  void take_comment();
  bool begins_raw(size_t tag, size_t& body) const;
  Token take_raw(size_t body);
  size_t block_end_length() const;
  void close_tag(size_t length, bool strip, bool trim_newline);

  Token next_in_tag();
  Token take_number();
  Token take_string();
  Token take_name();
  Token take_operator();

  std::string source_;
  size_t at_ = 0;
  Position position_;
  State state_ = State::kText;
  bool line_starting_ = true;
  std::vector<char> brackets_;  // the closing ones that are awaited
};

}  // namespace imago::chat::jinja
