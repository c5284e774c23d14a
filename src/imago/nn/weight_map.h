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

// One tensor of the reference that is several parameters here: `stacked` [n, rows, columns] has in its i-th matrix the
// rows of all `parts`, below one another, whose last star is i.
struct StackRule {
  std::string stacked;             // "*mlp.experts.gate_up_proj"
  std::vector<std::string> parts;  // "*mlp.experts.*.gate_proj.weight", "*mlp.experts.*.up_proj.weight"
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
  // Those that stay float32 in a bfloat16 model too: numbers that are compared rather than multiplied.
  std::vector<std::string> always_float32;
  // The reference's names for several parameters at once, under which it gives their gradients.
  std::vector<StackRule> stacked;
};

// What the stars of `pattern` match in `name`; nothing when it does not match.
bool match_pattern(std::string_view pattern, std::string_view name, std::vector<std::string>* stars = nullptr);

// `pattern` with its stars replaced, in order.
std::string fill_pattern(std::string_view pattern, const std::vector<std::string>& stars);

}  // namespace imago
