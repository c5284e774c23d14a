// Renders a parsed template.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "imago/tokenizers/chat/jinja/ast.h"
#include "imago/tokenizers/chat/jinja/clock.h"
#include "imago/tokenizers/chat/jinja/objects.h"
#include "imago/tokenizers/chat/limits.h"

namespace imago::chat::jinja {

struct Scope {
  std::shared_ptr<Scope> parent;
  std::vector<std::pair<uint32_t, Value>> variables;
  bool captured = false;  // by a macro

  void set(uint32_t name, Value value);
  const Value* find(uint32_t name) const;  // here and in the scopes around
};

struct Rendered {
  Text text;
  std::vector<ByteRange> generations;  // what the bodies of {% generation %} wrote
};

class Macro;
class LoopContext;

class Interpreter {
 public:
  Interpreter(const Program& program, const RenderLimits& limits, const LocalTime& now);
  ~Interpreter();
  Interpreter(const Interpreter&) = delete;
  Interpreter& operator=(const Interpreter&) = delete;

  // Throws Failure; position() then tells where.
  Rendered render(std::vector<std::pair<std::string, Value>> variables);
  Position position() const { return position_; }

  Value call(const Value& callee, Arguments arguments);
  Value call_macro(const Macro& macro, Arguments arguments);
  Value call_loop(const LoopContext& loop, const Value& iterable);
  Value apply_filter(const std::string& name, const Value& value, Arguments arguments);
  bool apply_test(const std::string& name, const Value& value, Arguments arguments);

  const LocalTime& now() const { return now_; }
  // Keeps an object that may hold itself, to be emptied at the end.
  void keep(std::shared_ptr<Clearable> object) {
    constexpr size_t kMemory = 256;  // of a scope or a namespace, with what the allocator adds
    kept_charge_.add(kMemory);
    kept_.push_back(std::move(object));
  }

 private:
  enum class Flow { kNormal, kBreak, kContinue };
  class Call;
  class InnerScope;
  class Capture;

  Flow run(const Block& block);
  Flow run(const Statement& statement);
  Flow run_if(const Statement& statement);
  Flow run_captured(const Statement& statement);
  void run_for(const Statement& statement, const Value& iterable, int depth, std::shared_ptr<Scope> around);
  Iterator filtered(const Statement& statement, Iterator source, const std::shared_ptr<Scope>& around);
  void run_set(const Statement& statement);
  void run_macro(const Statement& statement);
  void run_call_block(const Statement& statement);
  void run_with(const Statement& statement);
  Value make_macro(std::shared_ptr<const MacroDefinition> definition);
  void bind_parameters(const Macro& macro, Arguments arguments, Scope& scope);

  void assign(const Target& target, Value value, Scope& scope);
  void require_namespaces(const Target& target);
  void write(const Text& text);
  void write(std::string_view text);

  Value evaluate(const Expression& e);
  Value evaluate_kind(const Expression& e);
  Value evaluate_name(const Expression& e);
  Value evaluate_dict(const Expression& e);
  Value evaluate_concatenation(const Expression& e);
  bool evaluate_comparison(const Expression& e);
  Value evaluate_conditional(const Expression& e);
  Value evaluate_subscript(const Expression& e);
  Value evaluate_call(const Expression& e, Value caller = {});
  Value evaluate_filter(const Expression& e);
  std::vector<Value> evaluate_all(const std::vector<ExpressionPtr>& expressions);
  Arguments evaluate_arguments(const CallArguments& arguments);

  const Program& program_;
  LocalTime now_;
  Budget budget_;
  std::shared_ptr<Scope> scope_;
  Rendered result_;
  Text* output_ = nullptr;  // of the innermost capture
  Charge* output_charge_ = nullptr;
  Value block_input_;  // what a filter block or a set block feeds to its filters
  Position position_;
  int calls_ = 0, depth_ = 0;
  std::vector<std::shared_ptr<Clearable>> kept_;
  Charge kept_charge_{0};
};

class Macro final : public Callable {
 public:
  Macro(std::shared_ptr<const MacroDefinition> definition, std::shared_ptr<Scope> closure)
      : definition_(std::move(definition)), closure_(std::move(closure)) {}

  Value call(Interpreter& interpreter, Arguments arguments) override {
    return interpreter.call_macro(*this, std::move(arguments));
  }
  std::optional<Value> attribute(std::string_view name) override;
  std::string_view type_name() const override { return "Macro"; }
  Text repr() const override { return Text("<Macro '" + definition_->name + "'>"); }
  const MacroDefinition& definition() const { return *definition_; }
  const std::shared_ptr<Scope>& closure() const { return closure_; }

 private:
  std::shared_ptr<const MacroDefinition> definition_;
  std::shared_ptr<Scope> closure_;
};

}  // namespace imago::chat::jinja
