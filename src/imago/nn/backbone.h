// A bare model with its configuration.
#pragma once

#include "imago/nn/model.h"

namespace imago::nn {

// A bare model whose tokens see all others, which makes vectors of texts.
struct TextEncoder : TextModel {
  static constexpr const char* kOtherAutoClass = "AutoModelForTextEncoding";
};

// An architecture without a head. It adds, for the heads that stand on it,
//   static constexpr FieldName kBaseModelPrefix = "transformer";    // its field in a model with a head
//   static constexpr const char* kInputEmbeddings = "wte.weight";   // what a language model's head is tied to
template <class C, class Interface = TextModel>
struct Backbone : Interface {
  using ConfigType = C;

  explicit Backbone(const C& config) : config_(config) {}
  const C& config() const override { return config_; }

 private:
  C config_;
};

}  // namespace imago::nn
