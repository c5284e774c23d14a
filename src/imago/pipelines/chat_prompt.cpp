#include "imago/pipelines/chat_prompt.h"

#include "imago/tokenizers/chat/chat_tokens.h"
#include "imago/tokenizers/chat/template_files.h"

namespace imago {

bool continues_message(const PipelineInput& input, const std::optional<bool>& continue_final_message) {
  return continue_final_message.value_or(input.messages.back().role == "assistant");
}

ChatPrompt chat_prompt(const PipelineModel& model, const chat::ChatTemplate& chat_template, Json messages,
                       bool continues, bool sanitize_control_tokens) {
  Json request = chat::special_token_variables(model.folder);
  request["messages"] = std::move(messages);
  chat::ApplyOptions apply;
  if (continues) {
    apply.continue_final_message = "content";
  } else {
    request["add_generation_prompt"] = true;
  }
  const chat::RenderedChat rendered = chat_template.apply(request, apply);
  ChatPrompt prompt{rendered.text, {}};
  if (sanitize_control_tokens) prompt.literal = chat::user_text(rendered, chat_template, model.tokenizer->tokenizer());
  return prompt;
}

}  // namespace imago
