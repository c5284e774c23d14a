// Mamba 2 (Dao and Gu 2024, "Transformers are SSMs: Generalized Models and Efficient Algorithms Through Structured
// State Space Duality").
#include <fmt/core.h>

#include "imago/base/error.h"
#include "imago/nn/mamba2_mixer.h"
#include "imago/nn/registry.h"

namespace imago::mamba2 {

struct Mamba2Config : Config {
  static constexpr const char* kModelType = "mamba2";
  int64_t vocab_size = 32768, hidden_size = 4096, num_heads = 128, head_dim = 64, state_size = 128, n_groups = 8;
  int64_t num_hidden_layers = 64, conv_kernel = 4;
  double expand = 2;
  bool use_bias = false, use_conv_bias = true, residual_in_fp32 = true;
  std::string hidden_act = "silu";
  double layer_norm_epsilon = 1e-5;
  JsonText time_step_limit;  // the least and the largest time step
  // Of no effect: how weights are drawn, and into which pieces the reference cuts its sums.
  JsonText time_step_rank, time_step_min, time_step_max, time_step_floor, rescale_prenorm_residual, chunk_size,
      rms_norm, norm_before_gate;
  FIELDS_AND(Config, vocab_size, hidden_size, num_heads, head_dim, state_size, n_groups, num_hidden_layers, conv_kernel,
             expand, use_bias, use_conv_bias, residual_in_fp32, hidden_act, layer_norm_epsilon, time_step_limit,
             time_step_rank, time_step_min, time_step_max, time_step_floor, rescale_prenorm_residual, chunk_size,
             rms_norm, norm_before_gate)

  Mamba2Config() {
    tie_word_embeddings = false;
    pad_token_id = 1;
    bos_token_id = 0;
    eos_token_id = {2};
  }
  void validate() const override {
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
  int64_t inner_size() const { return num_heads * head_dim; }
};

struct Mixer : nn::Mamba2Mixer {
  Mixer(const Mamba2Config& c, int64_t layer)
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
};

using Mamba2Model = nn::StateSpaceModel<Mamba2Config, Mixer>;
using Mamba2ForCausalLM = nn::AlsoServes<nn::ForCausalLM<Mamba2Model, nn::WideLMHead>, "AutoModelForPreTraining">;

}  // namespace imago::mamba2

REGISTER_MODELS(mamba2, Mamba2Model, Mamba2ForCausalLM)
