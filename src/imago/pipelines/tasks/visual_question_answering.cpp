// visual-question-answering: answers a question about a picture, with any model that writes about pictures.
#include <fmt/core.h>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/pipelines/image_text_to_text_task.h"

namespace imago {
namespace {

constexpr const char* kTask = "visual-question-answering";

std::string stripped(const std::string& text) {
  constexpr const char* kSpaces = " \t\r\n";
  const size_t first = text.find_first_not_of(kSpaces);
  return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(kSpaces) - first + 1);
}

class VisualQuestionAnsweringPipeline final : public PipelineTask {
 public:
  explicit VisualQuestionAnsweringPipeline(PipelineModel model) : questions_(std::move(model)) {}

  std::vector<Json> run(const PipelineCall& call) const override {
    std::vector<PipelineInput> inputs;
    for (const PipelineInput& input : call.inputs) {
      if (input.pictures.empty() || input.text.empty() || !input.messages.empty()) {
        throw Error(ErrorKind::kInvalidArgument, kTask, "a question and a picture are needed",
                    "give the question as text, and the picture beside it (--image FILE)");
      }
      // As BLIP-2 was taught to answer (Li et al. 2023, section 4.2).
      inputs.push_back(questions_.ask(input.pictures, input.text, fmt::format("Question: {} Answer:", input.text)));
    }
    std::vector<Json> answers;
    for (const auto& texts : questions_.answers(inputs, call.options, call)) {
      answers.push_back(Json::array());
      for (const std::string& text : texts) answers.back().push_back({{"answer", stripped(text)}});
    }
    return answers;
  }

 private:
  PictureQuestions questions_;
};

}  // namespace

void register_visual_question_answering(PipelineTable& table) {
  for (const char* name : {kTask, "vqa"})
    table.add<VisualQuestionAnsweringPipeline>(name, "AutoModelForImageTextToText", PipelineReads::kTextsWithImages);
}

}  // namespace imago
