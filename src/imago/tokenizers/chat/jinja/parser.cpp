#include "imago/tokenizers/chat/jinja/parser.h"

#include <algorithm>
#include <utility>

#include "imago/tokenizers/chat/jinja/names.h"
#include "imago/tokenizers/chat/jinja/parser_state.h"
#include "imago/tokenizers/chat/limits.h"

namespace imago::chat::jinja {

uint32_t Names::intern(const std::string& name) {
  auto [place, added] = ids_.emplace(name, static_cast<uint32_t>(names_.size()));
  if (added) names_.push_back(name);
  return place->second;
}

namespace {

using StatementPtr = std::unique_ptr<Statement>;

class StatementParser : public ExpressionParser {
 public:
  using ExpressionParser::ExpressionParser;

  Program parse_program() {
    program_.body = parse_block({});
    return std::move(program_);
  }

 private:
  // Statements up to a tag whose name is one of `ends`, which becomes the current token.
  Block parse_block(const std::vector<std::string_view>& ends);
  Block parse_body(const std::vector<std::string_view>& ends);  // behind the end of the tag that opens it
  Block parse_body_to(std::string_view end);                    // and takes the closing name
  void expect_block_end();

  StatementPtr make_statement(StatementKind kind, Position position);
  void parse_tag(Block& block, const std::vector<std::string_view>& ends);
  StatementPtr parse_statement(const std::vector<std::string_view>& ends);
  StatementPtr parse_if();
  StatementPtr parse_for();
  StatementPtr parse_set();
  StatementPtr parse_macro();
  StatementPtr parse_call_block();
  StatementPtr parse_filter_block();
  StatementPtr parse_with();
  StatementPtr parse_named_block();
  StatementPtr parse_loop_control(StatementKind kind);
  void parse_print(Block& block);
  void parse_signature(MacroDefinition& macro);
  void finish_macro(MacroDefinition& macro, Position position);
  Target parse_target(bool with_namespace, std::string_view end_name = {});
  Target parse_single_target(bool with_namespace);

