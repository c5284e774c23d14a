#include "imago/base/error.h"
#include "imago/pipelines/image_text_to_text_task.h"
#include "imago/tokenizers/chat/template_files.h"

namespace imago {
namespace {

bool has_chat_template(const std::string& folder) {
  try {
    chat::TemplateFiles::load(folder);
    return true;
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kNotFound) throw;
    return false;
  }
}

}  // namespace

PictureQuestions::PictureQuestions(PipelineModel model)
    : converses_(has_chat_template(model.folder)), task_(image_text_to_text_task(std::move(model))) {}

PipelineInput PictureQuestions::ask(std::vector<PictureInput> pictures, const std::string& message,
                                    const std::string& text) const {
  if (!converses_) return PipelineInput::with_pictures(text, std::move(pictures));
  ChatMessage user{"user"};
  for (PictureInput& picture : pictures) user.parts.push_back(ChatContent::of_picture(std::move(picture)));
  if (!message.empty()) user.parts.push_back(ChatContent::of_text(message));
  return std::vector<ChatMessage>{std::move(user)};
}

std::vector<std::vector<std::string>> PictureQuestions::answers(const std::vector<PipelineInput>& inputs, Json options,
                                                                const PipelineCall& call) const {
  options["return_full_text"] = false;
  std::vector<std::vector<std::string>> texts;
  for (const Json& answer : task_->run({inputs, options, call.hooks, call.single, call.statistics})) {
    texts.emplace_back();
    for (const Json& record : answer) texts.back().push_back(record.at("generated_text").get<std::string>());
  }
  return texts;
}

}  // namespace imago
