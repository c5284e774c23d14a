#include "imago/nn/config.h"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/nn/read_fields.h"

namespace imago {
namespace {

// Keys that do not change what a forward pass computes: bookkeeping, training-time settings, and generation settings
// that old checkpoints kept here (generation reads its own file).
constexpr std::array kInertKeys = {"_name_or_path",
                                   "_num_labels",
                                   "_attn_implementation",
                                   "_attn_implementation_autoset",
                                   "_commit_hash",
                                   "transformers_version",
                                   "torch_dtype",
                                   "torchscript",
                                   "use_cache",
                                   "initializer_range",
                                   "initializer_factor",
                                   "gradient_checkpointing",
                                   "output_attentions",
                                   "output_hidden_states",
                                   "output_past",
                                   "return_dict",
                                   "label2id",
                                   "num_labels",
                                   "finetuning_task",
                                   "task_specific_params",
                                   "tokenizer_class",
                                   "prefix",
                                   "sep_token_id",
                                   "cls_token_id",
                                   "unk_token_id",
                                   "pretraining_tp",
                                   "use_bfloat16",
                                   "keys_to_ignore_at_inference",
                                   "pruned_heads",
                                   "auto_map",
                                   "attention_dropout",
                                   "attention_probs_dropout_prob",
                                   "hidden_dropout_prob",
                                   "hidden_dropout",
                                   "dropout",
                                   "dropout_rate",
                                   "classifier_dropout",
                                   "attn_pdrop",
                                   "embd_pdrop",
                                   "resid_pdrop",
                                   "summary_first_dropout",
                                   "summary_last_dropout",
                                   "activation_dropout",
                                   "classifier_dropout_prob",
                                   "classif_dropout",
                                   "qa_dropout",
                                   "seq_classif_dropout",
                                   "encoder_layerdrop",
                                   "decoder_layerdrop",
                                   "layerdrop",
                                   "feat_proj_dropout",
                                   "feat_quantizer_dropout",
                                   "feat_extract_dropout",
                                   "final_dropout",
                                   "positional_dropout",
                                   "conformer_conv_dropout",
                                   "path_dropout",
                                   "ff_dropout",
                                   "head_dropout",
                                   "apply_spec_augment",  // what training hides
                                   "mask_time_prob",
                                   "mask_time_length",
                                   "mask_time_min_masks",
                                   "mask_time_min_space",
                                   "mask_time_other",
                                   "mask_time_selection",
                                   "mask_feature_prob",
                                   "mask_feature_length",
                                   "mask_feature_min_masks",
                                   "mask_channel_length",
                                   "mask_channel_min_space",
                                   "mask_channel_other",
                                   "mask_channel_prob",
                                   "mask_channel_selection",
                                   "init_std",
                                   "sinusoidal_pos_embds",  // initial values only: the table is in the checkpoint
                                   "max_length",
                                   "min_length",
                                   "do_sample",
                                   "early_stopping",
                                   "num_beams",
                                   "num_beam_groups",
                                   "diversity_penalty",
                                   "temperature",
                                   "top_k",
                                   "top_p",
                                   "typical_p",
                                   "repetition_penalty",
                                   "length_penalty",
                                   "no_repeat_ngram_size",
                                   "encoder_no_repeat_ngram_size",
                                   "bad_words_ids",
                                   "num_return_sequences",
                                   "output_scores",
                                   "return_dict_in_generate",
                                   "forced_bos_token_id",
                                   "forced_eos_token_id",
                                   "remove_invalid_values",
                                   "exponential_decay_length_penalty",
                                   "suppress_tokens",
                                   "begin_suppress_tokens",
                                   "cross_attention_hidden_size",
                                   "tf_legacy_loss",
                                   "n_ctx",
                                   "n_positions",  // a limit of old files, where a model does not read it
                                   "directionality",
                                   "pooler_fc_size",
                                   "pooler_num_attention_heads",
                                   "pooler_num_fc_layers",
                                   "pooler_size_per_head",
                                   "pooler_type",
                                   "gpt_neox_max_length",
                                   "sentence_transformers",  // what a reranker does with the scores
                                   "sbert_ce_default_activation_function",
                                   "drop_path_rate",
                                   "layer_scale_init_value",
                                   "semantic_loss_ignore_index"};

// Keys that a model does not read are of no effect at these values (as JSON), which are what it computes anyway.
struct InertValue {
  std::string_view key, value;
};
constexpr std::array kInertValues = {InertValue{"position_embedding_type", "\"absolute\""},
                                     InertValue{"is_decoder", "false"},
                                     InertValue{"add_cross_attention", "false"},
                                     InertValue{"chunk_size_feed_forward", "0"},
                                     InertValue{"text_config_dict", "null"},
                                     InertValue{"vision_config_dict", "null"}};

bool is_inert(const std::string& key, const Json& value) {
  if (std::find(kInertKeys.begin(), kInertKeys.end(), key) != kInertKeys.end()) return true;
  return std::any_of(kInertValues.begin(), kInertValues.end(),
                     [&](const InertValue& inert) { return inert.key == key && inert.value == dump_json(value); });
}

void reject_unknown(const Json& json, const std::vector<std::string>& keys) {
  std::vector<std::string> unknown;
  std::copy_if(keys.begin(), keys.end(), std::back_inserter(unknown),
               [&](const std::string& key) { return !is_inert(key, json.at(key)); });
  if (unknown.empty()) return;
  throw Error(ErrorKind::kUnsupported, "config.json",
              fmt::format("unknown keys that may change what is computed: {}", fmt::join(unknown, ", ")),
              "take them out of config.json if they are of no effect, or report the checkpoint");
}

}  // namespace

void Config::each_field(FieldVisitor& visitor) {
  internal::visit_fields(visitor,
                         "model_type, architectures, pad_token_id, bos_token_id, decoder_start_token_id, eos_token_id, "
                         "is_encoder_decoder, tie_word_embeddings, problem_type, id2label, dtype",
                         model_type, architectures, pad_token_id, bos_token_id, decoder_start_token_id, eos_token_id,
                         is_encoder_decoder, tie_word_embeddings, problem_type, id2label, dtype);
}

int64_t Config::num_labels() const { return static_cast<int64_t>(labels().size()); }

std::vector<std::string> Config::labels() const {
  if (id2label.text.empty()) return {"LABEL_0", "LABEL_1"};
  const Json names = parse_json(id2label.text, "config.json: id2label");
  std::vector<std::string> labels(names.size());
  for (const auto& [key, name] : names.items()) {
    const size_t index =
        key.size() < 10 && key.find_first_not_of("0123456789") == std::string::npos ? std::stoul(key) : labels.size();
    if (index >= labels.size() || !name.is_string()) {
      throw Error(ErrorKind::kInvalidFile, "config.json",
                  fmt::format("id2label names the label \"{}\" among {}", key, labels.size()));
    }
    labels[index] = name.get<std::string>();
  }
  return labels;
}

void read_config(const Json& json, Config& config) {
  if (!json.is_object()) throw Error(ErrorKind::kInvalidFile, "config.json", "the file is no JSON object");
  reject_unknown(json, read_fields(json, config, "config.json").unknown);
  if (!config.dtype && json.contains("torch_dtype") && json["torch_dtype"].is_string())
    config.dtype = json["torch_dtype"].get<std::string>();
  config.source.text = dump_json(json);
  config.validate();
}

void require_heads(std::string_view size_key, int64_t size, std::string_view heads_key, int64_t heads) {
  if (heads >= 1 && size >= 1 && size % heads == 0) return;
  throw Error(ErrorKind::kInvalidFile, "config.json",
              fmt::format("{} {} does not split evenly into {} {}", size_key, size, heads_key, heads));
}

Json write_config(const Config& config) {
  Json json = config.source.text.empty() ? Json::object() : parse_json(config.source.text, "config.json");
  write_fields(const_cast<Config&>(config), json);
  return json;
}

}  // namespace imago
