#include "imago/train/make_optimizer.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <functional>
#include <map>

#include "imago/base/error.h"
#include "imago/train/adafactor.h"
#include "imago/train/adamw.h"
#include "imago/train/adamw_8bit.h"
#include "imago/train/lion.h"
#include "imago/train/mixed_optimizer.h"
#include "imago/train/muon.h"
#include "imago/train/sgd.h"

namespace imago {
namespace {

constexpr const char* kWhere = "optim_args";

// "momentum=0.95, ns_steps=5": each option is taken once, by the optimizer that has it.
class Options {
 public:
  explicit Options(const std::string& text) {
    std::string plain;
    std::copy_if(text.begin(), text.end(), std::back_inserter(plain), [](char c) { return c != ' '; });
    for (size_t at = 0; at < plain.size();) {
      const size_t comma = std::min(plain.find(',', at), plain.size()), equals = plain.find('=', at);
      if (equals >= comma) {
        throw Error(ErrorKind::kInvalidArgument, kWhere, "an option has no value: " + plain.substr(at, comma - at),
                    "write name=value, separated by commas");
      }
      values_[plain.substr(at, equals - at)] = plain.substr(equals + 1, comma - equals - 1);
      at = comma + 1;
    }
  }

  double take(const std::string& name, double otherwise) {
    const auto found = values_.find(name);
    if (found == values_.end()) return otherwise;
    const std::string text = found->second;
    values_.erase(found);
    if (text == "True" || text == "true") return 1;
    if (text == "False" || text == "false") return 0;
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error == std::errc{} && end == text.data() + text.size()) return value;
    throw Error(ErrorKind::kInvalidArgument, kWhere, fmt::format("{} is \"{}\", which is no number", name, text));
  }

  void expect_all_taken(const std::string& optim) const {
    if (values_.empty()) return;
    throw Error(ErrorKind::kInvalidArgument, kWhere,
                fmt::format("optim {} has no option {}", optim, values_.begin()->first), "leave it out");
  }

