#include "imago/tokenizers/chat/jinja/objects.h"

#include <algorithm>

#include "imago/base/unicode.h"
#include "imago/tokenizers/chat/jinja/failure.h"

namespace imago::chat::jinja {

BoundArguments::BoundArguments(std::string_view function, std::vector<std::string_view> names, size_t required,
                               Arguments arguments, size_t positional_only)
    : function_(function), values_(names.size()) {
  std::string name(function);
  if (arguments.positional.size() > names.size()) {
    type_error(name + "() takes at most " + std::to_string(names.size()) + " arguments (" +
               std::to_string(arguments.positional.size()) + " given)");
  }
  for (size_t i = 0; i < arguments.positional.size(); ++i) values_[i] = std::move(arguments.positional[i]);
  for (auto& [keyword, value] : arguments.keywords) {
    auto place = static_cast<size_t>(std::find(names.begin(), names.end(), keyword) - names.begin());
    if (place == names.size() || place < positional_only) {
      type_error(name + "() got an unexpected keyword argument '" + keyword + "'");
    }
    if (values_[place].has_value()) type_error(name + "() got multiple values for argument '" + keyword + "'");
    values_[place] = std::move(value);
  }
  for (size_t i = 0; i < required; ++i) {
    if (!has(i)) type_error(name + "() missing required argument: '" + std::string(names[i]) + "'");
  }
}

int64_t BoundArguments::integer(size_t i, int64_t fallback) const {
  if (!has(i)) return fallback;
  require_defined(*values_[i]);
  if (!values_[i]->is_integral()) {
    type_error("'" + std::string(type_name(*values_[i])) + "' object cannot be interpreted as an integer");
  }
  return values_[i]->as_integer();
}

const String& BoundArguments::string(size_t i) const {
  require_defined(*values_[i]);
  if (!values_[i]->is_string()) {
    type_error(std::string(function_) + "() argument must be str, not " + std::string(type_name(*values_[i])));
  }
  return values_[i]->as_string();
}

namespace {

Iterator iterate_string(const Value& value) {
  return [value, position = size_t{0}](Value& item) mutable {
    const String& string = value.as_string();
    if (position >= string.bytes().size()) return false;
    spend(1);
    auto size = static_cast<size_t>(decode_utf8(std::string_view(string.bytes()).substr(position)).size);
    item = Value(string.text().slice(position, position + size), string.safe());
    position += size;
    return true;
  };
}

}  // namespace

bool is_iterable(const Value& value) {
  return value.is_string() || value.is_sequence() || value.is_dict() || value.is_undefined() ||
         value.as<Iterable>() != nullptr;
}

Iterator iterate(const Value& value) {
  if (value.is_sequence()) {
    return [value, position = size_t{0}](Value& item) mutable {
      const auto& items = value.as_sequence().items();
      if (position >= items.size()) return false;
      spend(1);
      item = items[position++];
      return true;
    };
  }
  if (value.is_dict()) return DictView(value, DictView::Kind::kKeys).iterator();
  if (value.is_string()) return iterate_string(value);
  if (value.is_undefined()) return [](Value&) { return false; };
  if (auto* iterable = value.as<Iterable>()) return iterable->iterator();
  type_error("'" + std::string(type_name(value)) + "' object is not iterable");
}

std::vector<Value> to_vector(const Value& value) {
  if (value.is_sequence()) return value.as_sequence().items();
  std::vector<Value> items;
  Value item;
  for (Iterator next = iterate(value); next(item);) {
    if (items.size() == items.capacity()) require_memory(items.capacity() * 2 * sizeof(Value));
    items.push_back(std::move(item));
  }
  return items;
}

Iterator Generator::iterator() {
  return [self = shared_from_this()](Value& item) {
    spend(1);
    if (!self->next_) return false;
    if (self->next_(item)) return true;
    self->next_ = nullptr;
    return false;
  };
}

Range::Range(int64_t start, int64_t stop, int64_t step) : start_(start), stop_(stop), step_(step), count_(0) {
  constexpr int64_t kMaxRange = 100000;  // the sandbox's own bound
  if (step == 0) value_error("range() arg 3 must not be zero");
  // Unsigned, since the distance of two 64-bit numbers does not fit into a signed one.
  uint64_t distance = 0, stride = 0;
  if (step > 0 && stop > start) {
    distance = static_cast<uint64_t>(stop) - static_cast<uint64_t>(start);
    stride = static_cast<uint64_t>(step);
  } else if (step < 0 && stop < start) {
    distance = static_cast<uint64_t>(start) - static_cast<uint64_t>(stop);
    stride = uint64_t{0} - static_cast<uint64_t>(step);
  }
  uint64_t count = distance == 0 ? 0 : (distance - 1) / stride + 1;
  if (count > static_cast<uint64_t>(kMaxRange)) {
    fail("OverflowError", "Range too big. The sandbox blocks ranges larger than MAX_RANGE (100000).");
  }
  count_ = static_cast<int64_t>(count);
}

Iterator Range::iterator() {
  return [range = *this, position = int64_t{0}](Value& item) mutable {
    if (position >= range.count_) return false;
    spend(1);
    item = range.at(position++);
    return true;
  };
}

std::optional<Value> Range::item(const Value& index) {
  if (!index.is_integral()) return std::nullopt;
  int64_t i = index.as_integer() < 0 ? index.as_integer() + count_ : index.as_integer();
  if (i < 0 || i >= count_) return std::nullopt;
  return at(i);
}

bool Range::contains(int64_t value) const {
  if (count_ == 0) return false;
  int64_t first = start_, last = start_ + (count_ - 1) * step_;
  return value >= std::min(first, last) && value <= std::max(first, last) && (value - first) % step_ == 0;
}

Text Range::repr() const {
  std::string text = "range(" + std::to_string(start_) + ", " + std::to_string(stop_);
  return Text(text + (step_ == 1 ? ")" : ", " + std::to_string(step_) + ")"));
}

Value DictView::at(size_t index) const {
  const auto& [key, value] = dict_.as_dict().items()[index];
  if (kind_ == Kind::kItems) return Value::tuple({key, value});
  return kind_ == Kind::kKeys ? key : value;
}

Iterator DictView::iterator() {
  return [view = *this, position = size_t{0}](Value& item) mutable {
    if (position >= view.dict_.as_dict().items().size()) return false;
    spend(1);
    item = view.at(position++);
    return true;
  };
}

std::string_view DictView::type_name() const {
  return kind_ == Kind::kItems ? "dict_items" : kind_ == Kind::kKeys ? "dict_keys" : "dict_values";
}

Text DictView::repr() const {
  Text text(std::string(type_name()) + "(");
  text.append(jinja::repr(Value::list(to_vector(std::make_shared<DictView>(*this)))));
  text.append(")");
  return text;
}

void Namespace::set(std::string_view name, Value value) {
  for (auto& [key, held] : attributes_) {
    if (key == name) {
      held = std::move(value);
      return;
    }
  }
  charge_.add(2 * sizeof(attributes_[0]) + name.size());
  attributes_.emplace_back(std::string(name), std::move(value));
  spend(static_cast<int64_t>(attributes_.size()));
}

std::optional<Value> Namespace::attribute(std::string_view name) {
  for (auto& [key, held] : attributes_) {
    if (key == name) return held;
  }
  return std::nullopt;
}

Text Namespace::repr() const {
  if (printing_) return Text("<Namespace {...}>");
  printing_ = true;
  struct Reset {
    bool& flag;
    ~Reset() { flag = false; }
  } reset{printing_};
  Text text("<Namespace {");
  for (const auto& [name, value] : attributes_) {
    if (&name != &attributes_.front().first) text.append(", ");
    text.append(jinja::repr(Value(name)));
    text.append(": ");
    text.append(jinja::repr(value));
    require_memory(text.size());
  }
  text.append("}>");
  return text;
}

std::optional<Value> Cycler::attribute(std::string_view name) {
  if (name == "current") return items_[position_];
  if (name == "next") {
    return Value(std::make_shared<Function>("next", [self = shared_from_this()](Interpreter&, Arguments) {
      Value current = self->items_[self->position_];
      self->position_ = (self->position_ + 1) % self->items_.size();
      return current;
    }));
  }
  if (name == "reset") {
    return Value(std::make_shared<Function>("reset", [self = shared_from_this()](Interpreter&, Arguments) {
      self->position_ = 0;
      return Value();
    }));
  }
  return std::nullopt;
}

Value Joiner::call(Interpreter&, Arguments) {
  if (used_) return separator_;
  used_ = true;
  return Value("");
}

}  // namespace imago::chat::jinja
