#include "imago/pipelines/generation_options.h"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/generation/text_streamer.h"

namespace imago {
namespace {

bool is_about_sampling(const std::string& name) {
  return name == "temperature" || name == "top_k" || name == "top_p" || name == "min_p" || name == "typical_p";
}

void set_all(Json& into, const Json& from) {
  for (const auto& [name, value] : from.items()) {
    if (!value.is_null()) into[name] = value;
  }
}

// task_specific_params hold settings of the pipeline beside those of generation.
Json without_prefix(const Json& params) {
  Json rest = params.is_object() ? params : Json::object();
  rest.erase("prefix");
  return rest;
}

}  // namespace

GenerationConfig prepare_generation(const PipelineModel& model, const Json& defaults, const Json& task_specific_params,
                                    const Json& options) {
  Json set = Json::object();
  if (const std::string path = model.folder + "/generation_config.json"; std::filesystem::exists(path))
    set_all(set, read_json(path));
  const Json task = without_prefix(task_specific_params);
  set_all(set, task);
  set_all(set, options);

  Json added = Json::object();
  for (const auto& [name, value] : defaults.items()) {
    if (!set.contains(name) && !(name == "max_new_tokens" && set.contains("max_length"))) added[name] = value;
  }
  if (const auto pad = model.tokenizer->pad_token_id(); pad && !set.contains("pad_token_id"))
    added["pad_token_id"] = *pad;
  const bool sampling = set.value("do_sample", added.value("do_sample", Json(false))) == true;
  GenerationConfig config = GenerationConfig::from_pretrained(model.folder, model.model->config());
  for (const auto& [name, value] : added.items()) {
    if (sampling || !is_about_sampling(name)) config.update({{name, value}});
  }
  config.update(task);
  // Of two ways to say a length, the caller's counts, not a stronger one from the checkpoint.
  if (options.contains("max_length") && !options.contains("max_new_tokens")) config.max_new_tokens.reset();
  config.update(options);
  return config;
}

void limit_to_positions(const PipelineModel& model, size_t prompt_tokens, GenerationConfig& config) {
  const auto limit = model.position_limit();
  if (!limit) return;
  const auto prompt = static_cast<int64_t>(prompt_tokens);
  if (prompt >= *limit) {
    throw Error(ErrorKind::kLimitExceeded, "pipeline",
                fmt::format("the prompt has {} tokens, which leaves none of the model's {} positions", prompt, *limit),
                "shorten it");
  }
  if (config.max_new_tokens) config.max_new_tokens = std::min(*config.max_new_tokens, *limit - prompt);
  if (config.max_length) config.max_length = std::min(*config.max_length, *limit);
}

GenerationOutput generate_batch(const PipelineModel& model, const TextInputs& inputs, const GenerationConfig& config,
                                const DecodeOptions& decode, std::span<const size_t> indices,
                                const PipelineHooks& hooks) {
  const GenerationRun run = [&](const GenerationHooks& watching) {
    return generate(*model.model, inputs.input_ids, inputs.attention_mask, config, watching);
  };
  return generate_batch(model, run, config, decode, indices, hooks);
}

GenerationOutput generate_batch(const PipelineModel& model, const GenerationRun& run, const GenerationConfig& config,
                                const DecodeOptions& decode, std::span<const size_t> indices,
                                const PipelineHooks& hooks) {
  const Tokenizer& tokenizer = model.tokenizer->tokenizer();
  std::vector<TextStreamer> streamers;
  if (hooks.on_text && config.num_beams == 1 && config.num_return_sequences == 1) {
    for (size_t index : indices) {
      const auto sink = [&hooks, index](std::string_view piece) { hooks.on_text(index, piece); };
      streamers.emplace_back(tokenizer, decode, sink);
    }
  }
  GenerationHooks watching;
  if (!streamers.empty())
    watching.on_token = [&](int64_t row, int64_t token) { streamers[static_cast<size_t>(row)].put(token); };
  if (!config.stop_strings.empty()) watching.stops = StopStrings(tokenizer, config.stop_strings);
  GenerationOutput output = run(watching);
  for (TextStreamer& streamer : streamers) streamer.end();
  return output;
}

}  // namespace imago
