#include "imago/tokenizers/chat/jinja/loop.h"

#include "imago/tokenizers/chat/jinja/failure.h"

namespace imago::chat::jinja {

bool LoopContext::advance(Value& item) {
  if (after_.has_value()) {
    item = std::move(*after_);
    after_.reset();
  } else if (!next_(item)) {
    return false;
  }
  ++index0_;
  before_ = std::move(current_);
  current_ = item;
  return true;
}

std::optional<Value> LoopContext::peek() {
  Value item;
  if (!after_.has_value() && next_(item)) after_ = std::move(item);
  return after_;
}

// Takes the rest of the items where nothing else tells how many there are.
int64_t LoopContext::count() const {
  if (length_.has_value()) return *length_;
  std::vector<Value> rest;
  for (Value item; next_(item);) {
    if (rest.size() == rest.capacity()) require_memory(rest.capacity() * 2 * sizeof(Value));
    rest.push_back(std::move(item));
  }
  length_ = static_cast<int64_t>(rest.size()) + index0_ + 1 + (after_.has_value() ? 1 : 0);
  next_ = iterate(Value::list(std::move(rest)));
  return *length_;
}

std::optional<int64_t> LoopContext::length() const { return count(); }

std::optional<Value> LoopContext::attribute(std::string_view name) {
  if (name == "index") return Value(index0_ + 1);
  if (name == "index0") return Value(index0_);
  if (name == "first") return Value(index0_ == 0);
  if (name == "last") return Value(!peek().has_value());
  if (name == "length") return Value(count());
  if (name == "revindex") return Value(count() - index0_);
  if (name == "revindex0") return Value(count() - index0_ - 1);
  if (name == "depth") return Value(depth0_ + 1);
  if (name == "depth0") return Value(depth0_);
  if (name == "previtem") return index0_ == 0 ? Value::undefined("there is no previous item") : *before_;
  if (name == "nextitem") return peek().value_or(Value::undefined("there is no next item"));
  if (name == "cycle" || name == "changed") {
    bool cycles = name == "cycle";
    auto body = [self = shared_from_this(), cycles](Interpreter&, Arguments arguments) {
      return cycles ? self->cycle(std::move(arguments)) : self->changed(std::move(arguments));
    };
    return Value(std::make_shared<Function>(std::string(name), body));
  }
  return std::nullopt;
}

Value LoopContext::cycle(Arguments arguments) const {
  if (arguments.positional.empty()) type_error("no items for cycling given");
  return arguments.positional[static_cast<size_t>(index0_) % arguments.positional.size()];
}

Value LoopContext::changed(Arguments arguments) {
  Value value = Value::tuple(std::move(arguments.positional));
  if (last_changed_.has_value() && equals(*last_changed_, value)) return false;
  last_changed_ = std::move(value);
  return true;
}

Value LoopContext::call(Interpreter& interpreter, Arguments arguments) {
  BoundArguments args("loop", {"iterable"}, 1, std::move(arguments));
  if (!statement_.recursive) type_error("The loop must have the 'recursive' marker to be called recursively.");
  return interpreter.call_loop(*this, args[0]);
}

Text LoopContext::repr() const {
  return Text("<LoopContext " + std::to_string(index0_ + 1) + "/" + std::to_string(count()) + ">");
}

}  // namespace imago::chat::jinja
