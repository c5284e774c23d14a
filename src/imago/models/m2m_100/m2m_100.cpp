// M2M-100 (Fan et al. 2020, "Beyond English-Centric Multilingual Machine Translation") and NLLB (NLLB Team 2022, "No
// Language Left Behind"). B batch, T tokens, D hidden.
#include "imago/base/error.h"
#include "imago/nn/default_dropout.h"
#include "imago/nn/embeddings.h"
#include "imago/nn/registry.h"
#include "imago/nn/sinusoidal_positions.h"
#include "imago/nn/stack_config.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/compare/compare.h"
#include "imago/ops/operators.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/where/where.h"

namespace imago::m2m_100 {

struct M2M100Config : nn::TextStackConfig, nn::DropsByDefault {
  static constexpr const char* kModelType = "m2m_100";
  JsonText num_hidden_layers;  // of no effect: encoder_layers says it
  FIELDS_AND(TextStackConfig, num_hidden_layers)

  M2M100Config() {
    vocab_size = 128112;
    activation_function = "relu";
    scale_embedding = true;
    attention_dropout = 0.1;
    pad_token_id = 1;
    bos_token_id = 0;
    eos_token_id = {2};
    decoder_start_token_id = 2;
  }
  void validate() const override {
    TextStackConfig::validate();
    if (pad_token_id && d_model >= 4) return;
    throw Error(ErrorKind::kInvalidFile, "config.json", "there is no pad_token_id, or d_model is below 4",
                "positions begin behind pad_token_id (M2M-100 has 1), and are sines and cosines");
  }
  nn::StackOptions stack(bool decodes) const {
    nn::StackOptions options = TextStackConfig::stack(decodes);
    options.norm_first = true;
    return options;
  }
  std::vector<nn::DroppedByDefault> dropped_by_default() const override {
    return {{"encoder_layerdrop", 0.05}, {"decoder_layerdrop", 0.05}};
  }
};

// Sinusoidal positions that begin behind pad_token_id, over what is not padding; a norm at the end.
struct Stack : nn::EncoderDecoderStack {
  nn::LayerNorm layer_norm;
  FIELDS_AND(EncoderDecoderStack, layer_norm)

  Stack(const M2M100Config& c, bool is_decoder)
      : EncoderDecoderStack(c.stack(is_decoder)), layer_norm(c.d_model, 1e-5) {}
  BaseModelOutput operator()(const TextInputs& in) const {
    const Tensor words_BTD = embed_words(in);
    return run(words_BTD + positions(in, words_BTD), in, layer_norm);
  }

 private:
  Tensor positions(const TextInputs& in, const Tensor& x_BTD) const {
    const int64_t padding = *embed_tokens.padding_idx;
    TextInputs own = in;
    own.position_ids = {};
    const Tensor ids = in.inputs_embeds ? nn::positions_behind_cache(in, x_BTD) + static_cast<double>(padding + 1)
                                        : nn::position_ids_behind_padding(own, x_BTD, padding);
    const Tensor angles = nn::sinusoidal_positions(ids, x_BTD.size(2), nn::Sinusoids::kTensor2Tensor);
    return cast(masked_fill(angles, unsqueeze(eq(ids, static_cast<double>(padding)), -1), 0), x_BTD.dtype());
  }
};

using M2M100Model = nn::SharedEncoderDecoder<M2M100Config, Stack>;
using M2M100ForConditionalGeneration = nn::ForConditionalGeneration<M2M100Model>;

}  // namespace imago::m2m_100

REGISTER_MODELS(m2m_100, M2M100Model, M2M100ForConditionalGeneration)
