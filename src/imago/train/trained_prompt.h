// A learned prompt as what is trained.
#pragma once

#include "imago/peft/prompt.h"
#include "imago/train/trained_weights.h"

namespace imago {

// The prompt of a model that stays as it is, in PEFT's format.
class TrainedPrompt final : public TrainedWeights {
 public:
  explicit TrainedPrompt(peft::PromptedCausalLM& model) : model_(model) {}

  std::vector<NamedParameter> parameters() override {
    if (peft::PromptEncoder* network = model_.network()) {
      std::vector<NamedParameter> parameters;
      for (const auto& [name, tensor] : network->tensors()) {
        tensor->set_requires_grad(true);
        parameters.push_back({"prompt_encoder." + name, *tensor});
      }
      return parameters;
    }
    if (model_.prompt_config().has_network()) {
      throw Error(ErrorKind::kUnsupported, "prompt", "the folder has what a network gave, and not the network",
                  "begin with a new prompt");
    }
    model_.prompt_embeddings().set_requires_grad(true);
    return {{"prompt_embeddings", model_.prompt_embeddings()}};
  }
  void load(const std::string& folder) override { model_.load_values(folder); }
  void save(const std::string& folder) override { model_.save(folder); }
  // Prompts are float32 before a base of whichever type.
  void begin_pass(std::optional<DType>) override {}
  void end_pass() override {}

 private:
  peft::PromptedCausalLM& model_;
};

}  // namespace imago
