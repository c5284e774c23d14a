#include "imago/pipelines/sound_input.h"

namespace imago {

Audio sound_of(const PipelineInput& input, int64_t sampling_rate) {
  return input.audio ? resample(*input.audio, sampling_rate) : load_audio(input.text, sampling_rate);
}

SpeechInputs speech_inputs(const TensorMap& features) {
  SpeechInputs inputs;
  for (const auto& [name, tensor] : features) {
    if (name == "input_features") inputs.input_features = tensor;
    if (name == "input_values") inputs.input_values = tensor;
    if (name == "attention_mask") inputs.attention_mask = tensor;
  }
  return inputs;
}

}  // namespace imago
