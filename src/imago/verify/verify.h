// Proving a model against a golden folder: a checkpoint with inputs and what the reference made of them.
//
// A golden folder is a checkpoint as the reference's save_pretrained wrote it, and
//   golden.json: {"auto_class": "AutoModelForCausalLM", "forward": {"output_hidden_states": true},
//                 "generate": {"max_new_tokens": 16, "do_sample": false}}, and optionally
//                 "generate_runs" {name: options}, "train" {"steps", "lr", "betas", "eps", "weight_decay"},
//                 "dtype" (what the reference ran in), "seed" (of torch's generator, set before each run),
//                 "training" (whether all ran as in training, with dropout);
//   golden.safetensors: inputs.<argument>, outputs.<field>, f64.outputs.<field>, grads.<parameter>,
//   f64.grads.<parameter>,
//                 losses, f64.losses, generate.sequences, generate.<name>.sequences; of forecasters that draw from
//                 normal distributions sampling.sequences, f64.sampling.sequences and sampling.draws, the numbers
//                 drawn.
// A query that sees no key (a causal model's padding in front of a text) has an output of its own in each of the
// reference's implementations of attention: zero in sdpa, its default, and the mean of all values in eager. We compute
// both. "attn_implementation" in "forward" says which it was; without it, ours is sdpa, and where that fails, eager, if
// fewer tensors fail so. Every position is compared in any case.
// Where there is no float64 value, the reference's own is taken for the truth and its error for the largest of its
// others.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "imago/verify/compare.h"

namespace imago {

struct VerifyOptions {
  std::optional<DType> dtype;  // compute in this one; none takes the checkpoint's
};

struct VerifyReport {
  std::string model_type, auto_class;
  DType dtype = DType::f32;
  std::vector<TensorCheck> checks;
  std::vector<std::string> skipped;  // what was recorded but not compared, and why
  std::string first_divergence;      // the first module whose output is too far off; empty if none

  int64_t passed() const;
  int64_t failed() const { return static_cast<int64_t>(checks.size()) - passed(); }
  // The largest error that was not a float's last digits, over the reference's own.
  double worst_ratio() const;
};

// Throws what loading the model throws, and Error kInvalidFile for a folder that is no golden one.
VerifyReport verify(const std::string& folder, const VerifyOptions& options = {});

}  // namespace imago
