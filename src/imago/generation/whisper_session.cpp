#include "imago/generation/whisper_session.h"

#include "imago/ops/index_select/index_select.h"
#include "imago/ops/slice/slice.h"

namespace imago {

Tensor SpeechSession::forward(const Tensor& new_ids) {
  SpeechInputs inputs;
  inputs.encoder_last_hidden_state = encoded_;
  inputs.decoder_input_ids = new_ids;
  inputs.past_key_values = &cache_;
  inputs.logits_to_keep = 1;
  const Tensor logits = model_.forward(inputs).logits;
  return slice(logits, 1, logits.size(1) - 1);
}

void SpeechSession::select_inputs(const Tensor& indices) { encoded_ = index_select(encoded_, 0, indices); }

}  // namespace imago
