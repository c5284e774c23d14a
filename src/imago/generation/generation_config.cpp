#include "imago/generation/generation_config.h"

#include <fmt/core.h>

#include <filesystem>
#include <unordered_map>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/nn/read_fields.h"

namespace imago {
namespace {

// Options that change nothing at the value given; any other value is refused. null is always nothing.
const std::unordered_map<std::string, Json>& inert_options() {
  static const std::unordered_map<std::string, Json> options = {{"num_beam_groups", 1},
                                                                {"diversity_penalty", 0.0},
                                                                {"encoder_repetition_penalty", 1.0},
                                                                {"epsilon_cutoff", 0.0},
                                                                {"eta_cutoff", 0.0},
                                                                {"encoder_no_repeat_ngram_size", 0},
                                                                {"renormalize_logits", false},
                                                                {"remove_invalid_values", false},
                                                                {"guidance_scale", 1.0},
                                                                {"low_memory", false},
                                                                {"token_healing", false},
                                                                {"output_attentions", false},
                                                                {"output_hidden_states", false},
                                                                {"output_scores", false},
                                                                {"output_logits", false},
                                                                {"return_dict_in_generate", false},
                                                                {"is_assistant", false},
                                                                {"disable_compile", false}};
  return options;
}

// How the answer is computed or where it is kept, not what it is.
bool is_about_execution(const std::string& key) {
  static const char* const kKeys[] = {"transformers_version",
                                      "_from_model_config",
                                      "cache_implementation",
                                      "cache_config",
                                      "return_legacy_cache",
                                      "max_time",
                                      "compile_config",
                                      "prefill_chunk_size",
                                      "num_assistant_tokens",
                                      "num_assistant_tokens_schedule",
                                      "assistant_confidence_threshold",
                                      "assistant_lookbehind",
                                      "target_lookbehind",
                                      "_commit_hash"};
  for (const char* known : kKeys) {
    if (key == known) return true;
  }
  return false;
}

void refuse_unknown(const std::string& key, const Json& value) {
  const auto inert = inert_options().find(key);
  const bool nothing =
      value.is_null() || (inert != inert_options().end() && inert->second == value) || is_about_execution(key);
  if (nothing) return;
  throw Error(ErrorKind::kUnsupported, "generation",
              fmt::format("the option \"{}\" with the value {}", key, dump_json(value)),
              "take it out, or set it to its default");
}

// The reference keeps a cache in few bits by a package of its choice; ours is another format of as many bits.
void read_quantized_cache(Json& options) {
  if (options.value("cache_implementation", Json()) != "quantized" || options.contains("cache_dtype")) return;
  const Json config = options.value("cache_config", Json::object());
  const Json bits = config.is_object() ? config.value("nbits", Json(4)) : Json();
  if (bits != 4 && bits != 8) {
    throw Error(ErrorKind::kUnsupported, "generation",
                fmt::format("a quantized cache with nbits of {}", dump_json(bits)), "set nbits to 4 or 8");
  }
  options["cache_dtype"] = bits == 4 ? "q4_0" : "q8_0";
}

}  // namespace

void GenerationConfig::update(const Json& options) {
  if (!options.is_object())
    throw Error(ErrorKind::kInvalidFile, "generation", "the generation options are no JSON object");
  Json known = Json::object();
  for (const auto& [key, value] : options.items()) {
    if (value.is_null()) continue;
    known[key] = value;
    // The reference takes true, false and "never"; and one stop string or a list.
    if (key == "early_stopping" && value.is_boolean()) known[key] = value.get<bool>() ? "true" : "false";
    if (key == "stop_strings" && value.is_string()) known[key] = Json::array({value});
  }
  read_quantized_cache(known);
  const FieldsRead read = read_fields(known, *this, "generation_config.json");
  for (const std::string& key : read.unknown) refuse_unknown(key, known[key]);
  validate();
}

GenerationConfig GenerationConfig::from_json(const Json& json) {
  GenerationConfig config;
  config.update(json);
  return config;
}

GenerationConfig GenerationConfig::from_pretrained(const std::string& folder, const Config& model_config) {
  const std::string path = folder + "/generation_config.json";
  GenerationConfig config;
  if (std::filesystem::exists(path)) {
    config.update(read_json(path));
    config.use_cache = true;  // training leaves a false behind, which is not meant for generating
    return config;
  }
  config.pad_token_id = model_config.pad_token_id;
  config.bos_token_id = model_config.bos_token_id;
  config.eos_token_id = model_config.eos_token_id;
  config.decoder_start_token_id = model_config.decoder_start_token_id;
  // Of a model made of several parts the one that writes says it.
  const Json whole =
      model_config.source.text.empty() ? Json::object() : parse_json(model_config.source.text, "config.json");
  const Json text = whole.value("text_config", Json());
  for (const char* key : {"pad_token_id", "bos_token_id", "eos_token_id"}) {
    if (text.is_object() && text.contains(key) && !text.at(key).is_null()) config.update({{key, text.at(key)}});
  }
  return config;
}

void GenerationConfig::validate() const {
  const auto require = [](bool right, const char* what) {
    if (!right) throw Error(ErrorKind::kInvalidArgument, "generation", what);
  };
  require(num_beams >= 1, "num_beams must be at least 1");
  require(num_return_sequences >= 1, "num_return_sequences must be at least 1");
  require(do_sample || num_return_sequences <= num_beams,
          "greedy search gives one sequence: raise num_beams or sample");
  require(num_beams == 1 || num_return_sequences <= num_beams, "num_return_sequences must not exceed num_beams");
  require(!do_sample || temperature > 0,
          "temperature must be positive: for the likeliest token set do_sample to false");
  require(top_k >= 0, "top_k must not be negative");
  require(top_p > 0 && top_p <= 1, "top_p must be in (0, 1]");
  require(typical_p > 0 && typical_p <= 1, "typical_p must be in (0, 1]");
  require(!min_p || (*min_p >= 0 && *min_p <= 1), "min_p must be in [0, 1]");
  require(repetition_penalty > 0, "repetition_penalty must be positive");
  require(no_repeat_ngram_size >= 0, "no_repeat_ngram_size must not be negative");
  require(!max_new_tokens || *max_new_tokens >= 1, "max_new_tokens must be at least 1");
  require(early_stopping == "true" || early_stopping == "false" || early_stopping == "never",
          "early_stopping must be true, false or \"never\"");
}

}  // namespace imago
