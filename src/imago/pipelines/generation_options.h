// What a task that generates asks of generation: the checkpoint's settings, the task's defaults, the caller's options.
#pragma once

#include "imago/base/json.h"
#include "imago/generation/generate.h"
#include "imago/pipelines/pipeline_task.h"

namespace imago {

// `options` win over `task_specific_params`, these over generation_config.json, and that over `defaults`, of which the
// ones about sampling count only when sampling and max_new_tokens only where max_length is not set either.
// Throws Error kUnsupported for an option that is not known.
GenerationConfig prepare_generation(const PipelineModel& model, const Json& defaults, const Json& task_specific_params,
                                    const Json& options);

// Ends the generation of a prompt of so many tokens at the model's last position at the latest, as the position limit
// is no different from max_length. Throws Error kLimitExceeded for a prompt that leaves no position.
void limit_to_positions(const PipelineModel& model, size_t prompt_tokens, GenerationConfig& config);

// generate() for one batch, with stop strings, and with text as it comes where the caller wants it and it can be known
// early. `indices` are the batch's rows among the call's inputs.
GenerationOutput generate_batch(const PipelineModel& model, const TextInputs& inputs, const GenerationConfig& config,
                                const DecodeOptions& decode, std::span<const size_t> indices,
                                const PipelineHooks& hooks);
// The same of whatever calls generate() with these hooks and `config`.
using GenerationRun = std::function<GenerationOutput(const GenerationHooks& hooks)>;
GenerationOutput generate_batch(const PipelineModel& model, const GenerationRun& run, const GenerationConfig& config,
                                const DecodeOptions& decode, std::span<const size_t> indices,
                                const PipelineHooks& hooks);

}  // namespace imago
