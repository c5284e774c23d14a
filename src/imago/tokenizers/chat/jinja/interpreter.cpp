// The statements.
#include "imago/tokenizers/chat/jinja/interpreter.h"

#include <algorithm>

#include "imago/tokenizers/chat/jinja/failure.h"
#include "imago/tokenizers/chat/jinja/interpreter_scopes.h"
#include "imago/tokenizers/chat/jinja/loop.h"

namespace imago::chat::jinja {

void Scope::set(uint32_t name, Value value) {
  for (auto& [known, held] : variables) {
    if (known == name) {
      held = std::move(value);
      return;
    }
  }
  variables.emplace_back(name, std::move(value));
}

const Value* Scope::find(uint32_t name) const {
  for (const Scope* scope = this; scope != nullptr; scope = scope->parent.get()) {
    for (const auto& [known, value] : scope->variables) {
      if (known == name) return &value;
    }
  }
  return nullptr;
}

namespace {

// A scope that a macro has captured: the macro may lie in it, and it in the macro.
class CapturedScope final : public Clearable {
 public:
  explicit CapturedScope(std::shared_ptr<Scope> scope) : scope_(std::move(scope)) {}
  void clear() override { scope_->variables.clear(); }

 private:
  std::shared_ptr<Scope> scope_;
};

}  // namespace

Interpreter::Interpreter(const Program& program, const RenderLimits& limits, const LocalTime& now)
    : program_(program), now_(now), budget_(limits) {}

Interpreter::~Interpreter() {
  if (scope_ != nullptr) scope_->variables.clear();
  for (const auto& object : kept_) object->clear();
}

Rendered Interpreter::render(std::vector<std::pair<std::string, Value>> variables) {
  scope_ = std::make_shared<Scope>();
  for (size_t id = 0; id < program_.names.size(); ++id) {
    const std::string& name = program_.names[static_cast<uint32_t>(id)];
    auto known = std::find_if(variables.begin(), variables.end(), [&](const auto& v) { return v.first == name; });
    if (known != variables.end()) scope_->set(static_cast<uint32_t>(id), known->second);
  }
  // What the template sets lies in a scope of its own, as the variables given to it do.
  scope_ = std::make_shared<Scope>(Scope{scope_, {}, false});
  output_ = &result_.text;
  run(program_.body);
  return std::move(result_);
}

void Interpreter::write(std::string_view text) {
  if (output_charge_ != nullptr) output_charge_->add(text.size());
  if (text.size() > budget_.limits().max_output || output_->size() > budget_.limits().max_output - text.size()) {
    limit_exceeded("the output is larger than " + std::to_string(budget_.limits().max_output >> 20) + " MiB");
  }
  budget_.spend_on_bytes(text.size());
  output_->append(text);
}

void Interpreter::write(const Text& text) {
  if (!text.has_user()) return write(text.bytes());
  if (output_charge_ != nullptr) output_charge_->add(text.size() + text.user().size() * sizeof(ByteRange));
  if (text.size() > budget_.limits().max_output || output_->size() > budget_.limits().max_output - text.size()) {
    limit_exceeded("the output is larger than " + std::to_string(budget_.limits().max_output >> 20) + " MiB");
  }
  budget_.spend_on_bytes(text.size());
  output_->append(text);
}

Interpreter::Flow Interpreter::run(const Block& block) {
  for (const auto& statement : block) {
    Flow flow = run(*statement);
    if (flow != Flow::kNormal) return flow;
  }
  return Flow::kNormal;
}

Interpreter::Flow Interpreter::run(const Statement& statement) {
  budget_.spend(1);
  position_ = statement.position;
  switch (statement.kind) {
    case StatementKind::kText: write(statement.text); break;
    case StatementKind::kOutput: write(to_text(evaluate(*statement.expression))); break;
    case StatementKind::kIf: return run_if(statement);
    case StatementKind::kFor: {
      // A recursive loop is a function of its own, whose output is written when it returns: the same text.
      run_for(statement, evaluate(*statement.expression), 0, scope_);
      break;
    }
    case StatementKind::kSet: run_set(statement); break;
    case StatementKind::kMacro: run_macro(statement); break;
    case StatementKind::kCallBlock: run_call_block(statement); break;
    case StatementKind::kWith: run_with(statement); break;
    case StatementKind::kSetBlock:
    case StatementKind::kFilterBlock:
    case StatementKind::kGeneration: return run_captured(statement);
    case StatementKind::kScope: {
      InnerScope inner(*this, scope_);
      return run(statement.body);
    }
    case StatementKind::kBreak: return Flow::kBreak;
    case StatementKind::kContinue: return Flow::kContinue;
  }
  return Flow::kNormal;
}

Interpreter::Flow Interpreter::run_if(const Statement& statement) {
  for (const Branch& branch : statement.branches) {
    if (branch.test == nullptr || truthy(evaluate(*branch.test))) return run(branch.body);
  }
  return Flow::kNormal;
}

// Statements whose body is not written but made into a value.
Interpreter::Flow Interpreter::run_captured(const Statement& statement) {
  std::shared_ptr<Scope> around = scope_;
  InnerScope inner(*this, around);
  Capture capture(*this);
  Flow flow = run(statement.body);
  Text text = capture.take();
  if (statement.kind == StatementKind::kGeneration) {
    size_t begin = result_.text.size();
    result_.generations.push_back({begin, begin + text.size()});
    write(text);
    return flow;
  }
  if (flow != Flow::kNormal) return flow;
  Value value(std::move(text));
  if (statement.expression != nullptr) {
    block_input_ = std::move(value);
    value = evaluate(*statement.expression);
  }
  if (statement.kind == StatementKind::kFilterBlock) {
    write(to_text(value));
  } else {
    require_namespaces(statement.target);
    assign(statement.target, std::move(value), *around);
  }
  return flow;
}

Iterator Interpreter::filtered(const Statement& statement, Iterator source, const std::shared_ptr<Scope>& around) {
  return [this, &statement, source = std::move(source), around](Value& item) {
    while (source(item)) {
      InnerScope inner(*this, around);
      assign(statement.target, item, *scope_);
      if (truthy(evaluate(*statement.filter))) return true;
    }
    return false;
  };
}

void Interpreter::run_for(const Statement& statement, const Value& iterable, int depth, std::shared_ptr<Scope> around) {
  Iterator next = iterate(iterable);
  if (statement.filter != nullptr) next = filtered(statement, std::move(next), around);
  std::shared_ptr<LoopContext> loop;
  if (statement.uses_loop) {
    std::optional<int64_t> known = statement.filter == nullptr ? length(iterable) : std::nullopt;
    loop = std::make_shared<LoopContext>(statement, around, std::move(next), known, depth);
  }
  bool completed = false;  // an iteration, to its end: the reference runs the else branch unless one was
  Value item;
  while (loop != nullptr ? loop->advance(item) : next(item)) {
    InnerScope inner(*this, around);
    if (loop != nullptr) scope_->set(kLoop, loop);
    assign(statement.target, item, *scope_);
    Flow flow = run(statement.body);
    if (flow == Flow::kBreak) break;
    if (flow == Flow::kNormal) completed = true;
    position_ = statement.position;
  }
  if (!completed && !statement.otherwise.empty()) {
    InnerScope inner(*this, around);
    run(statement.otherwise);
  }
}

Value Interpreter::call_loop(const LoopContext& loop, const Value& iterable) {
  Call nested(*this);
  Capture capture(*this);
  InnerScope inner(*this, loop.around());
  run_for(loop.statement(), iterable, loop.depth0() + 1, loop.around());
  return Value(capture.take());
}

void Interpreter::require_namespaces(const Target& target) {
  for (const Target& part : target.targets) require_namespaces(part);
  if (target.attribute.empty()) return;
  const Value* held = scope_->find(target.name);
  if (held == nullptr || held->as<Namespace>() == nullptr) {
    fail("TemplateRuntimeError", "cannot assign attribute on non-namespace object");
  }
}

void Interpreter::run_set(const Statement& statement) {
  require_namespaces(statement.target);
  Value value = evaluate(*statement.expression);
  position_ = statement.position;
  assign(statement.target, std::move(value), *scope_);
}

void Interpreter::assign(const Target& target, Value value, Scope& scope) {
  if (!target.attribute.empty()) {
    if (target.attribute.starts_with('_')) {
      fail("SecurityError", "Chat templates cannot store underscore-prefixed attributes on a namespace, but got '" +
                                target.attribute + "'. Please rename the attribute.");
    }
    const Value* held = scope.find(target.name);
    auto* names = held != nullptr ? held->as<Namespace>() : nullptr;
    if (names == nullptr) fail("TemplateRuntimeError", "cannot assign attribute on non-namespace object");
    return names->set(target.attribute, std::move(value));
  }
  if (!target.tuple) return scope.set(target.name, std::move(value));
  if (!is_iterable(value)) type_error("cannot unpack non-iterable " + std::string(type_name(value)) + " object");
  std::vector<Value> items = to_vector(value);
  if (items.size() != target.targets.size()) {
    std::string expected = "(expected " + std::to_string(target.targets.size());
    value_error(items.size() > target.targets.size()
                    ? "too many values to unpack " + expected + ")"
                    : "not enough values to unpack " + expected + ", got " + std::to_string(items.size()) + ")");
  }
  for (size_t i = 0; i < items.size(); ++i) assign(target.targets[i], std::move(items[i]), scope);
}

Value Interpreter::make_macro(std::shared_ptr<const MacroDefinition> definition) {
  for (std::shared_ptr<Scope> scope = scope_; scope != nullptr; scope = scope->parent) {
    if (scope->captured) break;
    scope->captured = true;
    keep(std::make_shared<CapturedScope>(scope));
  }
  return std::make_shared<Macro>(std::move(definition), scope_);
}

void Interpreter::run_macro(const Statement& statement) {
  scope_->set(statement.macro->symbol, make_macro(statement.macro));
}

void Interpreter::run_call_block(const Statement& statement) {
  Value result = evaluate_call(*statement.expression, make_macro(statement.macro));
  write(to_text(result));
}

void Interpreter::run_with(const Statement& statement) {
  std::vector<Value> values;
  for (const auto& [target, expression] : statement.bindings) values.push_back(evaluate(*expression));
  InnerScope inner(*this, scope_);
  for (size_t i = 0; i < values.size(); ++i) assign(statement.bindings[i].first, std::move(values[i]), *scope_);
  run(statement.body);
}

std::optional<Value> Macro::attribute(std::string_view name) {
  if (name == "name") return Value(definition_->name);
  if (name == "catch_kwargs") return Value(definition_->uses_kwargs);
  if (name == "catch_varargs") return Value(definition_->uses_varargs);
  if (name == "caller") return Value(definition_->uses_caller);
  if (name != "arguments") return std::nullopt;
  std::vector<Value> names;
  for (const Parameter& parameter : definition_->parameters) names.emplace_back(parameter.text);
  return Value::list(std::move(names));
}

void Interpreter::bind_parameters(const Macro& macro, Arguments arguments, Scope& scope) {
  const MacroDefinition& definition = macro.definition();
  auto take_keyword = [&](std::string_view name) -> std::optional<Value> {
    auto found = std::find_if(arguments.keywords.begin(), arguments.keywords.end(),
                              [&](const auto& keyword) { return keyword.first == name; });
    if (found == arguments.keywords.end()) return std::nullopt;
    Value value = std::move(found->second);
    arguments.keywords.erase(found);
    return value;
  };
  std::vector<const Parameter*> absent;
  size_t given = arguments.positional.size(), expected = definition.parameters.size();
  bool found_caller = definition.explicit_caller;
  for (size_t i = 0; i < expected; ++i) {
    const Parameter& parameter = definition.parameters[i];
    if (i < given) {
      scope.set(parameter.name, arguments.positional[i]);
    } else if (std::optional<Value> value = take_keyword(parameter.text)) {
      scope.set(parameter.name, std::move(*value));
    } else {
      absent.push_back(&parameter);
    }
  }
  if (definition.uses_caller && !found_caller) {
    scope.set(kCaller, take_keyword("caller").value_or(Value::undefined("No caller defined")));
  }
  if (definition.uses_kwargs) {
    auto dict = std::make_shared<Dict>();
    for (auto& [name, value] : arguments.keywords) dict->set(Value(name), std::move(value));
    scope.set(kKwargs, std::shared_ptr<const Dict>(std::move(dict)));
  } else if (!arguments.keywords.empty()) {
    type_error("macro '" + definition.name + "' takes no keyword argument '" + arguments.keywords[0].first + "'");
  }
  if (definition.uses_varargs) {
    auto begin = arguments.positional.begin() + static_cast<std::ptrdiff_t>(std::min(given, expected));
    scope.set(kVarargs, Value::tuple({begin, arguments.positional.end()}));
  } else if (given > expected) {
    type_error("macro '" + definition.name + "' takes not more than " + std::to_string(expected) + " argument(s)");
  }
  for (const Parameter* parameter : absent) {
    scope.set(parameter->name, parameter->fallback != nullptr
                                   ? evaluate(*parameter->fallback)
                                   : Value::undefined("parameter '" + parameter->text + "' was not provided"));
  }
}

Value Interpreter::call_macro(const Macro& macro, Arguments arguments) {
  Call nested(*this);
  Capture capture(*this);
  InnerScope inner(*this, macro.closure());
  bind_parameters(macro, std::move(arguments), *scope_);
  run(macro.definition().body);
  return Value(capture.take());
}

}  // namespace imago::chat::jinja
