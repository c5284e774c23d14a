#include "imago/nn/speech_model.h"

namespace imago::nn {

TextInputs as_text_inputs(const SpeechInputs& in) {
  TextInputs text;
  text.inputs_embeds = in.input_features;
  text.decoder_input_ids = in.decoder_input_ids;
  text.decoder_attention_mask = in.decoder_attention_mask;
  text.decoder_inputs_embeds = in.decoder_inputs_embeds;
  text.encoder_last_hidden_state = in.encoder_last_hidden_state;
  text.labels = in.labels;
  text.past_key_values = in.past_key_values;
  text.output_hidden_states = in.output_hidden_states;
  text.output_attentions = in.output_attentions;
  text.logits_to_keep = in.logits_to_keep;
  text.attention = in.attention;
  return text;
}

}  // namespace imago::nn
