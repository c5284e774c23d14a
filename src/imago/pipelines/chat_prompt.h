// Conversations as the prompt that a model's chat template makes of them.
#pragma once

#include <optional>
#include <string>

#include "imago/base/json.h"
#include "imago/pipelines/pipeline_task.h"
#include "imago/tokenizers/chat/chat_template.h"

namespace imago {

struct ChatPrompt {
  std::string text;
  // Where it is the caller's words, in which what spells a control token stays text; empty where tokens may be spelt.
  LiteralText literal;
};

// Whether the last message is to be continued: by default one of the assistant.
bool continues_message(const PipelineInput& input, const std::optional<bool>& continue_final_message);

// The prompt of `messages`, which ends within the last one where that is continued, else where an answer begins.
// Throws what the template does.
ChatPrompt chat_prompt(const PipelineModel& model, const chat::ChatTemplate& chat_template, Json messages,
                       bool continues, bool sanitize_control_tokens);

}  // namespace imago
