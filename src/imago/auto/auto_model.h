// Models by name: the architecture is read from the checkpoint's config.json.
//
//   auto model = imago::AutoModelForCausalLM::from_pretrained("path-or-id");   // std::unique_ptr<CausalLM>
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "imago/nn/model.h"
#include "imago/nn/registry.h"

namespace imago {

class Checkpoint;
class GgufArchitectures;

struct PretrainedOptions {
  std::string revision = "main";  // of a Hub id
  std::optional<DType> dtype;     // none keeps the checkpoint's
  bool allow_missing = false;     // parameters that the checkpoint lacks stay without values
};

// The architectures of this build.
const Registry& registry();
const GgufArchitectures& gguf_architectures();

// Of a checkpoint as resolve_checkpoint gives it: what config.json says (or a GGUF file's metadata, under the same
// names), and the weights. Throw what reading throws.
Json read_checkpoint_config(const std::string& checkpoint);
Checkpoint open_checkpoint(const std::string& checkpoint);

// The folder of a checkpoint: a folder or a GGUF file as it is, a Hub id from the Hub's cache. Throws Error kNotFound
// saying where it looked.
std::string resolve_checkpoint(const std::string& path_or_id, const std::string& revision = "main");

// The model without values, from config.json's text. `auto_class` ("AutoModelForCausalLM") chooses the head; empty
// takes the one that `architectures` names. Throws Error kUnsupported naming what this build does not have.
std::unique_ptr<Model> model_from_config(const Json& config, std::string_view auto_class = {});

// The model with the checkpoint's values. Throws what reading and load_weights throw.
std::unique_ptr<Model> model_from_pretrained(const std::string& path_or_id, std::string_view auto_class = {},
                                             const PretrainedOptions& options = {});

namespace internal {

[[noreturn]] void throw_wrong_interface(std::string_view auto_class);

}  // namespace internal

// The reference's AutoModelFor...: `kName` chooses the head, Interface is how it is called.
template <const char* kName, class Interface>
struct AutoModelFor {
  static std::unique_ptr<Interface> from_pretrained(const std::string& path_or_id,
                                                    const PretrainedOptions& options = {}) {
    return as_interface(model_from_pretrained(path_or_id, kName, options));
  }
  static std::unique_ptr<Interface> from_config(const Json& config) {
    return as_interface(model_from_config(config, kName));
  }

 private:
  static std::unique_ptr<Interface> as_interface(std::unique_ptr<Model> model) {
    auto* typed = dynamic_cast<Interface*>(model.get());
    if (typed == nullptr) internal::throw_wrong_interface(kName);
    model.release();
    return std::unique_ptr<Interface>(typed);
  }
};

namespace auto_class {
inline constexpr char kModel[] = "AutoModel";
inline constexpr char kCausalLM[] = "AutoModelForCausalLM";
inline constexpr char kMaskedLM[] = "AutoModelForMaskedLM";
inline constexpr char kSeq2SeqLM[] = "AutoModelForSeq2SeqLM";
inline constexpr char kPreTraining[] = "AutoModelForPreTraining";
inline constexpr char kNextSentencePrediction[] = "AutoModelForNextSentencePrediction";
inline constexpr char kSequenceClassification[] = "AutoModelForSequenceClassification";
inline constexpr char kTokenClassification[] = "AutoModelForTokenClassification";
inline constexpr char kQuestionAnswering[] = "AutoModelForQuestionAnswering";
inline constexpr char kTextEncoding[] = "AutoModelForTextEncoding";
inline constexpr char kMultipleChoice[] = "AutoModelForMultipleChoice";
}  // namespace auto_class

using AutoModel = AutoModelFor<auto_class::kModel, Model>;
using AutoModelForCausalLM = AutoModelFor<auto_class::kCausalLM, CausalLM>;
using AutoModelForMaskedLM = AutoModelFor<auto_class::kMaskedLM, MaskedLM>;
using AutoModelForSeq2SeqLM = AutoModelFor<auto_class::kSeq2SeqLM, Seq2SeqLM>;
using AutoModelForPreTraining = AutoModelFor<auto_class::kPreTraining, Model>;
using AutoModelForNextSentencePrediction = AutoModelFor<auto_class::kNextSentencePrediction, NextSentencePrediction>;
using AutoModelForSequenceClassification = AutoModelFor<auto_class::kSequenceClassification, Model>;
using AutoModelForTokenClassification = AutoModelFor<auto_class::kTokenClassification, Model>;
using AutoModelForQuestionAnswering = AutoModelFor<auto_class::kQuestionAnswering, Model>;
using AutoModelForTextEncoding = AutoModelFor<auto_class::kTextEncoding, TextModel>;
using AutoModelForMultipleChoice = AutoModelFor<auto_class::kMultipleChoice, MultipleChoice>;

}  // namespace imago
