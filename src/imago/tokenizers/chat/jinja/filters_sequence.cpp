// Filters of sequences: order, groups, sums.
#include <algorithm>

#include "imago/base/unicode.h"
#include "imago/tokenizers/chat/jinja/builtins.h"
#include "imago/tokenizers/chat/jinja/failure.h"
#include "imago/tokenizers/chat/jinja/methods.h"
#include "imago/tokenizers/chat/jinja/operators.h"

namespace imago::chat::jinja {
namespace {

Value generator(const Value& source, Iterator next, std::string_view type = "generator") {
  return std::make_shared<Generator>(source, std::move(next), type);
}

Value length_filter(Interpreter&, const Value& value, Arguments arguments) {
  BoundArguments args("length", {}, 0, std::move(arguments));
  std::optional<int64_t> count = length(value);
  if (!count) type_error("object of type '" + std::string(type_name(value)) + "' has no len()");
  return *count;
}

Value list(Interpreter&, const Value& value, Arguments arguments) {
  BoundArguments args("list", {}, 0, std::move(arguments));
  return Value::list(to_vector(value));
}

Value items(Interpreter&, const Value& value, Arguments arguments) {
  BoundArguments args("items", {}, 0, std::move(arguments));
  return generator(value, [value, next = Iterator()](Value& item) mutable {
    if (value.is_undefined()) return false;
    if (!value.is_dict()) type_error("Can only get item pairs from a mapping.");
    if (!next) next = DictView(value, DictView::Kind::kItems).iterator();
    return next(item);
  });
}

Value first(Interpreter&, const Value& value, Arguments arguments) {
  BoundArguments args("first", {}, 0, std::move(arguments));
  Value item;
  if (iterate(value)(item)) return item;
  return Value::undefined("No first item, sequence was empty.");
}

// reversed(value); nullopt for what cannot be walked backwards.
std::optional<std::vector<Value>> reversed(const Value& value) {
  bool possible = value.is_string() || value.is_sequence() || value.is_dict() || value.is_undefined() ||
                  value.as<Range>() != nullptr || value.as<DictView>() != nullptr;
  if (!possible) return std::nullopt;
  std::vector<Value> all = to_vector(value);
  std::reverse(all.begin(), all.end());
  return all;
}

Value last(Interpreter&, const Value& value, Arguments arguments) {
  BoundArguments args("last", {}, 0, std::move(arguments));
  if (value.is_sequence()) {
    const auto& all = value.as_sequence().items();
    return all.empty() ? Value::undefined("No last item, sequence was empty.") : all.back();
  }
  std::optional<std::vector<Value>> all = reversed(value);
  if (!all) type_error("'" + std::string(type_name(value)) + "' object is not reversible");
  return all->empty() ? Value::undefined("No last item, sequence was empty.") : all->front();
}

Value reverse(Interpreter&, const Value& value, Arguments arguments) {
  BoundArguments args("reverse", {}, 0, std::move(arguments));
  if (value.is_string()) return slice(value, {Value(), Value(), Value(-1)});
  std::optional<std::vector<Value>> all = reversed(value);
  if (!all) {
    if (!is_iterable(value)) fail("FilterArgumentError", "argument must be iterable");
    std::vector<Value> items = to_vector(value);
    std::reverse(items.begin(), items.end());
    return Value::list(std::move(items));
  }
  return generator(value, iterate(Value::list(std::move(*all))), "list_reverseiterator");
}

Value join_filter(Interpreter&, const Value& value, Arguments arguments) {
  BoundArguments args("join", {"d", "attribute"}, 0, std::move(arguments));
  std::vector<Value> parts = to_vector(value);
  for (Value& part : parts) {
    if (args.has_not_none(1)) part = dotted_attribute(part, args[1], {});
    if (!part.is_string()) part = Value(to_text(part));
  }
  return join(Value(to_text(args.get(0, Value("")))), parts);
}

// A list of keys for each item, as sort compares them: of equal keys undefined ones may be a part.
std::vector<std::pair<Value, Value>> keyed(std::vector<Value> all, const std::vector<Value>& attributes,
                                           bool case_sensitive, const Value& fallback = {}) {
  std::vector<std::pair<Value, Value>> result;
  result.reserve(all.size());
  for (Value& item : all) {
    std::vector<Value> keys;
    for (const Value& attribute : attributes) {
      Value key = dotted_attribute(item, attribute, fallback);
      keys.push_back(case_sensitive ? key : lower_case(key));
    }
    result.emplace_back(Value::list(std::move(keys)), std::move(item));
  }
  return result;
}

void sort_by_key(std::vector<std::pair<Value, Value>>& pairs, bool backwards) {
  std::stable_sort(pairs.begin(), pairs.end(), [&](const auto& a, const auto& b) {
    spend(1);
    return backwards ? less(b.first, a.first) : less(a.first, b.first);
  });
}

std::vector<Value> attributes_of(const Value& attribute) {
  if (!attribute.is_string()) return {attribute};
  return split(attribute, Value(","), -1, false).as_sequence().items();
}

Value sort(Interpreter&, const Value& value, Arguments arguments) {
  BoundArguments args("sort", {"reverse", "case_sensitive", "attribute"}, 0, std::move(arguments));
  auto pairs = keyed(to_vector(value), attributes_of(args.get(2, {})), args.flag(1, false));
  sort_by_key(pairs, args.flag(0, false));
  std::vector<Value> sorted;
  for (auto& [key, item] : pairs) sorted.push_back(std::move(item));
  return Value::list(std::move(sorted));
}

Value dict_sort(Interpreter&, const Value& value, Arguments arguments) {
  BoundArguments args("dictsort", {"case_sensitive", "by", "reverse"}, 0, std::move(arguments));
  std::string by = args.has(1) ? args.string(1).bytes() : "key";
  if (by != "key" && by != "value") {
    fail("FilterArgumentError", "You can only sort by either \"key\" or \"value\"");
  }
  require_defined(value);
  if (!value.is_dict())
    fail("AttributeError", "'" + std::string(type_name(value)) + "' object has no attribute 'items'");
  std::vector<std::pair<Value, Value>> pairs;
  for (const auto& [key, item] : value.as_dict().items()) {
    const Value& sorted_by = by == "key" ? key : item;
    pairs.emplace_back(args.flag(0, false) ? sorted_by : lower_case(sorted_by), Value::tuple({key, item}));
  }
  sort_by_key(pairs, args.flag(2, false));
  std::vector<Value> sorted;
  for (auto& [key, item] : pairs) sorted.push_back(std::move(item));
  return Value::list(std::move(sorted));
}

Value unique(Interpreter&, const Value& value, Arguments arguments) {
  BoundArguments args("unique", {"case_sensitive", "attribute"}, 0, std::move(arguments));
  bool case_sensitive = args.flag(0, false);
  auto seen = std::make_shared<Dict>();
  return generator(value, [=, attribute = args.get(1, {}), next = Iterator()](Value& item) mutable {
    if (!next) next = iterate(value);
    while (next(item)) {
      Value key = dotted_attribute(item, attribute, {});
      if (!case_sensitive) key = lower_case(key);
      if (seen->find(key) != nullptr) continue;
      seen->set(key, true);
      return true;
    }
    return false;
  });
}

template <bool kMax>
Value extreme(Interpreter&, const Value& value, Arguments arguments) {
  BoundArguments args(kMax ? "max" : "min", {"case_sensitive", "attribute"}, 0, std::move(arguments));
  auto pairs = keyed(to_vector(value), {args.get(1, {})}, args.flag(0, false));
  for (auto& [key, item] : pairs) key = Value(key.as_sequence().items().front());
  if (pairs.empty()) return Value::undefined("No aggregated item, sequence was empty.");
  auto best = pairs.begin();
  for (auto it = best + 1; it != pairs.end(); ++it) {
    if (kMax ? less(best->first, it->first, ">") : less(it->first, best->first)) best = it;
  }
  return best->second;
}

Value group_by(Interpreter&, const Value& value, Arguments arguments) {
  BoundArguments args("groupby", {"attribute", "default", "case_sensitive"}, 1, std::move(arguments));
  auto pairs = keyed(to_vector(value), {args[0]}, args.flag(2, false), args.get(1, {}));
  for (auto& [key, item] : pairs) key = Value(key.as_sequence().items().front());
  sort_by_key(pairs, false);
  std::vector<Value> groups;
  for (auto begin = pairs.begin(); begin != pairs.end();) {
    auto end = std::find_if(begin, pairs.end(), [&](const auto& pair) { return !equals(pair.first, begin->first); });
    if (end == begin) ++end;  // a key that does not even equal itself
    std::vector<Value> members;
    for (auto it = begin; it != end; ++it) members.push_back(it->second);
    // The key as the first item has it, not in lower case.
    Value key = dotted_attribute(members.front(), args[0], args.get(1, {}));
    groups.push_back(Value::group(std::move(key), std::move(members)));
    begin = end;
  }
  return Value::list(std::move(groups));
}

Value sum(Interpreter&, const Value& value, Arguments arguments) {
  BoundArguments args("sum", {"attribute", "start"}, 0, std::move(arguments));
  Value total = args.get(1, Value(0));
  if (total.is_string()) type_error("sum() can't sum strings [use ''.join(seq) instead]");
  Value item;
  for (Iterator next = iterate(value); next(item);) {
    if (args.has_not_none(0)) item = dotted_attribute(item, args[0], {});
    total = binary(Operator::kAdd, total, item);
  }
  return total;
}

Value slice_filter(Interpreter&, const Value& value, Arguments arguments) {
  BoundArguments args("slice", {"slices", "fill_with"}, 1, std::move(arguments));
  int64_t slices = args.integer(0, 0);
  return generator(value, [=, fill = args.get(1, {}), all = std::vector<Value>(), number = int64_t{0},
                           offset = int64_t{0}](Value& item) mutable {
    if (number == 0) {
      all = to_vector(value);
      if (slices == 0) fail("ZeroDivisionError", "integer division or modulo by zero");
    }
    if (number >= slices) return false;
    auto size = static_cast<int64_t>(all.size());
    int64_t share = size / slices, extra = size % slices;
    int64_t start = offset + number * share;
    if (number < extra) ++offset;
    int64_t end = offset + (number + 1) * share;
    std::vector<Value> part(all.begin() + start, all.begin() + end);
    if (!fill.is_none() && number >= extra) part.push_back(fill);
    ++number;
    item = Value::list(std::move(part));
    return true;
  });
}

Value batch(Interpreter&, const Value& value, Arguments arguments) {
  BoundArguments args("batch", {"linecount", "fill_with"}, 1, std::move(arguments));
  int64_t count = args.integer(0, 0);
  return generator(value, [=, fill = args.get(1, {}), next = Iterator(), held = std::optional<Value>(),
                           ended = false](Value& item) mutable {
    if (!next) next = iterate(value);
    std::vector<Value> row;
    if (held.has_value()) row.push_back(*std::exchange(held, std::nullopt));
    Value taken;
    while (!ended) {
      if (!next(taken)) {
        ended = true;
        break;
      }
      if (static_cast<int64_t>(row.size()) == count) {
        held = std::move(taken);
        item = Value::list(std::move(row));
        return true;
      }
      row.push_back(std::move(taken));
      require_memory(row.capacity() * sizeof(Value));
    }
    if (row.empty()) return false;
    if (!fill.is_none() && static_cast<int64_t>(row.size()) < count) {
      require_memory(static_cast<size_t>(std::min(count, int64_t{1} << 40)) * sizeof(Value));
      row.resize(static_cast<size_t>(count), fill);
    }
    item = Value::list(std::move(row));
    return true;
  });
}

Value attr(Interpreter&, const Value& value, Arguments arguments) {
  BoundArguments args("attr", {"name"}, 1, std::move(arguments));
  const std::string& name = args.string(0).bytes();
  require_defined(value);
  std::optional<Value> found = own_attribute(value, name);
  if (found.has_value() && !name.starts_with('_')) return *found;
  return Value::undefined("'" + std::string(type_name(value)) + " object' has no attribute '" + name + "'");
}

constexpr NamedFilter kFilters[] = {
    {"attr", attr},
    {"batch", batch},
    {"count", length_filter},
    {"dictsort", dict_sort},
    {"first", first},
    {"groupby", group_by},
    {"items", items},
    {"join", join_filter},
    {"last", last},
    {"length", length_filter},
    {"list", list},
    {"max", extreme<true>},
    {"min", extreme<false>},
    {"reverse", reverse},
    {"slice", slice_filter},
    {"sort", sort},
    {"sum", sum},
    {"unique", unique},
};

}  // namespace

Filter find_sequence_filter(std::string_view name) {
  for (const NamedFilter& filter : kFilters) {
    if (filter.name == name) return filter.filter;
  }
  return nullptr;
}

}  // namespace imago::chat::jinja
