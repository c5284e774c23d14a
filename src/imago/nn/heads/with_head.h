// What all models with a head share.
#pragma once

#include <functional>
#include <string>

#include "imago/nn/field_name.h"
#include "imago/nn/layers.h"
#include "imago/nn/model.h"

namespace imago::nn {

// The head's arithmetic as functions that are compiled once see it, whichever module it is.
using HeadFunction = std::function<Tensor(const Tensor&)>;

// Pairs of parameters that are one: (the shared one, the one that is stored).
using Ties = std::vector<std::pair<std::string, std::string>>;

// D, under whichever of the Hub's names the configuration has it; or output_size() of an architecture whose
// output has another size than its layers.
template <class ConfigType>
int64_t hidden_size_of(const ConfigType& c) {
  if constexpr (requires { c.output_size(); }) {
    return c.output_size();
  } else if constexpr (requires { c.hidden_size; }) {
    return c.hidden_size;
  } else if constexpr (requires { c.n_embd; }) {
    return c.n_embd;
  } else if constexpr (requires { c.dim; }) {
    return c.dim;
  } else {
    return c.d_model;
  }
}

// The size of a word's vector, which is D where the configuration does not say another.
template <class ConfigType>
int64_t embedding_size_of(const ConfigType& c) {
  if constexpr (requires { c.embedding_size; }) {
    return c.embedding_size;
  } else {
    return hidden_size_of(c);
  }
}

// The weight map of a model whose bare model stands at `prefix` and whose head stands at `head`.
WeightMap with_head(WeightMap bare, std::string_view prefix, std::string_view head);

// Base is the bare model (see backbone.h), Head a module that is made of its configuration. They stand in the
// checkpoint as `prefix` and `name`; without a prefix the bare model's fields stand beside the head, without a name the
// head's beside the bare model.
template <class Interface, class Base, class Head, FieldName name, FieldName prefix = Base::kBaseModelPrefix>
struct WithHead : Interface {
  using ConfigType = typename Base::ConfigType;
  Base base;
  Head head;

  explicit WithHead(const ConfigType& c) : base(c), head(c) {}
  const ConfigType& config() const override { return base.config(); }

  void each_field(FieldVisitor& visitor) override {
    if constexpr (std::string_view(prefix).empty()) {
      base.each_field(visitor);
    } else {
      imago::internal::visit_field(visitor, prefix, base);
    }
    if constexpr (std::string_view(name).empty()) {
      head.each_field(visitor);
    } else {
      imago::internal::visit_field(visitor, name, head);
    }
  }

  WeightMap weight_map() const override {
    WeightMap map = with_head(base.weight_map(), prefix, name);
    if constexpr (requires { head.ties(name.string(), std::string()); }) {
      const std::string before = std::string_view(prefix).empty() ? "" : prefix.string() + ".";
      for (auto& tie : head.ties(name.string(), before + Base::kInputEmbeddings)) map.tied.push_back(std::move(tie));
    }
    return map;
  }

 protected:
  HeadFunction head_function() const {
    return [this](const Tensor& x) { return head(x); };
  }
};

// A model that the reference lists under another auto class beside that of its interface. A struct can say so itself:
//   static constexpr const char* kOtherAutoClass = "AutoModelForPreTraining";
template <class M, FieldName auto_class>
struct AlsoServes : M {
  static constexpr const char* kOtherAutoClass = auto_class.text;
  using M::M;
};

// Heads of one linear layer: a score per label, per choice, or of two things.
template <int64_t outputs>
struct Scores : Linear {
  template <class ConfigType>
  explicit Scores(const ConfigType& c) : Linear(hidden_size_of(c), outputs) {}
};

template <bool with_bias>
struct LabelScores : Linear {
  template <class ConfigType>
  explicit LabelScores(const ConfigType& c) : Linear(hidden_size_of(c), c.num_labels(), with_bias) {}
};

}  // namespace imago::nn
