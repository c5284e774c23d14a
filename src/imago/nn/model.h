// A model as its users see it: an object that computes outputs from inputs, whichever architecture it is.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "imago/nn/config.h"
#include "imago/nn/key_value_cache.h"
#include "imago/nn/module.h"
#include "imago/nn/outputs.h"
#include "imago/nn/weight_map.h"

namespace imago {

// How attention is computed. Both give the same up to rounding, but for a query that sees no key: eager spreads its
// weight over all keys, sdpa gives zeros, as in the reference. Attention weights are only to be had from eager.
enum class AttentionImplementation { kSdpa, kEager };

// The inputs of text models. B batch, T tokens, S tokens of the decoder, D hidden. All but the ids may be left
// undefined.
struct TextInputs {
  Tensor input_ids;                  // [B, T] int64
  Tensor attention_mask;             // [B, T] 0 is padding; with a cache, of all tokens so far
  Tensor token_type_ids;             // [B, T]
  Tensor position_ids;               // [B, T] or [1, T]
  Tensor inputs_embeds;              // [B, T, D] instead of input_ids
  Tensor decoder_input_ids;          // [B, S]
  Tensor decoder_attention_mask;     // [B, S]
  Tensor decoder_inputs_embeds;      // [B, S, D]
  Tensor encoder_last_hidden_state;  // [B, T, D] instead of running the encoder
  Tensor encoder_hidden_states;      // [B, T, D] for a decoder that attends to one
  Tensor encoder_attention_mask;     // [B, T]
  Tensor labels, start_positions, end_positions, next_sentence_label, sentence_order_label, mc_token_ids,
      mc_labels;  // give a loss
  KeyValueCache* past_key_values = nullptr;
  bool output_hidden_states = false, output_attentions = false;
  int64_t logits_to_keep = 0;  // language models: logits of the last ones only; 0 keeps all
  int64_t loss_chunk = 0;  // causal language models: the loss of so many tokens at a time, and no logits; 0: at once
  AttentionImplementation attention = AttentionImplementation::kSdpa;

  FIELDS(input_ids, attention_mask, token_type_ids, position_ids, inputs_embeds, decoder_input_ids,
         decoder_attention_mask, decoder_inputs_embeds, encoder_last_hidden_state, encoder_hidden_states,
         encoder_attention_mask, labels, start_positions, end_positions, next_sentence_label, sentence_order_label,
         mc_token_ids, mc_labels)
};

using TensorMap = std::map<std::string, Tensor, std::less<>>;

struct RunOptions {
  bool output_hidden_states = false, output_attentions = false;
  AttentionImplementation attention = AttentionImplementation::kSdpa;
  int64_t loss_chunk = 0;  // see TextInputs; of no meaning to models whose inputs do not have it
};

class Model : public Module {
 public:
  virtual ~Model() = default;

  virtual void each_field(FieldVisitor& visitor) = 0;
  virtual const Config& config() const = 0;
  virtual WeightMap weight_map() const = 0;

  // Inputs and outputs by the reference's names, lists as "hidden_states.0": for tools that work on any model.
  // Throws Error kInvalidArgument for an input that the model does not take.
  virtual TensorMap run(const TensorMap& inputs, const RunOptions& options = {}) const = 0;
};

namespace internal {

// Puts each named tensor into its field. Throws Error kInvalidArgument for names that are no field.
void assign_inputs(const std::function<void(FieldVisitor&)>& each_field, const TensorMap& tensors);
TensorMap collect_outputs(const std::function<void(FieldVisitor&)>& each_field);

}  // namespace internal

// A model with typed inputs and outputs.
template <class Inputs, class Output>
class CallableModel : public Model {
 public:
  virtual Output forward(const Inputs& inputs) const = 0;

  TensorMap run(const TensorMap& tensors, const RunOptions& options) const final {
    Inputs inputs;
    internal::assign_inputs([&](FieldVisitor& visitor) { inputs.each_field(visitor); }, tensors);
    inputs.output_hidden_states = options.output_hidden_states;
    inputs.output_attentions = options.output_attentions;
    inputs.attention = options.attention;
    if constexpr (requires { inputs.loss_chunk; }) inputs.loss_chunk = options.loss_chunk;
    Output output = forward(inputs);
    return internal::collect_outputs([&](FieldVisitor& visitor) { output.each_field(visitor); });
  }
};

// What pipelines and generation ask for. Each name is the reference's AutoModelFor... without the prefix, which
// kAutoClass says in full.
struct TextModel : CallableModel<TextInputs, BaseModelOutput> {
  static constexpr const char* kAutoClass = "AutoModel";
};
struct CausalLM : CallableModel<TextInputs, LogitsOutput> {
  static constexpr const char* kAutoClass = "AutoModelForCausalLM";
};
struct MaskedLM : CallableModel<TextInputs, LogitsOutput> {
  static constexpr const char* kAutoClass = "AutoModelForMaskedLM";
};
struct NextSentencePrediction : CallableModel<TextInputs, LogitsOutput> {
  static constexpr const char* kAutoClass = "AutoModelForNextSentencePrediction";
};
struct SequenceClassification : CallableModel<TextInputs, LogitsOutput> {
  static constexpr const char* kAutoClass = "AutoModelForSequenceClassification";
};
struct TokenClassification : CallableModel<TextInputs, LogitsOutput> {
  static constexpr const char* kAutoClass = "AutoModelForTokenClassification";
};
struct MultipleChoice : CallableModel<TextInputs, LogitsOutput> {
  static constexpr const char* kAutoClass = "AutoModelForMultipleChoice";
};
struct QuestionAnswering : CallableModel<TextInputs, QuestionAnsweringOutput> {
  static constexpr const char* kAutoClass = "AutoModelForQuestionAnswering";
};
struct PreTraining : CallableModel<TextInputs, PreTrainingOutput> {
  static constexpr const char* kAutoClass = "AutoModelForPreTraining";
};
// An encoder and a decoder, with whichever head; generation needs the encoder by itself.
struct Seq2SeqModel : CallableModel<TextInputs, Seq2SeqOutput> {
  static constexpr const char* kAutoClass = "AutoModel";
  virtual BaseModelOutput encode(const TextInputs& inputs) const = 0;
};
struct Seq2SeqLM : Seq2SeqModel {
  static constexpr const char* kAutoClass = "AutoModelForSeq2SeqLM";
};

}  // namespace imago
