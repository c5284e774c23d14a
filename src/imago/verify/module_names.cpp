#include "imago/verify/module_names.h"

#include <algorithm>
#include <map>

namespace imago {
namespace {

// The model's lists of modules with how many each has: {"encoder.block": 6, "decoder.block": 6}.
std::map<std::string, int64_t> module_lists(Model& model) {
  std::map<std::string, int64_t> lists;
  for_each_parameter(model, [&](const std::string& path, Tensor&) {
    for (size_t dot = path.find('.'); dot != std::string::npos; dot = path.find('.', dot + 1)) {
      const size_t end = path.find('.', dot + 1);
      const std::string part = path.substr(dot + 1, end == std::string::npos ? end : end - dot - 1);
      if (part.empty() || part.find_first_not_of("0123456789") != std::string::npos) continue;
      int64_t& count = lists[path.substr(0, dot)];
      count = std::max(count, std::stol(part) + 1);
    }
  });
  return lists;
}

// The list that gave hidden states of this name ("encoder_hidden_states") and number.
std::string layer_list(const std::map<std::string, int64_t>& lists, const std::string& field, int64_t layers) {
  const size_t side = field.find("_hidden_states");
  const std::string part = side == std::string::npos ? std::string() : field.substr(0, side);
  for (const auto& [path, count] : lists) {
    if (count == layers && path.find(part) != std::string::npos) return path;
  }
  return "layer";
}

}  // namespace

std::string first_divergence(const std::vector<TensorCheck>& checks, Model& model) {
  const auto lists = module_lists(model);
  for (const std::string field : {"encoder_hidden_states", "hidden_states", "decoder_hidden_states"}) {
    const std::string prefix = "outputs." + field + ".";
    const auto count =
        std::count_if(checks.begin(), checks.end(), [&](const TensorCheck& c) { return c.name.starts_with(prefix); });
    for (int64_t i = 0; i < count; ++i) {
      const auto check = std::find_if(checks.begin(), checks.end(),
                                      [&](const TensorCheck& c) { return c.name == prefix + std::to_string(i); });
      if (check == checks.end() || check->passed) continue;
      return i == 0 ? "the embeddings" : layer_list(lists, field, count - 1) + "." + std::to_string(i - 1);
    }
  }
  const auto failed = std::find_if(checks.begin(), checks.end(), [](const TensorCheck& c) { return !c.passed; });
  return failed == checks.end() ? std::string() : failed->name;
}

}  // namespace imago
