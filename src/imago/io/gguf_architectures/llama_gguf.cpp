// Llama in GGUF files.

#include "imago/base/json.h"
#include "imago/io/gguf_decoder.h"

namespace imago {
namespace {

void complete_llama(const GgufSource& source, Json& config) {
  complete_rotary_decoder(source, config);
  config["attention_bias"] = source.has_tensor("blk.0.attn_q.bias");
  config["mlp_bias"] = source.has_tensor("blk.0.ffn_up.bias");
}

}  // namespace

void register_llama_gguf(GgufArchitectures& architectures) {
  GgufArchitecture llama{.name = "llama",
                         .model_type = "llama",
                         .architecture = "LlamaForCausalLM",
                         .keys = rotary_decoder_keys(),
                         .tensors = rotary_decoder_tensors(true),
                         .ignored_tensors = {"rope_freqs.weight"},
                         .complete = complete_llama,
                         .describe = describe_rotary_decoder,
                         .described = rotary_decoder_described(),
                         .left_out = {}};
  llama.described.insert(llama.described.end(), {"attention_bias", "mlp_bias"});
  architectures.add(std::move(llama));
}

}  // namespace imago
