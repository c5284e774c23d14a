// Sounds as inputs of pipelines.
#pragma once

#include "imago/nn/speech_model.h"
#include "imago/pipelines/pipeline.h"
#include "imago/processors/audio/feature_extractor.h"

namespace imago {

// The sound of an input, or of the file that its text names, at this rate. Throws what loading throws.
Audio sound_of(const PipelineInput& input, int64_t sampling_rate);

// Features as a model's inputs.
SpeechInputs speech_inputs(const TensorMap& features);

}  // namespace imago
