#include "imago/models/mamba2/mamba2.h"

#include <fmt/core.h>

#include "imago/base/error.h"
#include "imago/nn/registry.h"

namespace imago::mamba2 {

Mamba2Config::Mamba2Config() {
  tie_word_embeddings = false;
  pad_token_id = 1;
  bos_token_id = 0;
  eos_token_id = {2};
}

void Mamba2Config::validate() const {
  require_heads("num_heads", num_heads, "n_groups", n_groups);
  nn::time_step_limit(time_step_limit);
  if (conv_kernel >= 1 && state_size >= 1 &&
      expand * static_cast<double>(hidden_size) == static_cast<double>(inner_size()))
    return;
  throw Error(
      ErrorKind::kInvalidFile, "config.json",
      fmt::format("expand {} times hidden_size {} is to be num_heads {} times head_dim {}, with conv_kernel {} and "
                  "state_size {} at least 1",
                  expand, hidden_size, num_heads, head_dim, conv_kernel, state_size));
}

Mixer::Mixer(const Mamba2Config& c, int64_t layer)
    : Mamba2Mixer({.hidden_size = c.hidden_size,
                   .heads = c.num_heads,
                   .head_size = c.head_dim,
                   .state_size = c.state_size,
                   .groups = c.n_groups,
                   .kernel_size = c.conv_kernel,
                   .bias = c.use_bias,
                   .convolution_bias = c.use_conv_bias,
                   .output_bias = c.use_bias,
                   .activation = c.hidden_act,
                   .time_steps = nn::time_step_limit(c.time_step_limit),
                   .norm_eps = c.layer_norm_epsilon,
                   .layer = layer}) {}

}  // namespace imago::mamba2

REGISTER_MODELS(mamba2, Mamba2Model, Mamba2ForCausalLM)
