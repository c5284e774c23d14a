// The functions that every template has.
#include "imago/tokenizers/chat/jinja/builtins.h"
#include "imago/tokenizers/chat/jinja/failure.h"
#include "imago/tokenizers/chat/jinja/interpreter.h"
#include "imago/tokenizers/chat/jinja/methods.h"

namespace imago::chat::jinja {
namespace {

Value range(Interpreter&, Arguments arguments) {
  BoundArguments args("range", {"start", "stop", "step"}, 1, std::move(arguments), 3);
  int64_t start = args.has(1) ? args.integer(0, 0) : 0;
  int64_t stop = args.has(1) ? args.integer(1, 0) : args.integer(0, 0);
  return std::make_shared<Range>(start, stop, args.integer(2, 1));
}

// dict(mapping or pairs, **keywords)
std::shared_ptr<Dict> make_dict(Arguments arguments) {
  auto dict = std::make_shared<Dict>();
  if (arguments.positional.size() > 1) {
    type_error("dict expected at most 1 argument, got " + std::to_string(arguments.positional.size()));
  }
  if (!arguments.positional.empty() && arguments.positional[0].is_dict()) {
    for (const auto& [key, value] : arguments.positional[0].as_dict().items()) dict->set(key, value);
  } else if (!arguments.positional.empty()) {
    Value item;
    for (Iterator next = iterate(arguments.positional[0]); next(item);) {
      std::vector<Value> pair = to_vector(item);
      if (pair.size() != 2) value_error("dictionary update sequence element has length " + std::to_string(pair.size()));
      dict->set(pair[0], pair[1]);
    }
  }
  for (auto& [name, value] : arguments.keywords) dict->set(Value(name), std::move(value));
  return dict;
}

class DictType final : public Callable {
 public:
  Value call(Interpreter&, Arguments arguments) override {
    return std::shared_ptr<const Dict>(make_dict(std::move(arguments)));
  }
  std::optional<Value> attribute(std::string_view name) override {
    if (name != "fromkeys") return std::nullopt;
    return find_method(std::shared_ptr<const Dict>(std::make_shared<Dict>()), name);
  }
  std::string_view type_name() const override { return "TemplateDict"; }
  Text repr() const override { return Text("<TemplateDict object>"); }
};

Value make_namespace(Interpreter& interpreter, Arguments arguments) {
  std::shared_ptr<Dict> attributes = make_dict(std::move(arguments));
  auto names = std::make_shared<Namespace>();
  interpreter.keep(names);
  for (const auto& [key, value] : attributes->items()) {
    if (!key.is_string()) unsupported("a namespace whose names are not all strings");
    if (key.bytes().starts_with('_')) {
      fail("SecurityError", "Chat templates cannot store underscore-prefixed attributes on a namespace, but got '" +
                                key.bytes() + "'. Please rename the attribute.");
    }
    names->set(key.bytes(), value);
  }
  return names;
}

Value cycler(Interpreter&, Arguments arguments) {
  if (!arguments.keywords.empty()) type_error("cycler() takes no keyword arguments");
  if (arguments.positional.empty()) fail("RuntimeError", "at least one item has to be provided");
  return std::make_shared<Cycler>(std::move(arguments.positional));
}

Value joiner(Interpreter&, Arguments arguments) {
  BoundArguments args("joiner", {"sep"}, 0, std::move(arguments));
  return std::make_shared<Joiner>(args.get(0, Value(", ")));
}

Value raise_exception(Interpreter&, Arguments arguments) {
  BoundArguments args("raise_exception", {"message"}, 1, std::move(arguments));
  fail("raise_exception", to_text(args[0]).bytes());
}

Value strftime_now(Interpreter& interpreter, Arguments arguments) {
  BoundArguments args("strftime_now", {"format"}, 1, std::move(arguments));
  return Value(Text(format_time(interpreter.now(), args.string(0).bytes()), args.string(0).text().has_user()));
}

Value lipsum(Interpreter&, Arguments) { unsupported("lipsum makes random text, which no prompt needs"); }

struct NamedFunction {
  std::string_view name;
  Value (*function)(Interpreter&, Arguments);
};

constexpr NamedFunction kFunctions[] = {
    {"range", range},   {"namespace", make_namespace},  {"raise_exception", raise_exception},
    {"cycler", cycler}, {"strftime_now", strftime_now}, {"joiner", joiner},
    {"lipsum", lipsum},
};

}  // namespace

std::optional<Value> find_global(const std::string& name) {
  if (name == "dict") return Value(std::make_shared<DictType>());
  for (const NamedFunction& entry : kFunctions) {
    if (entry.name == name) {
      return Value(std::make_shared<Function>(name, entry.function));
    }
  }
  return std::nullopt;
}

}  // namespace imago::chat::jinja
