// image-to-text: describes a picture, with any model that writes about pictures.
#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/pipelines/image_text_to_text_task.h"

namespace imago {
namespace {

constexpr const char* kTask = "image-to-text";

// Of an input that is a picture, in whichever way it was given.
std::vector<PictureInput> picture_of(const PipelineInput& input) {
  if (input.image) return {PictureInput(Image(*input.image))};
  if (input.messages.empty() && input.pictures.empty() && !input.text.empty()) return {PictureInput(input.text)};
  throw Error(ErrorKind::kInvalidArgument, kTask, "the input is not one picture",
              "give its file; what is asked of it is the option prompt");
}

class ImageToTextPipeline final : public PipelineTask {
 public:
  explicit ImageToTextPipeline(PipelineModel model) : questions_(std::move(model)) {}

  std::vector<Json> run(const PipelineCall& call) const override {
    Json options = call.options;
    std::string prompt;
    if (const auto given = options.find("prompt"); given != options.end()) {
      if (!given->is_string()) throw Error(ErrorKind::kInvalidArgument, kTask, "prompt is no text");
      prompt = given->get<std::string>();
      options.erase("prompt");
    }
    std::vector<PipelineInput> inputs;
    for (const PipelineInput& input : call.inputs) inputs.push_back(questions_.ask(picture_of(input), prompt, prompt));
    std::vector<Json> answers;
    for (const auto& texts : questions_.answers(inputs, std::move(options), call)) {
      answers.push_back(Json::array());
      for (const std::string& text : texts) answers.back().push_back({{"generated_text", text}});
    }
    return answers;
  }

 private:
  PictureQuestions questions_;
};

}  // namespace

void register_image_to_text(PipelineTable& table) {
  table.add<ImageToTextPipeline>(kTask, "AutoModelForImageTextToText", PipelineReads::kTextsWithImages);
}

}  // namespace imago
