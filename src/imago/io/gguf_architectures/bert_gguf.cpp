// BERT in GGUF files: the encoder alone, for embeddings.
#include <fmt/core.h>

#include <filesystem>
#include <string>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/io/gguf_architecture.h"

namespace imago {
namespace {

void complete_bert(const GgufSource& source, Json& config) {
  if (source.header.metadata.boolean(source.key("attention.causal")).value_or(false)) {
    throw Error(ErrorKind::kUnsupported, "gguf", "attention.causal is true: a decoder");
  }
  config["vocab_size"] = source.shape("token_embd.weight")[0];
  config["type_vocab_size"] = source.shape("token_types.weight")[0];
}

// What a sentence's embedding is made of, where the folder is that of a sentence encoder: 1 the mean of the states, 2
// the first one. 0 where the folder does not say.
int64_t pooling_type(const std::string& folder) {
  const std::string path = folder + "/1_Pooling/config.json";
  if (!std::filesystem::exists(path)) return 0;
  const Json pooling = read_json(path);
  const auto is_set = [&](const char* mode) {
    const auto found = pooling.find(mode);
    return found != pooling.end() && *found == true;
  };
  if (is_set("pooling_mode_mean_tokens")) return 1;
  if (is_set("pooling_mode_cls_token")) return 2;
  throw Error(ErrorKind::kUnsupported, "1_Pooling/config.json", "neither the mean nor the first token");
}

void describe_bert(const Json& config, GgufTarget& target) {
  if (config.at("is_decoder").get<bool>()) {
    throw Error(ErrorKind::kUnsupported, "gguf", "the architecture is an encoder: is_decoder must be false");
  }
  target.entries.add_boolean(target.key("attention.causal"), false);
  target.entries.add_integer(target.key("vocab_size"), config.at("vocab_size").get<int64_t>());
  if (const int64_t pooling = pooling_type(target.folder)) {
    target.entries.add_integer(target.key("pooling_type"), pooling);
  }
  target.entries.add_integer("tokenizer.ggml.token_type_count", config.at("type_vocab_size").get<int64_t>());
}

}  // namespace

void register_bert_gguf(GgufArchitectures& architectures) {
  using Kind = GgufArchitecture::Kind;
  architectures.add({
      .name = "bert",
      .model_type = "bert",
      .architecture = "BertModel",
      .keys = {{"context_length", "max_position_embeddings", Kind::kInteger, true},
               {"embedding_length", "hidden_size", Kind::kInteger, true},
               {"block_count", "num_hidden_layers", Kind::kInteger, true},
               {"feed_forward_length", "intermediate_size", Kind::kInteger, true},
               {"attention.head_count", "num_attention_heads", Kind::kInteger, true},
               {"attention.layer_norm_epsilon", "layer_norm_eps", Kind::kNumber, true},
               {"attention.causal", "", Kind::kIgnored},
               {"pooling_type", "", Kind::kIgnored},  // what is made of the states afterwards
               {"vocab_size", "", Kind::kIgnored}},
      .tensors = {{"token_embd", "embeddings.word_embeddings"},
                  {"position_embd", "embeddings.position_embeddings"},
                  {"token_types", "embeddings.token_type_embeddings"},
                  {"token_embd_norm", "embeddings.LayerNorm"},
                  {"blk.*.attn_q", "encoder.layer.*.attention.self.query"},
                  {"blk.*.attn_k", "encoder.layer.*.attention.self.key"},
                  {"blk.*.attn_v", "encoder.layer.*.attention.self.value"},
                  {"blk.*.attn_output", "encoder.layer.*.attention.output.dense"},
                  {"blk.*.attn_output_norm", "encoder.layer.*.attention.output.LayerNorm"},
                  {"blk.*.ffn_up", "encoder.layer.*.intermediate.dense"},
                  {"blk.*.ffn_down", "encoder.layer.*.output.dense"},
                  {"blk.*.layer_output_norm", "encoder.layer.*.output.LayerNorm"}},
      .ignored_tensors = {},
      .complete = complete_bert,
      .describe = describe_bert,
      // What is left out of the tensors has no need of these.
      .described = {"vocab_size", "type_vocab_size", "is_decoder", "add_cross_attention", "tie_word_embeddings"},
      .left_out = {"pooler.dense.*"},
  });
}

}  // namespace imago
