#include "imago/pipelines/sound_input.h"

namespace imago {

Audio sound_of(const PipelineInput& input, int64_t sampling_rate) {
  return input.audio ? resample(*input.audio, sampling_rate) : load_audio(input.text, sampling_rate);
}

}  // namespace imago
