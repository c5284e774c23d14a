// How the tensors of a checkpoint become parameters of a model, as data: it serves loading and saving alike.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace imago {

// In patterns, * stands for any run of characters but it crosses no more than the text between its neighbours; what the
// stars of `checkpoint` match goes into those of `parameter`, one by one.
struct WeightRule {
  enum class Action {
    kRename,     // another name, the same values
    kTranspose,  // the two dimensions swapped (a view)
  };
  std::string checkpoint;  // "h.*.attn.c_attn.weight"
  std::string parameter;   // empty: the same name
  Action action = Action::kRename;
};

struct WeightMap {
  // The field that holds the model without its head ("model", "bert", "transformer"): a checkpoint of the bare model
  // has names without it, and the bare model reads a checkpoint of a model with a head. Empty for none.
  std::string base_model_prefix;
  // Where the model's head stands ("cls.predictions"); empty for none.
  std::string head;
  // Applied to names as the checkpoint has them, the first match counting.
  std::vector<WeightRule> rules;
  // Tensors that some checkpoints have and nothing is computed from (patterns).
  std::vector<std::string> ignored;
  // Parameters that share another's values: (the shared one, the one that is stored).
  std::vector<std::pair<std::string, std::string>> tied;
  // Parameters (patterns) that the model does without where the checkpoint has none of them: they become undefined.
  std::vector<std::string> optional;
  // Parameters (patterns) that stay float32 in a float16 model, whose range does not hold what they make.
  std::vector<std::string> keep_in_float32;
};

// What the stars of `pattern` match in `name`; nothing when it does not match.
bool match_pattern(std::string_view pattern, std::string_view name, std::vector<std::string>* stars = nullptr);

// `pattern` with its stars replaced, in order.
std::string fill_pattern(std::string_view pattern, const std::vector<std::string>& stars);

}  // namespace imago
