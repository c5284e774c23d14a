// The parsed template.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "imago/tokenizers/chat/jinja/value.h"

namespace imago::chat::jinja {

struct Position {
  int line = 1;
  int column = 1;
};

enum class ExpressionKind : uint8_t {
  kConstant,
  kName,
  kList,
  kTuple,
  kDict,
  kUnary,
  kBinary,
  kAnd,
  kOr,
  kNot,
  kConcat,
  kCompare,
  kConditional,
  kAttribute,
  kSubscript,
  kSlice,
  kCall,
  kFilter,
  kTest,
};

enum class Operator : uint8_t {
  kAdd,
  kSubtract,
  kMultiply,
  kDivide,
  kFloorDivide,
  kModulo,
  kPower,
  kPositive,
  kNegative,
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kIn,
  kNotIn,
};

struct Expression;
using ExpressionPtr = std::unique_ptr<Expression>;

// The arguments of a call, a filter or a test.
struct CallArguments {
  std::vector<ExpressionPtr> positional;
  std::vector<std::pair<std::string, ExpressionPtr>> keywords;
  ExpressionPtr rest;           // *rest
  ExpressionPtr rest_keywords;  // **rest_keywords
};

// One struct for all kinds: what each of them uses is told beside the fields.
struct Expression {
  ExpressionKind kind;
  Operator operation = Operator::kAdd;  // kUnary, kBinary
  Position position;
  int depth = 1;      // of the tree, which is walked recursively
  uint32_t name = 0;  // kName: the interned name
  Value constant;     // kConstant
  std::string text;   // kAttribute, kFilter, kTest: the name
  // kList, kTuple, kConcat: items; kDict: keys and values in turn; kCompare: operands; kConditional: then, test, else;
  // kSlice: start, stop, step (each may be null); the others: operands, object before key
  std::vector<ExpressionPtr> operands;
  std::vector<Operator> comparisons;         // kCompare
  std::unique_ptr<CallArguments> arguments;  // kCall, kFilter, kTest
};

// What is assigned to: a name, an attribute of a namespace, or a tuple of targets.
struct Target {
  uint32_t name = UINT32_MAX;  // none
  std::string name_text;
  std::string attribute;        // of the namespace `name`, where not empty
  std::vector<Target> targets;  // a tuple, where `tuple`
  bool tuple = false;
  Position position;
};

enum class StatementKind : uint8_t {
  kText,
  kOutput,
  kIf,
  kFor,
  kSet,
  kSetBlock,
  kMacro,
  kCallBlock,
  kFilterBlock,
  kWith,
  kGeneration,
  kScope,
  kBreak,
  kContinue,
};

struct Statement;
using Block = std::vector<std::unique_ptr<Statement>>;

struct Parameter {
  uint32_t name = 0;
  std::string text;
  ExpressionPtr fallback;
};

// The signature and body of a macro, or of the block of a call.
struct MacroDefinition {
  std::string name;
  uint32_t symbol = 0;
  std::vector<Parameter> parameters;
  Block body;
  bool uses_caller = false, uses_varargs = false, uses_kwargs = false, explicit_caller = false;
};

struct Branch {
  ExpressionPtr test;  // null: else
  Block body;
};

struct Statement {
  StatementKind kind;
  Position position;
  std::string text;              // kText
  ExpressionPtr expression;      // kOutput, kSet: the value; kFor: the iterable; kCallBlock: the call;
                                 // kFilterBlock, kSetBlock: the filters, whose innermost operand is null
  ExpressionPtr filter;          // kFor: the condition
  Target target;                 // kFor, kSet, kSetBlock
  std::vector<Branch> branches;  // kIf
  std::vector<std::pair<Target, ExpressionPtr>> bindings;  // kWith
  Block body, otherwise;                                   // otherwise: kFor
  bool recursive = false, uses_loop = false;               // kFor
  std::shared_ptr<const MacroDefinition> macro;            // kMacro, kCallBlock
};

// Names are numbered, so that looking one up compares integers.
class Names {
 public:
  uint32_t intern(const std::string& name);
  const std::string& operator[](uint32_t id) const { return names_[id]; }
  size_t size() const { return names_.size(); }

 private:
  std::vector<std::string> names_;
  std::unordered_map<std::string, uint32_t> ids_;
};

// Names that the interpreter itself looks for have fixed numbers.
enum FixedName : uint32_t { kLoop, kCaller, kVarargs, kKwargs, kFixedNames };

struct Program {
  Names names;
  Block body;
};

}  // namespace imago::chat::jinja
