#include "imago/nn/read_fields.h"

#include <fmt/core.h>

#include <unordered_set>

#include "imago/base/error.h"
#include "imago/base/json.h"

namespace imago {
namespace {

class Reader final : public FieldVisitor {
 public:
  Reader(const Json& json, std::string_view where) : json_(json), where_(where) {}

  void leaf(std::string_view name, FieldRef field) override {
    known_.insert(std::string(name));
    const auto found = json_.find(name);
    if (found == json_.end()) return;
    try {
      std::visit([&](auto* target) { read(*found, *target); }, field);
    } catch (const JsonError&) {
      throw Error(ErrorKind::kInvalidFile, where_,
                  fmt::format("\"{}\" has the value {}, which is of another type", name, dump_json(*found)));
    }
  }

  void enter(std::string_view name) override {
    throw Error(ErrorKind::kInternal, where_, fmt::format("the field \"{}\" has fields; keep it as Json", name));
  }
  void leave() override {}

  std::vector<std::string> unknown() const {
    std::vector<std::string> keys;
    for (const auto& [key, value] : json_.items()) {
      if (!known_.contains(key)) keys.push_back(key);
    }
    return keys;
  }

 private:
  template <class T>
  static void read(const Json& value, T& target) {
    // JSON libraries convert numbers to bool and back; a configuration never means that.
    if constexpr (std::is_same_v<T, bool>) require(value.is_boolean());
    if constexpr (std::is_same_v<T, int64_t>) require(value.is_number_integer());
    if constexpr (std::is_same_v<T, double> || std::is_same_v<T, float>) require(value.is_number());
    target = value.get<T>();
  }
  template <class T>
  static void read(const Json& value, std::optional<T>& target) {
    target.reset();
    if (value.is_null()) return;
    read(value, target.emplace());
  }
  static void read(const Json& value, JsonText& target) {
    target.text = value.is_null() ? std::string() : dump_json(value);
  }
  static void read(const Json& value, std::vector<int64_t>& target) {
    if (value.is_null()) return target.clear();
    if (!value.is_array()) {
      require(value.is_number_integer());
      target = {value.get<int64_t>()};
      return;
    }
    for (const Json& item : value) require(item.is_number_integer());
    target = value.get<std::vector<int64_t>>();
  }
  static void read(const Json&, Tensor&) { require(false); }
  static void read(const Json&, Shape&) { require(false); }
  static void read(const Json&, DType&) { require(false); }

  static void require(bool right_type) {
    if (!right_type) throw JsonError("another type");
  }

  const Json& json_;
  std::string_view where_;
  std::unordered_set<std::string> known_;
};

class Writer final : public FieldVisitor {
 public:
  explicit Writer(Json& json) : json_(json) {}

  void leaf(std::string_view name, FieldRef field) override {
    // What the file had keeps its form (a number stays a number where a list would mean the same).
    Json value = std::visit([&](auto* source) { return to_json(*source); }, field);
    Json& slot = json_[std::string(name)];
    const bool same_single = value.is_array() && value.size() == 1 && value[0] == slot;
    if (!same_single && !(value.is_array() && value.empty() && slot.is_null())) slot = std::move(value);
  }
  void enter(std::string_view) override {}
  void leave() override {}

 private:
  template <class T>
  static Json to_json(const T& value) {
    return value;
  }
  template <class T>
  static Json to_json(const std::optional<T>& value) {
    return value ? Json(*value) : Json();
  }
  static Json to_json(const JsonText& value) {
    return value.text.empty() ? Json() : parse_json(value.text, "config.json");
  }
  static Json to_json(const Tensor&) { return {}; }
  static Json to_json(const Shape&) { return {}; }
  static Json to_json(const DType& dtype) { return std::string(to_string(dtype)); }

  Json& json_;
};

}  // namespace

FieldsRead internal::read_fields(const Json& json, const std::function<void(FieldVisitor&)>& each_field,
                                 std::string_view where) {
  if (!json.is_object()) throw Error(ErrorKind::kInvalidFile, where, "expected a JSON object");
  Reader reader(json, where);
  each_field(reader);
  return {reader.unknown()};
}

void internal::write_fields(const std::function<void(FieldVisitor&)>& each_field, Json& json) {
  Writer writer(json);
  each_field(writer);
}

}  // namespace imago
