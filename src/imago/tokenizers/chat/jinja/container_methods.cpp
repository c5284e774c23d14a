// The methods of list, tuple and dict, and what binds a method to its object.
#include <algorithm>

#include "imago/tokenizers/chat/jinja/failure.h"
#include "imago/tokenizers/chat/jinja/methods.h"
#include "imago/tokenizers/chat/jinja/string_predicates.h"

namespace imago::chat::jinja {
namespace {

Value count(Interpreter&, const Value& self, Arguments arguments) {
  BoundArguments args("count", {"value"}, 1, std::move(arguments), 1);
  const auto& items = self.as_sequence().items();
  spend(static_cast<int64_t>(items.size()));
  return int64_t{std::count_if(items.begin(), items.end(), [&](const Value& item) { return equals(item, args[0]); })};
}

Value index(Interpreter&, const Value& self, Arguments arguments) {
  BoundArguments args("index", {"value", "start", "stop"}, 1, std::move(arguments), 3);
  const auto& items = self.as_sequence().items();
  auto size = static_cast<int64_t>(items.size());
  auto clip = [&](int64_t i) { return std::clamp<int64_t>(i < 0 ? i + size : i, 0, size); };
  for (int64_t i = clip(args.integer(1, 0)); i < clip(args.integer(2, size)); ++i) {
    spend(1);
    if (equals(items[static_cast<size_t>(i)], args[0])) return i;
  }
  value_error(repr(args[0]).bytes() + " is not in " + std::string(type_name(self)));
}

Value copy(Interpreter&, const Value& self, Arguments arguments) {
  BoundArguments args("copy", {}, 0, std::move(arguments));
  return self;  // nothing can change either of them
}

template <DictView::Kind kKind>
Value view(Interpreter&, const Value& self, Arguments arguments) {
  BoundArguments args("this method", {}, 0, std::move(arguments));
  return std::make_shared<DictView>(self, kKind);
}

Value get(Interpreter&, const Value& self, Arguments arguments) {
  BoundArguments args("get", {"key", "default"}, 1, std::move(arguments), 2);
  const Value* found = self.as_dict().find(args[0]);
  return found != nullptr ? *found : args.get(1, {});
}

Value from_keys(Interpreter&, const Value&, Arguments arguments) {
  BoundArguments args("fromkeys", {"iterable", "value"}, 1, std::move(arguments), 2);
  auto dict = std::make_shared<Dict>();
  Value key;
  for (Iterator next = iterate(args[0]); next(key);) dict->set(key, args.get(1, {}));
  return std::shared_ptr<const Dict>(std::move(dict));
}

constexpr NamedMethod kListMethods[] = {{"copy", copy}, {"count", count}, {"index", index}};
constexpr NamedMethod kDictMethods[] = {
    {"copy", copy},
    {"fromkeys", from_keys},
    {"get", get},
    {"items", view<DictView::Kind::kItems>},
    {"keys", view<DictView::Kind::kKeys>},
    {"values", view<DictView::Kind::kValues>},
};

}  // namespace

Method find_list_method(std::string_view name, bool tuple) {
  for (const NamedMethod& method : kListMethods) {
    if (method.name == name && !(tuple && name == "copy")) return method.method;
  }
  return nullptr;
}

Method find_dict_method(std::string_view name) {
  for (const NamedMethod& method : kDictMethods) {
    if (method.name == name) return method.method;
  }
  return nullptr;
}

bool is_mutator(const Value& object, std::string_view name) {
  static constexpr std::string_view kOfDict[] = {"clear", "pop", "popitem", "setdefault", "update"};
  static constexpr std::string_view kOfList[] = {"append", "clear", "pop",    "reverse",
                                                 "insert", "sort",  "extend", "remove"};
  auto among = [&](const auto& names) {
    return std::find(std::begin(names), std::end(names), name) != std::end(names);
  };
  return (object.is_dict() && among(kOfDict)) || (object.is_list() && among(kOfList));
}

std::optional<Value> find_method(const Value& object, std::string_view name) {
  Method method = nullptr;
  if (object.is_string()) {
    method = find_string_method(name);
  } else if (object.is_dict()) {
    method = find_dict_method(name);
  } else if (object.is_sequence()) {
    method = find_list_method(name, object.is_tuple());
  }
  if (method == nullptr) return std::nullopt;
  auto body = [object, method](Interpreter& interpreter, Arguments arguments) {
    return method(interpreter, object, std::move(arguments));
  };
  return Value(std::make_shared<Function>(std::string(name), body, object.depth()));
}

}  // namespace imago::chat::jinja