  int loops_ = 0;
};

StatementPtr StatementParser::make_statement(StatementKind kind, Position position) {
  count_node();
  auto statement = std::make_unique<Statement>();
  statement->kind = kind;
  statement->position = position;
  return statement;
}

void StatementParser::expect_block_end() {
  if (!current().is(TokenKind::kBlockEnd)) {
    fail("expected token 'end of statement block', got '" + describe(current()) + "'");
  }
  next();
}

Block StatementParser::parse_block(const std::vector<std::string_view>& ends) {
  Nesting nesting(*this);
  Block block;
  while (true) {
    Position position = current().position;
    if (current().is(TokenKind::kText)) {
      StatementPtr text = make_statement(StatementKind::kText, position);
      text->text = next().text;
      block.push_back(std::move(text));
    } else if (current().is(TokenKind::kOutputBegin)) {
      next();
      StatementPtr output = make_statement(StatementKind::kOutput, current().position);
      output->expression = parse_tuple();
      if (!current().is(TokenKind::kOutputEnd)) {
        fail("expected token 'end of print statement', got '" + describe(current()) + "'");
      }
      next();
      block.push_back(std::move(output));
    } else if (current().is(TokenKind::kBlockBegin)) {
      next();
      bool ended = std::any_of(ends.begin(), ends.end(), [&](std::string_view end) { return current().is_name(end); });
      if (ended) return block;
      parse_tag(block, ends);
    } else {
      if (!ends.empty()) fail("Unexpected end of template. Looking for '" + std::string(ends.back()) + "'.");
      return block;
    }
  }
}

void StatementParser::parse_tag(Block& block, const std::vector<std::string_view>& ends) {
  if (!current().is(TokenKind::kName)) fail("tag name expected");
  if (current().is_name("print")) {
    parse_print(block);
  } else {
    block.push_back(parse_statement(ends));
  }
  expect_block_end();
}

Block StatementParser::parse_body(const std::vector<std::string_view>& ends) {
  skip_operator(":");
  expect_block_end();
  return parse_block(ends);
}

Block StatementParser::parse_body_to(std::string_view end) {
  Block body = parse_body({end});
  next();
  return body;
}

StatementPtr StatementParser::parse_statement(const std::vector<std::string_view>& ends) {
  const Token& tag = current();
  if (tag.is_name("if")) return parse_if();
  if (tag.is_name("for")) return parse_for();
  if (tag.is_name("set")) return parse_set();
  if (tag.is_name("macro")) return parse_macro();
  if (tag.is_name("call")) return parse_call_block();
  if (tag.is_name("filter")) return parse_filter_block();
  if (tag.is_name("with")) return parse_with();
  if (tag.is_name("block")) return parse_named_block();
  if (tag.is_name("break")) return parse_loop_control(StatementKind::kBreak);
  if (tag.is_name("continue")) return parse_loop_control(StatementKind::kContinue);
  if (tag.is_name("generation")) {
    StatementPtr statement = make_statement(StatementKind::kGeneration, next().position);
    statement->body = parse_body_to("endgeneration");
    return statement;
  }
  for (std::string_view name : {"include", "import", "from", "extends", "autoescape"}) {
    if (!tag.is_name(name)) continue;
    throw SyntaxFailure{"the tag '" + tag.text + "' is not supported: a chat template stands alone", tag.position,
                        ErrorKind::kUnsupported};
  }
  std::string message = "Encountered unknown tag '" + tag.text + "'.";
  if (!ends.empty()) message += " Looking for '" + std::string(ends.back()) + "'.";
  fail(message);
}

StatementPtr StatementParser::parse_if() {
  StatementPtr statement = make_statement(StatementKind::kIf, next().position);
  while (true) {
    ExpressionPtr test = parse_tuple({.conditional = false});
    Block body = parse_body({"elif", "else", "endif"});
    statement->branches.push_back({std::move(test), std::move(body)});
    Token end = next();
    if (end.text == "elif") continue;
    if (end.text == "else") statement->branches.push_back({nullptr, parse_body_to("endif")});
    return statement;
  }
}

StatementPtr StatementParser::parse_for() {
  StatementPtr statement = make_statement(StatementKind::kFor, next().position);
  statement->target = parse_target(false, "in");
  if (!skip_name("in")) fail("expected token 'in', got '" + describe(current()) + "'");
  statement->expression = parse_tuple({.conditional = false, .end_name = "recursive"});
  if (skip_name("if")) statement->filter = parse_expression();
  statement->recursive = skip_name("recursive");
  ++loops_;
  statement->body = parse_body({"endfor", "else"});
  --loops_;
  if (next().text == "else") statement->otherwise = parse_body_to("endfor");
  statement->uses_loop = statement->recursive || uses_name(statement->body, kLoop);
  return statement;
}

StatementPtr StatementParser::parse_loop_control(StatementKind kind) {
  if (loops_ == 0) fail("'" + current().text + "' outside of a loop");
  return make_statement(kind, next().position);
}

StatementPtr StatementParser::parse_set() {
  StatementPtr statement = make_statement(StatementKind::kSet, next().position);
  statement->target = parse_target(true);
  if (skip_operator("=")) {
    statement->expression = parse_tuple();
    return statement;
  }
  statement->kind = StatementKind::kSetBlock;
  statement->expression = parse_filters(nullptr, false);
  statement->body = parse_body_to("endset");
  return statement;
}

Target StatementParser::parse_single_target(bool with_namespace) {
  if (current().is_operator("(")) {
    Nesting nesting(*this);
    next();
    Target target = parse_target(with_namespace);
    expect_operator(")");
    return target;
  }
  if (!current().is(TokenKind::kName)) fail("unexpected '" + describe(current()) + "'");
  Token name = next();
  for (std::string_view constant : {"true", "false", "none", "True", "False", "None"}) {
    if (name.text == constant) fail("can't assign to 'const'", name.position);
  }
  count_node();
  Target target;
  target.name = intern(name.text);
  target.name_text = name.text;
  target.position = name.position;
  if (with_namespace && skip_operator(".")) target.attribute = expect_name().text;
  return target;
}

Target StatementParser::parse_target(bool with_namespace, std::string_view end_name) {
  Target first = parse_single_target(with_namespace);
  if (!current().is_operator(",")) return first;
  Target target;
  target.tuple = true;
  target.position = first.position;
  target.targets.push_back(std::move(first));
  while (skip_operator(",")) {
    bool ended = current().is_operator("=") || current().is_operator(")") || current().is(TokenKind::kBlockEnd) ||
                 (!end_name.empty() && current().is_name(end_name));
    if (ended) break;
    target.targets.push_back(parse_single_target(with_namespace));
  }
  return target;
}

void StatementParser::parse_signature(MacroDefinition& macro) {
  expect_operator("(");
  while (!current().is_operator(")")) {
    if (!macro.parameters.empty()) expect_operator(",");
    Token name = expect_name();
    Parameter parameter;
    parameter.name = intern(name.text);
    parameter.text = name.text;
    if (skip_operator("=")) {
      parameter.fallback = parse_expression();
    } else if (!macro.parameters.empty() && macro.parameters.back().fallback != nullptr) {
      fail("non-default argument follows default argument", name.position);
    }
    macro.parameters.push_back(std::move(parameter));
  }
  expect_operator(")");
}

void StatementParser::finish_macro(MacroDefinition& macro, Position position) {
  macro.uses_caller = uses_name(macro.body, kCaller);
  macro.uses_varargs = uses_name(macro.body, kVarargs);
  macro.uses_kwargs = uses_name(macro.body, kKwargs);
  for (const Parameter& parameter : macro.parameters) {
    if (parameter.name == kVarargs) macro.uses_varargs = false;
    if (parameter.name == kKwargs) macro.uses_kwargs = false;
    if (parameter.name != kCaller) continue;
    macro.explicit_caller = true;
    if (macro.uses_caller && parameter.fallback == nullptr) {
      fail("When defining macros or call blocks the special \"caller\" argument must be omitted or be given a default.",
           position);
    }
  }
}

StatementPtr StatementParser::parse_macro() {
  StatementPtr statement = make_statement(StatementKind::kMacro, next().position);
  auto macro = std::make_shared<MacroDefinition>();
  macro->name = expect_name().text;
  macro->symbol = intern(macro->name);
  parse_signature(*macro);
  int loops = std::exchange(loops_, 0);
  macro->body = parse_body_to("endmacro");
  loops_ = loops;
  finish_macro(*macro, statement->position);
  statement->macro = std::move(macro);
  return statement;
}

StatementPtr StatementParser::parse_call_block() {
  StatementPtr statement = make_statement(StatementKind::kCallBlock, next().position);
  auto macro = std::make_shared<MacroDefinition>();
  macro->name = "caller";
  if (current().is_operator("(")) parse_signature(*macro);
  statement->expression = parse_expression();
  if (statement->expression->kind != ExpressionKind::kCall) fail("expected call", statement->position);
  int loops = std::exchange(loops_, 0);
  macro->body = parse_body_to("endcall");
  loops_ = loops;
  finish_macro(*macro, statement->position);
  statement->macro = std::move(macro);
  return statement;
}

StatementPtr StatementParser::parse_filter_block() {
  StatementPtr statement = make_statement(StatementKind::kFilterBlock, next().position);
  statement->expression = parse_filters(nullptr, true);
  statement->body = parse_body_to("endfilter");
  return statement;
}

StatementPtr StatementParser::parse_with() {
  StatementPtr statement = make_statement(StatementKind::kWith, next().position);
  while (!current().is(TokenKind::kBlockEnd)) {
    if (!statement->bindings.empty()) expect_operator(",");
    Target target = parse_target(false);
    expect_operator("=");
    statement->bindings.emplace_back(std::move(target), parse_expression());
  }
  statement->body = parse_body_to("endwith");
  return statement;
}

// Without inheritance a block is shown where it stands.
StatementPtr StatementParser::parse_named_block() {
  StatementPtr statement = make_statement(StatementKind::kScope, next().position);
  std::string name = expect_name().text;
  skip_name("scoped");
  skip_name("required");
  statement->body = parse_body_to("endblock");
  skip_name(name);
  return statement;
}

void StatementParser::parse_print(Block& block) {
  next();
  for (bool first = true; !current().is(TokenKind::kBlockEnd); first = false) {
    if (!first) expect_operator(",");
    StatementPtr output = make_statement(StatementKind::kOutput, current().position);
    output->expression = parse_expression();
    block.push_back(std::move(output));
  }
}

}  // namespace

Program parse(std::string_view source) {
  if (source.size() > kMaxTemplateSource) {
    throw SyntaxFailure{"the template is larger than " + std::to_string(kMaxTemplateSource >> 20) + " MiB",
                        {},
                        ErrorKind::kLimitExceeded};
  }
  return StatementParser(source).parse_program();
}

}  // namespace imago::chat::jinja
