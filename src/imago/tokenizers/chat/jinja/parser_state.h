// The two halves of the parser, expressions and statements, over one stream of tokens.
#pragma once

#include <deque>

#include "imago/tokenizers/chat/jinja/ast.h"
#include "imago/tokenizers/chat/jinja/lexer.h"

namespace imago::chat::jinja {

class ExpressionParser {
 public:
  explicit ExpressionParser(std::string_view source);

 protected:
  // Counts the nesting of what is being parsed, which is parsed recursively.
  class Nesting {
   public:
    explicit Nesting(ExpressionParser& parser);
    ~Nesting() { --parser_.nesting_; }
    Nesting(const Nesting&) = delete;
    Nesting& operator=(const Nesting&) = delete;

   private:
    ExpressionParser& parser_;
  };

  [[noreturn]] void fail(std::string message) const { fail(std::move(message), current().position); }
  [[noreturn]] static void fail(std::string message, Position position);

  const Token& current() const { return tokens_.front(); }
  const Token& following();
  Token next();
  bool skip_operator(std::string_view op);
  bool skip_name(std::string_view name);
  void expect_operator(std::string_view op);
  Token expect_name();

  uint32_t intern(const std::string& name);
  void count_node();
  ExpressionPtr make(ExpressionKind kind, Position position);
  ExpressionPtr finish(ExpressionPtr node);  // sets the depth from the operands, and bounds it
  ExpressionPtr make_binary(ExpressionKind kind, Operator operation, Position position, ExpressionPtr left,
                            ExpressionPtr right);

  struct TupleOptions {
    bool conditional = true;
    std::string_view end_name = {};  // a name that ends the tuple
    bool parentheses = false;
  };
  ExpressionPtr parse_tuple(const TupleOptions& options);
  ExpressionPtr parse_tuple() { return parse_tuple(TupleOptions{}); }
  ExpressionPtr parse_expression(bool conditional = true);
  ExpressionPtr parse_filters(ExpressionPtr node, bool inline_first);
  ExpressionPtr parse_call(ExpressionPtr callee);
  CallArguments parse_arguments();

  Program program_;

 private:
  ExpressionPtr parse_conditional();
  ExpressionPtr parse_or();
  ExpressionPtr parse_and();
  ExpressionPtr parse_not();
  ExpressionPtr parse_comparison();
  bool take_comparison(Operator& operation);
  ExpressionPtr parse_sum();
  ExpressionPtr parse_concatenation();
  ExpressionPtr parse_product();
  ExpressionPtr parse_power();
  ExpressionPtr parse_unary(bool with_filter = true);
  ExpressionPtr parse_primary();
  ExpressionPtr parse_name();
  ExpressionPtr parse_list();
  ExpressionPtr parse_dict();
  ExpressionPtr parse_postfix(ExpressionPtr node);
  ExpressionPtr parse_filter_expression(ExpressionPtr node);
  ExpressionPtr parse_subscript(ExpressionPtr node);
  ExpressionPtr parse_subscribed();
  ExpressionPtr parse_test(ExpressionPtr node);

  Lexer lexer_;
  std::deque<Token> tokens_;
  int nesting_ = 0;
  int nodes_ = 0;
};

std::string describe(const Token& token);

}  // namespace imago::chat::jinja
