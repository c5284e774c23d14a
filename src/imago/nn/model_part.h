// Models inside models: parts whose type a configuration inside the configuration names.
#pragma once

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

#include "imago/nn/registry.h"

namespace imago {

// The architectures of this build; auto/ makes it.
const Registry& registry();

}  // namespace imago

namespace imago::nn {

// The model of the configuration that config.json has under `key`, of `default_type` where that names none: the one
// that the first of `auto_classes` gives which the type has. Throws Error kUnsupported, naming the key, for a type that
// this build does not have, and what reading throws.
std::unique_ptr<Model> make_part(const JsonText& config, std::string_view key, std::string_view default_type,
                                 std::initializer_list<std::string_view> auto_classes = {"AutoModel"});

[[noreturn]] void throw_wrong_part(std::string_view key, const Model& part);

// The same, as what it is called as (TextModel, ImageModel).
template <class Interface>
std::unique_ptr<Interface> make_part_as(const JsonText& config, std::string_view key, std::string_view default_type,
                                        std::initializer_list<std::string_view> auto_classes = {"AutoModel"}) {
  std::unique_ptr<Model> part = make_part(config, key, default_type, auto_classes);
  auto* typed = dynamic_cast<Interface*>(part.get());
  if (typed == nullptr) throw_wrong_part(key, *part);
  part.release();
  return std::unique_ptr<Interface>(typed);
}

// A number of the part's configuration, defaults included ("hidden_size").
int64_t config_number(const Model& part, std::string_view key);

// What the part's map says of its parameters, where they stand below `prefix` ("model.language_model"). Names in
// checkpoints are the whole model's to map.
void add_part(WeightMap& map, const std::string& prefix, const WeightMap& part);

}  // namespace imago::nn
