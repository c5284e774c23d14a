// The architectures of this build. CMake finds every models/<model_type>/ and writes a table of calls to
//   void register_<model_type>(Registry&);
// which that folder defines.
#pragma once

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "imago/nn/model.h"

namespace imago {

class Registry {
 public:
  struct Entry {
    std::string model_type;
    std::string architecture;               // the class, as config.json's `architectures` has it
    std::vector<std::string> auto_classes;  // "AutoModelForCausalLM", ...
    // Builds the model without values. The JSON is config.json.
    std::unique_ptr<Model> (*make)(const Json& config);
  };

  // Model is constructible from its ConfigType, and lies on the meta device until it is loaded. It serves the auto
  // class of its interface (Model::kAutoClass) and these others.
  template <class Model>
  void add(std::string_view architecture, std::initializer_list<std::string_view> other_auto_classes = {}) {
    Entry entry{Model::ConfigType::kModelType,
                std::string(architecture),
                {other_auto_classes.begin(), other_auto_classes.end()},
                make<Model>};
    if constexpr (requires { Model::kAutoClass; }) entry.auto_classes.emplace_back(Model::kAutoClass);
    entries_.push_back(std::move(entry));
  }

  const std::vector<Entry>& entries() const { return entries_; }

 private:
  template <class Model>
  static std::unique_ptr<imago::Model> make(const Json& json) {
    typename Model::ConfigType config;
    read_config(json, config);
    return std::make_unique<Model>(config);
  }

  std::vector<Entry> entries_;
};

}  // namespace imago
