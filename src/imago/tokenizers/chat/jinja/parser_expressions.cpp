#include <algorithm>
#include <utility>

#include "imago/tokenizers/chat/jinja/parser_state.h"
#include "imago/tokenizers/chat/limits.h"

namespace imago::chat::jinja {
namespace {

// The evaluator walks the tree recursively; the reference, too, refuses expressions nested some hundred deep.
constexpr int kMaxExpressionDepth = 256;

}  // namespace

std::string describe(const Token& token) {
  switch (token.kind) {
    case TokenKind::kText: return "template data / text";
    case TokenKind::kOutputBegin: return "begin of print statement";
    case TokenKind::kOutputEnd: return "end of print statement";
    case TokenKind::kBlockBegin: return "begin of statement block";
    case TokenKind::kBlockEnd: return "end of statement block";
    case TokenKind::kString: return "string";
    case TokenKind::kInteger: return "integer";
    case TokenKind::kFloat: return "float";
    case TokenKind::kEnd: return "end of template";
    default: return token.text;
  }
}

ExpressionParser::ExpressionParser(std::string_view source) : lexer_(source) {
  for (const char* name : {"loop", "caller", "varargs", "kwargs"}) program_.names.intern(name);
  tokens_.push_back(lexer_.next());
}

ExpressionParser::Nesting::Nesting(ExpressionParser& parser) : parser_(parser) {
  if (++parser_.nesting_ > kMaxTemplateNesting) {
    --parser_.nesting_;
    throw SyntaxFailure{"nested deeper than " + std::to_string(kMaxTemplateNesting), parser.current().position,
                        ErrorKind::kLimitExceeded};
  }
}

void ExpressionParser::fail(std::string message, Position position) {
  throw SyntaxFailure{std::move(message), position};
}

const Token& ExpressionParser::following() {
  if (tokens_.size() < 2) tokens_.push_back(lexer_.next());
  return tokens_[1];
}

Token ExpressionParser::next() {
  Token token = std::move(tokens_.front());
  tokens_.pop_front();
  if (tokens_.empty()) tokens_.push_back(lexer_.next());
  return token;
}

bool ExpressionParser::skip_operator(std::string_view op) { return current().is_operator(op) && (next(), true); }
bool ExpressionParser::skip_name(std::string_view name) { return current().is_name(name) && (next(), true); }

void ExpressionParser::expect_operator(std::string_view op) {
  if (!skip_operator(op)) fail("expected token '" + std::string(op) + "', got '" + describe(current()) + "'");
}

Token ExpressionParser::expect_name() {
  if (!current().is(TokenKind::kName)) fail("expected token 'name', got '" + describe(current()) + "'");
  return next();
}

uint32_t ExpressionParser::intern(const std::string& name) { return program_.names.intern(name); }

void ExpressionParser::count_node() {
  if (++nodes_ > kMaxTemplateNodes) {
    throw SyntaxFailure{"the template has more than " + std::to_string(kMaxTemplateNodes) + " parts",
                        current().position, ErrorKind::kLimitExceeded};
  }
}

ExpressionPtr ExpressionParser::make(ExpressionKind kind, Position position) {
  count_node();
  auto node = std::make_unique<Expression>();
  node->kind = kind;
  node->position = position;
  return node;
}

ExpressionPtr ExpressionParser::finish(ExpressionPtr node) {
  auto include = [&](const ExpressionPtr& child) {
    if (child != nullptr) node->depth = std::max(node->depth, child->depth + 1);
  };
  for (const ExpressionPtr& child : node->operands) include(child);
  if (node->arguments != nullptr) {
    for (const ExpressionPtr& child : node->arguments->positional) include(child);
    for (const auto& [name, child] : node->arguments->keywords) include(child);
    include(node->arguments->rest);
    include(node->arguments->rest_keywords);
  }
  if (node->depth > kMaxExpressionDepth) {
    throw SyntaxFailure{"an expression nested deeper than " + std::to_string(kMaxExpressionDepth), node->position,
                        ErrorKind::kLimitExceeded};
  }
  return node;
}

ExpressionPtr ExpressionParser::make_binary(ExpressionKind kind, Operator operation, Position position,
                                            ExpressionPtr left, ExpressionPtr right) {
  ExpressionPtr node = make(kind, position);
  node->operation = operation;
  node->operands.push_back(std::move(left));
  node->operands.push_back(std::move(right));
  return finish(std::move(node));
}

ExpressionPtr ExpressionParser::parse_expression(bool conditional) {
  Nesting nesting(*this);
  return conditional ? parse_conditional() : parse_or();
}

ExpressionPtr ExpressionParser::parse_conditional() {
  Position position = current().position;
  ExpressionPtr value = parse_or();
  while (skip_name("if")) {
    ExpressionPtr node = make(ExpressionKind::kConditional, position);
    node->operands.push_back(std::move(value));
    node->operands.push_back(parse_or());
    node->operands.push_back(skip_name("else") ? parse_expression() : nullptr);
    value = finish(std::move(node));
  }
  return value;
}

ExpressionPtr ExpressionParser::parse_or() {
  ExpressionPtr left = parse_and();
  while (current().is_name("or")) {
    Position position = next().position;
    left = make_binary(ExpressionKind::kOr, Operator::kAdd, position, std::move(left), parse_and());
  }
  return left;
}

ExpressionPtr ExpressionParser::parse_and() {
  ExpressionPtr left = parse_not();
  while (current().is_name("and")) {
    Position position = next().position;
    left = make_binary(ExpressionKind::kAnd, Operator::kAdd, position, std::move(left), parse_not());
  }
  return left;
}

ExpressionPtr ExpressionParser::parse_not() {
  if (!current().is_name("not")) return parse_comparison();
  Nesting nesting(*this);
  ExpressionPtr node = make(ExpressionKind::kNot, next().position);
  node->operands.push_back(parse_not());
  return finish(std::move(node));
}

bool ExpressionParser::take_comparison(Operator& operation) {
  static constexpr std::pair<std::string_view, Operator> kOperators[] = {
      {"==", Operator::kEqual},     {"!=", Operator::kNotEqual}, {"<", Operator::kLess},
      {"<=", Operator::kLessEqual}, {">", Operator::kGreater},   {">=", Operator::kGreaterEqual}};
  for (const auto& [text, op] : kOperators) {
    if (skip_operator(text)) return operation = op, true;
  }
  if (skip_name("in")) return operation = Operator::kIn, true;
  if (!current().is_name("not") || !following().is_name("in")) return false;
  next();
  next();
  return operation = Operator::kNotIn, true;
}

ExpressionPtr ExpressionParser::parse_comparison() {
  Position position = current().position;
  ExpressionPtr first = parse_sum();
  Operator operation = Operator::kEqual;
  if (!take_comparison(operation)) return first;
  ExpressionPtr node = make(ExpressionKind::kCompare, position);
  node->operands.push_back(std::move(first));
  do {
    node->comparisons.push_back(operation);
    node->operands.push_back(parse_sum());
  } while (take_comparison(operation));
  return finish(std::move(node));
}

ExpressionPtr ExpressionParser::parse_sum() {
  ExpressionPtr left = parse_concatenation();
  while (current().is_operator("+") || current().is_operator("-")) {
    Token op = next();
    Operator operation = op.text == "+" ? Operator::kAdd : Operator::kSubtract;
    left = make_binary(ExpressionKind::kBinary, operation, op.position, std::move(left), parse_concatenation());
  }
  return left;
}

ExpressionPtr ExpressionParser::parse_concatenation() {
  Position position = current().position;
  ExpressionPtr first = parse_product();
  if (!current().is_operator("~")) return first;
  ExpressionPtr node = make(ExpressionKind::kConcat, position);
  node->operands.push_back(std::move(first));
  while (skip_operator("~")) node->operands.push_back(parse_product());
  return finish(std::move(node));
}

ExpressionPtr ExpressionParser::parse_product() {
  static constexpr std::pair<std::string_view, Operator> kOperators[] = {
      {"*", Operator::kMultiply}, {"/", Operator::kDivide}, {"//", Operator::kFloorDivide}, {"%", Operator::kModulo}};
  ExpressionPtr left = parse_power();
  while (true) {
    const auto* found = std::find_if(std::begin(kOperators), std::end(kOperators),
                                     [&](const auto& entry) { return current().is_operator(entry.first); });
    if (found == std::end(kOperators)) return left;
    Position position = next().position;
    left = make_binary(ExpressionKind::kBinary, found->second, position, std::move(left), parse_power());
  }
}

// Left-associative here, unlike in Python.
ExpressionPtr ExpressionParser::parse_power() {
  ExpressionPtr left = parse_unary();
  while (current().is_operator("**")) {
    Position position = next().position;
    left = make_binary(ExpressionKind::kBinary, Operator::kPower, position, std::move(left), parse_unary());
  }
  return left;
}

ExpressionPtr ExpressionParser::parse_unary(bool with_filter) {
  ExpressionPtr node;
  if (current().is_operator("-") || current().is_operator("+")) {
    Nesting nesting(*this);
    Token op = next();
    node = make(ExpressionKind::kUnary, op.position);
    node->operation = op.text == "-" ? Operator::kNegative : Operator::kPositive;
    node->operands.push_back(parse_unary(false));
    node = finish(std::move(node));
  } else {
    node = parse_primary();
  }
  node = parse_postfix(std::move(node));
  return with_filter ? parse_filter_expression(std::move(node)) : std::move(node);
}

ExpressionPtr ExpressionParser::parse_name() {
  Token token = next();
  ExpressionPtr node = make(ExpressionKind::kConstant, token.position);
  if (token.text == "true" || token.text == "True") {
    node->constant = true;
  } else if (token.text == "false" || token.text == "False") {
    node->constant = false;
  } else if (token.text != "none" && token.text != "None") {
    node->kind = ExpressionKind::kName;
    node->name = intern(token.text);
  }
  return node;
}

ExpressionPtr ExpressionParser::parse_primary() {
  const Token& token = current();
  if (token.is(TokenKind::kName)) return parse_name();
  if (token.is(TokenKind::kString)) {
    ExpressionPtr node = make(ExpressionKind::kConstant, token.position);
    std::string text;
    while (current().is(TokenKind::kString)) text += next().text;
    node->constant = Value(std::move(text));
    return node;
  }
  if (token.is(TokenKind::kInteger) || token.is(TokenKind::kFloat)) {
    ExpressionPtr node = make(ExpressionKind::kConstant, token.position);
    node->constant = token.is(TokenKind::kInteger) ? Value(token.integer) : Value(token.number);
    next();
    return node;
  }
  if (token.is_operator("(")) {
    next();
    ExpressionPtr node = parse_tuple({.parentheses = true});
    expect_operator(")");
    return node;
  }
  if (token.is_operator("[")) return parse_list();
  if (token.is_operator("{")) return parse_dict();
  fail("unexpected '" + describe(token) + "'");
}

ExpressionPtr ExpressionParser::parse_tuple(const TupleOptions& options) {
  Position position = current().position;
  std::vector<ExpressionPtr> items;
  bool is_tuple = false;
  auto at_end = [&] {
    return current().is(TokenKind::kOutputEnd) || current().is(TokenKind::kBlockEnd) || current().is_operator(")") ||
           (!options.end_name.empty() && current().is_name(options.end_name));
  };
  while (!at_end()) {
    items.push_back(parse_expression(options.conditional));
    if (!current().is_operator(",")) break;
    next();
    is_tuple = true;
  }
  if (!is_tuple && !items.empty()) return std::move(items.front());
  if (!is_tuple && !options.parentheses) fail("Expected an expression, got '" + describe(current()) + "'");
  ExpressionPtr node = make(ExpressionKind::kTuple, position);
  node->operands = std::move(items);
  return finish(std::move(node));
}

ExpressionPtr ExpressionParser::parse_list() {
  ExpressionPtr node = make(ExpressionKind::kList, next().position);
  while (!current().is_operator("]")) {
    if (!node->operands.empty()) {
      expect_operator(",");
      if (current().is_operator("]")) break;
    }
    node->operands.push_back(parse_expression());
  }
  expect_operator("]");
  return finish(std::move(node));
}

ExpressionPtr ExpressionParser::parse_dict() {
  ExpressionPtr node = make(ExpressionKind::kDict, next().position);
  while (!current().is_operator("}")) {
    if (!node->operands.empty()) {
      expect_operator(",");
      if (current().is_operator("}")) break;
    }
    node->operands.push_back(parse_expression());
    expect_operator(":");
    node->operands.push_back(parse_expression());
  }
  expect_operator("}");
  return finish(std::move(node));
}

ExpressionPtr ExpressionParser::parse_postfix(ExpressionPtr node) {
  while (true) {
    if (current().is_operator(".") || current().is_operator("[")) {
      node = parse_subscript(std::move(node));
    } else if (current().is_operator("(")) {
      node = parse_call(std::move(node));
    } else {
      return node;
    }
  }
}

ExpressionPtr ExpressionParser::parse_filter_expression(ExpressionPtr node) {
  while (true) {
    if (current().is_operator("|")) {
      node = parse_filters(std::move(node), false);
    } else if (current().is_name("is")) {
      node = parse_test(std::move(node));
    } else if (current().is_operator("(")) {
      node = parse_call(std::move(node));
    } else {
      return node;
    }
  }
}

ExpressionPtr ExpressionParser::parse_subscript(ExpressionPtr node) {
  Token token = next();
  ExpressionPtr result = make(ExpressionKind::kSubscript, token.position);
  result->operands.push_back(std::move(node));
  if (token.text == ".") {
    Token name = next();
    if (name.is(TokenKind::kName)) {
      result->kind = ExpressionKind::kAttribute;
      result->text = name.text;
    } else if (name.is(TokenKind::kInteger)) {
      result->operands.push_back(make(ExpressionKind::kConstant, name.position));
      result->operands.back()->constant = name.integer;
    } else {
      fail("expected name or number", name.position);
    }
    return finish(std::move(result));
  }
  std::vector<ExpressionPtr> keys;
  while (!current().is_operator("]")) {
    if (!keys.empty()) expect_operator(",");
    keys.push_back(parse_subscribed());
  }
  expect_operator("]");
  if (keys.size() == 1) {
    result->operands.push_back(std::move(keys.front()));
  } else {
    ExpressionPtr tuple = make(ExpressionKind::kTuple, token.position);
    tuple->operands = std::move(keys);
    result->operands.push_back(finish(std::move(tuple)));
  }
  return finish(std::move(result));
}

ExpressionPtr ExpressionParser::parse_subscribed() {
  ExpressionPtr slice = make(ExpressionKind::kSlice, current().position);
  auto& parts = slice->operands;
  if (current().is_operator(":")) {
    next();
    parts.push_back(nullptr);
  } else {
    ExpressionPtr index = parse_expression();
    if (!skip_operator(":")) return index;
    parts.push_back(std::move(index));
  }
  auto ends = [&] { return current().is_operator("]") || current().is_operator(","); };
  parts.push_back(current().is_operator(":") || ends() ? nullptr : parse_expression());
  parts.push_back(skip_operator(":") && !ends() ? parse_expression() : nullptr);
  return finish(std::move(slice));
}

CallArguments ExpressionParser::parse_arguments() {
  CallArguments arguments;
  Position position = current().position;
  auto ensure = [&](bool valid) {
    if (!valid) fail("invalid syntax for function call expression", position);
  };
  expect_operator("(");
  for (bool first = true; !current().is_operator(")"); first = false) {
    if (!first) {
      expect_operator(",");
      if (current().is_operator(")")) break;
    }
    if (skip_operator("*")) {
      ensure(arguments.rest == nullptr && arguments.rest_keywords == nullptr);
      arguments.rest = parse_expression();
    } else if (skip_operator("**")) {
      ensure(arguments.rest_keywords == nullptr);
      arguments.rest_keywords = parse_expression();
    } else if (current().is(TokenKind::kName) && following().is_operator("=")) {
      ensure(arguments.rest_keywords == nullptr);
      std::string name = next().text;
      next();
      arguments.keywords.emplace_back(std::move(name), parse_expression());
    } else {
      ensure(arguments.rest == nullptr && arguments.rest_keywords == nullptr && arguments.keywords.empty());
      arguments.positional.push_back(parse_expression());
    }
  }
  expect_operator(")");
  return arguments;
}

ExpressionPtr ExpressionParser::parse_call(ExpressionPtr callee) {
  ExpressionPtr node = make(ExpressionKind::kCall, current().position);
  node->operands.push_back(std::move(callee));
  node->arguments = std::make_unique<CallArguments>(parse_arguments());
  return finish(std::move(node));
}

ExpressionPtr ExpressionParser::parse_filters(ExpressionPtr node, bool inline_first) {
  while (inline_first || skip_operator("|")) {
    inline_first = false;
    Token name = expect_name();
    ExpressionPtr filter = make(ExpressionKind::kFilter, name.position);
    filter->text = name.text;
    while (skip_operator(".")) filter->text += "." + expect_name().text;
    filter->operands.push_back(std::move(node));
    filter->arguments = std::make_unique<CallArguments>();
    if (current().is_operator("(")) *filter->arguments = parse_arguments();
    node = finish(std::move(filter));
  }
  return node;
}

ExpressionPtr ExpressionParser::parse_test(ExpressionPtr node) {
  ExpressionPtr test = make(ExpressionKind::kTest, next().position);
  bool negated = skip_name("not");
  test->text = expect_name().text;
  while (skip_operator(".")) test->text += "." + expect_name().text;
  test->operands.push_back(std::move(node));
  test->arguments = std::make_unique<CallArguments>();
  const Token& token = current();
  bool begins_argument = token.is(TokenKind::kName) || token.is(TokenKind::kString) || token.is(TokenKind::kInteger) ||
                         token.is(TokenKind::kFloat) || token.is_operator("[") || token.is_operator("{");
  if (token.is_operator("(")) {
    *test->arguments = parse_arguments();
  } else if (begins_argument && !token.is_name("else") && !token.is_name("or") && !token.is_name("and")) {
    if (token.is_name("is")) fail("You cannot chain multiple tests with is");
    test->arguments->positional.push_back(parse_postfix(parse_primary()));
  }
  test = finish(std::move(test));
  if (!negated) return test;
  ExpressionPtr result = make(ExpressionKind::kNot, test->position);
  result->operands.push_back(std::move(test));
  return finish(std::move(result));
}

}  // namespace imago::chat::jinja