 private:
  std::map<std::string, std::string> values_;
};

using Groups = std::vector<ParameterGroup>;
using Make = std::unique_ptr<Optimizer> (*)(const TrainingArguments&, Groups, Options&);

AdamWOptions adamw_options(const TrainingArguments& a) {
  return {.beta1 = a.adam_beta1, .beta2 = a.adam_beta2, .eps = a.adam_epsilon};
}

std::unique_ptr<Optimizer> make_adamw(const TrainingArguments& a, Groups groups, Options&) {
  return std::make_unique<AdamW>(std::move(groups), adamw_options(a));
}

std::unique_ptr<Optimizer> make_adamw_8bit(const TrainingArguments& a, Groups groups, Options&) {
  std::vector<std::unique_ptr<Optimizer>> rules(groups.size());
  for (std::unique_ptr<Optimizer>& rule : rules) rule = std::make_unique<AdamW8bit>(Groups{}, adamw_options(a));
  rules.back() = std::make_unique<AdamW>(Groups{}, adamw_options(a));
  return std::make_unique<MixedOptimizer>(std::move(groups), std::move(rules));
}

std::unique_ptr<Optimizer> make_sgd(const TrainingArguments&, Groups groups, Options&) {
  return std::make_unique<SGD>(std::move(groups), SGDOptions{});
}

std::unique_ptr<Optimizer> make_adafactor(const TrainingArguments&, Groups groups, Options&) {
  AdafactorOptions options;
  options.scale_parameter = options.relative_step = false;
  return std::make_unique<Adafactor>(std::move(groups), options);
}

std::unique_ptr<Optimizer> make_lion(const TrainingArguments& a, Groups groups, Options&) {
  return std::make_unique<Lion>(std::move(groups), LionOptions{.beta1 = a.adam_beta1, .beta2 = a.adam_beta2});
}

std::unique_ptr<Optimizer> make_muon(const TrainingArguments& a, Groups groups, Options& options) {
  MuonOptions muon{.match_rms_adamw = true};
  muon.momentum = options.take("momentum", muon.momentum);
  muon.nesterov = options.take("nesterov", 1) != 0;
  muon.ns_steps = static_cast<int>(options.take("ns_steps", muon.ns_steps));
  std::vector<std::unique_ptr<Optimizer>> rules(groups.size());
  for (std::unique_ptr<Optimizer>& rule : rules) rule = std::make_unique<AdamW>(Groups{}, adamw_options(a));
  rules.back() = std::make_unique<Muon>(Groups{}, muon);
  return std::make_unique<MixedOptimizer>(std::move(groups), std::move(rules));
}

struct Kind {
  const char* name;
  Make make;
  int64_t state_bytes;  // of a parameter's element, nearly
  // Parameters that are set apart, behind those with and without weight decay: the matrices inside the network of Muon,
  // the embeddings of 8 bits, which the reference keeps in 32. They decay.
  bool (*set_apart)(const NamedParameter&) = nullptr;
  bool whole = false;  // needs parameters that processes do not divide
};

bool is_inner_matrix(const NamedParameter& p) { return p.value.dim() == 2 && p.role == NamedParameter::Role::kOther; }
bool is_embedding(const NamedParameter& p) { return p.role == NamedParameter::Role::kEmbedding; }

const Kind kKinds[] = {
    {"adamw_torch", make_adamw, 8},
    {"adamw_torch_fused", make_adamw, 8},
    {"adamw_bnb_8bit", make_adamw_8bit, 2, is_embedding, true},
    {"adamw_8bit", make_adamw_8bit, 2, is_embedding, true},
    {"adafactor", make_adafactor, 0, nullptr, true},
    {"lion_32bit", make_lion, 4},
    {"muon", make_muon, 4, is_inner_matrix, true},
    {"sgd", make_sgd, 0},
};

const Kind& kind_of(const std::string& optim) {
  const auto* const found =
      std::find_if(std::begin(kKinds), std::end(kKinds), [&](const Kind& each) { return optim == each.name; });
  if (found == std::end(kKinds)) throw Error(ErrorKind::kUnsupported, "train", "there is no optim " + optim);
  return *found;
}

}  // namespace

std::vector<std::string> optimizer_names() {
  std::vector<std::string> names;
  for (const Kind& kind : kKinds) names.emplace_back(kind.name);
  return names;
}

int64_t optimizer_state_bytes(const std::string& optim) { return kind_of(optim).state_bytes; }

std::unique_ptr<Optimizer> make_optimizer(const TrainingArguments& arguments, std::vector<NamedParameter>& parameters) {
  const Kind& kind = kind_of(arguments.optim);
  const auto group_of = [&](const NamedParameter& p) {
    return kind.set_apart != nullptr && kind.set_apart(p) ? 2 : is_decayed(p) ? 0 : 1;
  };
  std::stable_sort(parameters.begin(), parameters.end(),
                   [&](const auto& a, const auto& b) { return group_of(a) < group_of(b); });
  Groups groups(kind.set_apart != nullptr ? 3 : 2);
  for (const NamedParameter& parameter : parameters) {
    if (kind.whole && parameter.sharding) {
      throw Error(ErrorKind::kUnsupported, "train",
                  fmt::format("optim {} on parameters that processes divide", kind.name),
                  "it needs whole parameters: choose adamw_torch, or parallel: data");
    }
    groups[static_cast<size_t>(group_of(parameter))].parameters.push_back(parameter.value);
  }
  for (size_t i = 0; i < groups.size(); ++i) groups[i].weight_decay = i == 1 ? 0 : arguments.weight_decay;
  Options options(arguments.optim_args.value_or(""));
  std::unique_ptr<Optimizer> optimizer = kind.make(arguments, std::move(groups), options);
  options.expect_all_taken(arguments.optim);
  return optimizer;
}

}  // namespace imago
