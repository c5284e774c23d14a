// Values with behaviour: callables, namespaces, ranges, generators, views.
#pragma once

#include <functional>

#include "imago/tokenizers/chat/jinja/value.h"

namespace imago::chat::jinja {

class Interpreter;

// The arguments of a call.
struct Arguments {
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> keywords;
};

// Arguments sorted to the parameters of a builtin: `names` in order, the first `required` of them mandatory, the first
// `positional_only` of them not to be named. Throws TypeError as Python does.
class BoundArguments {
 public:
  BoundArguments(std::string_view function, std::vector<std::string_view> names, size_t required, Arguments arguments,
                 size_t positional_only = 0);

  bool has(size_t i) const { return values_[i].has_value(); }
  const Value& operator[](size_t i) const { return *values_[i]; }
  Value get(size_t i, Value fallback) const { return has(i) ? *values_[i] : std::move(fallback); }
  bool has_not_none(size_t i) const { return has(i) && !values_[i]->is_none(); }
  int64_t integer(size_t i, int64_t fallback) const;  // throws TypeError unless an int or absent
  const String& string(size_t i) const;               // throws TypeError unless a str
  bool flag(size_t i, bool fallback) const { return has(i) ? truthy(*values_[i]) : fallback; }

 private:
  std::string_view function_;
  std::vector<std::optional<Value>> values_;
};

class Callable : public Object {
 public:
  using Object::Object;
  virtual Value call(Interpreter& interpreter, Arguments arguments) = 0;
  bool callable() const override { return true; }
};

class Function final : public Callable {
 public:
  using Body = std::function<Value(Interpreter&, Arguments)>;
  // `depth`: that of the value it is bound to.
  Function(std::string name, Body body, int depth = 0)
      : Callable(depth), name_(std::move(name)), body_(std::move(body)) {}

  Value call(Interpreter& interpreter, Arguments arguments) override {
    return body_(interpreter, std::move(arguments));
  }
  std::string_view type_name() const override { return "function"; }
  Text repr() const override { return Text("<function " + name_ + ">"); }

 private:
  std::string name_;
  Body body_;
};

// Yields the items of something iterable, one by one; false at the end.
using Iterator = std::function<bool(Value&)>;

// Throws TypeError for what cannot be iterated over.
Iterator iterate(const Value& value);
bool is_iterable(const Value& value);
std::vector<Value> to_vector(const Value& value);

class Iterable : public Object {
 public:
  using Object::Object;
  virtual Iterator iterator() = 0;
};

// What a generator function returns: its items can be had once.
class Generator final : public Iterable, public std::enable_shared_from_this<Generator> {
 public:
  // `source`: what it takes its items from.
  Generator(const Value& source, Iterator next, std::string_view type = "generator")
      : Iterable(source.depth() + 1), next_(std::move(next)), type_(type) {}

  Iterator iterator() override;
  std::string_view type_name() const override { return type_; }
  Text repr() const override { return Text("<" + std::string(type_) + " object>"); }

 private:
  Iterator next_;
  std::string_view type_;
};

class Range final : public Iterable {
 public:
  Range(int64_t start, int64_t stop, int64_t step);

  Iterator iterator() override;
  std::optional<int64_t> length() const override { return count_; }
  bool truthy() const override { return count_ > 0; }
  std::optional<Value> item(const Value& index) override;
  std::string_view type_name() const override { return "range"; }
  Text repr() const override;
  Value at(int64_t index) const { return start_ + index * step_; }
  bool contains(int64_t value) const;

 private:
  int64_t start_, stop_, step_, count_;
};

// dict.keys(), dict.values() and dict.items().
class DictView final : public Iterable {
 public:
  enum class Kind { kKeys, kValues, kItems };
  DictView(Value dict, Kind kind) : Iterable(dict.depth()), dict_(std::move(dict)), kind_(kind) {}

  Iterator iterator() override;
  std::optional<int64_t> length() const override { return static_cast<int64_t>(dict_.as_dict().items().size()); }
  bool truthy() const override { return !dict_.as_dict().items().empty(); }
  std::string_view type_name() const override;
  Text repr() const override;
  Value at(size_t index) const;
  const Value& dict() const { return dict_; }
  Kind kind() const { return kind_; }

 private:
  Value dict_;
  Kind kind_;
};

// Objects that can hold themselves. The interpreter keeps each until the end and then empties it, so that no cycle
// leaks and no long chain is destroyed recursively.
class Clearable {
 public:
  virtual ~Clearable() = default;
  virtual void clear() = 0;
};

class Namespace final : public Object, public Clearable {
 public:
  Namespace() : charge_(sizeof(Namespace)) {}

  void set(std::string_view name, Value value);
  std::optional<Value> attribute(std::string_view name) override;
  std::string_view type_name() const override { return "Namespace"; }
  Text repr() const override;
  void clear() override { attributes_.clear(); }

 private:
  std::vector<std::pair<std::string, Value>> attributes_;
  Charge charge_;
  mutable bool printing_ = false;
};

class Cycler final : public Object, public std::enable_shared_from_this<Cycler> {
 public:
  explicit Cycler(std::vector<Value> items) : Object(Value::list(items).depth()), items_(std::move(items)) {}
  std::optional<Value> attribute(std::string_view name) override;
  std::string_view type_name() const override { return "Cycler"; }
  Text repr() const override { return Text("<Cycler object>"); }

 private:
  std::vector<Value> items_;
  size_t position_ = 0;
};

class Joiner final : public Callable {
 public:
  explicit Joiner(Value separator) : Callable(separator.depth() + 1), separator_(std::move(separator)) {}
  Value call(Interpreter& interpreter, Arguments arguments) override;
  std::string_view type_name() const override { return "Joiner"; }
  Text repr() const override { return Text("<Joiner object>"); }

 private:
  Value separator_;
  bool used_ = false;
};

}  // namespace imago::chat::jinja
