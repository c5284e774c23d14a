// map, select and reject, and the list of all filters.
#include <algorithm>

#include "imago/tokenizers/chat/jinja/builtins.h"
#include "imago/tokenizers/chat/jinja/failure.h"
#include "imago/tokenizers/chat/jinja/interpreter.h"
#include "imago/tokenizers/chat/jinja/methods.h"
#include "imago/tokenizers/chat/jinja/numbers.h"
#include "imago/tokenizers/chat/jinja/operators.h"
#include "imago/tokenizers/chat/jinja/string_predicates.h"

namespace imago::chat::jinja {
namespace {

using Function1 = std::function<Value(const Value&)>;

Value generator(const Value& source, Iterator next) { return std::make_shared<Generator>(source, std::move(next)); }

std::optional<Value> take_keyword(Arguments& arguments, std::string_view name) {
  auto found = std::find_if(arguments.keywords.begin(), arguments.keywords.end(),
                            [&](const auto& keyword) { return keyword.first == name; });
  if (found == arguments.keywords.end()) return std::nullopt;
  Value value = std::move(found->second);
  arguments.keywords.erase(found);
  return value;
}

Function1 prepare_map(Interpreter& interpreter, Arguments arguments) {
  if (arguments.positional.empty()) {
    if (std::optional<Value> attribute = take_keyword(arguments, "attribute")) {
      Value fallback = take_keyword(arguments, "default").value_or(Value());
      if (!arguments.keywords.empty()) {
        fail("FilterArgumentError", "Unexpected keyword argument '" + arguments.keywords[0].first + "'");
      }
      return
          [attribute = *attribute, fallback](const Value& item) { return dotted_attribute(item, attribute, fallback); };
    }
    fail("FilterArgumentError", "map requires a filter argument");
  }
  Value name = arguments.positional.front();
  if (!name.is_string()) fail("TemplateRuntimeError", "No filter named " + repr(name).bytes() + ".");
  arguments.positional.erase(arguments.positional.begin());
  return [&interpreter, name, arguments](const Value& item) {
    return interpreter.apply_filter(name.bytes(), item, arguments);
  };
}

// Both wait with everything until the first item is asked for, as generator functions do.
Value map(Interpreter& interpreter, const Value& value, Arguments arguments) {
  return generator(value,
                   [&interpreter, value, arguments, next = Iterator(), function = Function1()](Value& item) mutable {
                     if (!next) {
                       if (!truthy(value)) return false;
                       function = prepare_map(interpreter, arguments);
                       next = iterate(value);
                     }
                     if (!next(item)) return false;
                     item = function(item);
                     return true;
                   });
}

Function1 prepare_selection(Interpreter& interpreter, Arguments arguments, bool of_attribute) {
  Value attribute;
  if (of_attribute) {
    if (arguments.positional.empty()) fail("FilterArgumentError", "Missing parameter for attribute name");
    attribute = arguments.positional.front();
    arguments.positional.erase(arguments.positional.begin());
  }
  std::string test;
  if (!arguments.positional.empty()) {
    if (!arguments.positional[0].is_string()) {
      fail("TemplateRuntimeError", "No test named " + repr(arguments.positional[0]).bytes() + ".");
    }
    test = arguments.positional[0].bytes();
    arguments.positional.erase(arguments.positional.begin());
  }
  return [&interpreter, attribute, of_attribute, test, arguments](const Value& item) -> Value {
    Value subject = of_attribute ? dotted_attribute(item, attribute, {}) : item;
    return test.empty() ? truthy(subject) : interpreter.apply_test(test, subject, arguments);
  };
}

template <bool kWanted, bool kOfAttribute>
Value select(Interpreter& interpreter, const Value& value, Arguments arguments) {
  return generator(value,
                   [&interpreter, value, arguments, next = Iterator(), accepts = Function1()](Value& item) mutable {
                     if (!next) {
                       if (!truthy(value)) return false;
                       accepts = prepare_selection(interpreter, arguments, kOfAttribute);
                       next = iterate(value);
                     }
                     while (next(item)) {
                       if (accepts(item).as_bool() == kWanted) return true;
                     }
                     return false;
                   });
}

constexpr NamedFilter kFilters[] = {
    {"map", map},
    {"reject", select<false, false>},
    {"rejectattr", select<false, true>},
    {"select", select<true, false>},
    {"selectattr", select<true, true>},
};

// They make HTML, depend on chance, or on the layout of Python's pprint and textwrap.
constexpr std::string_view kRefused[] = {"pprint", "random", "striptags", "urlize", "wordwrap"};

}  // namespace

Value dotted_attribute(const Value& item, const Value& attribute, const Value& fallback) {
  if (attribute.is_none()) return item;
  std::vector<Value> parts{attribute};
  if (attribute.is_string()) parts = split(attribute, Value("."), -1, false).as_sequence().items();
  Value result = item;
  for (const Value& part : parts) {
    bool number =
        part.is_string() && !part.bytes().empty() && part.bytes().find_first_not_of("0123456789") == std::string::npos;
    result = subscript(result, number ? Value(parse_integer(part.bytes(), 10).value_or(0)) : part);
    if (result.is_undefined() && !fallback.is_none()) result = fallback;
  }
  return result;
}

Filter find_selection_filter(std::string_view name) {
  for (const NamedFilter& filter : kFilters) {
    if (filter.name == name) return filter.filter;
  }
  return nullptr;
}

bool filter_exists(std::string_view name) {
  return find_text_filter(name) != nullptr || find_sequence_filter(name) != nullptr ||
         find_selection_filter(name) != nullptr ||
         std::find(std::begin(kRefused), std::end(kRefused), name) != std::end(kRefused);
}

Filter find_filter(const std::string& name) {
  for (auto find : {find_text_filter, find_sequence_filter, find_selection_filter}) {
    if (Filter filter = find(name)) return filter;
  }
  if (filter_exists(name)) unsupported("the filter '" + name + "' is not supported");
  fail("TemplateRuntimeError", "No filter named '" + name + "' found.");
}

}  // namespace imago::chat::jinja
