// The architectures of this build. CMake finds every models/<model_type>/ and writes a table of calls to
//   void register_<model_type>(Registry&);
// which REGISTER_MODELS(<model_type>, ...) defines in that folder.
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
  // class of its interface (Model::kAutoClass), the other one that it names (Model::kOtherAutoClass), and these.
  template <class Model>
  void add(std::string_view architecture, std::initializer_list<std::string_view> other_auto_classes = {}) {
    Entry entry{Model::ConfigType::kModelType,
                std::string(architecture),
                {other_auto_classes.begin(), other_auto_classes.end()},
                make<Model>};
    if constexpr (requires { Model::kOtherAutoClass; }) entry.auto_classes.emplace_back(Model::kOtherAutoClass);
    if constexpr (requires { Model::kAutoClass; }) entry.auto_classes.emplace_back(Model::kAutoClass);
    entries_.push_back(std::move(entry));
  }

  // Each model under its class's own name. `names` is the list of classes as text.
  template <class First, class... Rest>
  void add_all(std::string_view names) {
    const size_t comma = names.find(',');
    add<First>(names.substr(0, comma));
    if constexpr (sizeof...(Rest) > 0) add_all<Rest...>(names.substr(names.find_first_not_of(" \n", comma + 1)));
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

// Outside of every namespace: REGISTER_MODELS(llama, LlamaModel, LlamaForCausalLM) defines register_llama, which adds
// these classes of imago::llama under their own names.
#define REGISTER_MODELS(folder, ...)             \
  namespace imago {                              \
  void register_##folder(Registry& registry) {   \
    using namespace folder;                      \
    registry.add_all<__VA_ARGS__>(#__VA_ARGS__); \
  }                                              \
  }
