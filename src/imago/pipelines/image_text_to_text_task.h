// Tasks that are a question to a model of texts with pictures.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "imago/pipelines/pipeline_task.h"

namespace imago {

// The task image-text-to-text.
std::shared_ptr<const PipelineTask> image_text_to_text_task(PipelineModel model);

// Puts a picture and what is asked of it to a model as that model is used to it: in a conversation where the folder
// has a chat template, else as a text.
class PictureQuestions {
 public:
  explicit PictureQuestions(PipelineModel model);

  // The input of image-text-to-text: `message` is what a user would say beside the picture, `text` what stands behind
  // the picture where there are no conversations.
  PipelineInput ask(std::vector<PictureInput> pictures, const std::string& message, const std::string& text) const;
  // What the model says to each, without what it was asked: a list of texts. `options` are those of image-text-to-text.
  std::vector<std::vector<std::string>> answers(const std::vector<PipelineInput>& inputs, Json options,
                                                const PipelineCall& call) const;

 private:
  bool converses_;
  std::shared_ptr<const PipelineTask> task_;
};

}  // namespace imago
