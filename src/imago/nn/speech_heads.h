// Heads over the frames of a model that hears: letters, labels of the whole or of each frame, and voices. Each takes
// the options of its configuration under the Hub's names. B batch, T frames, D hidden.
#pragma once

#include "imago/nn/backbone.h"
#include "imago/nn/ctc_loss.h"
#include "imago/nn/encoder_decoder_stack.h"  // with_optional
#include "imago/nn/heads/with_head.h"
#include "imago/nn/speech_model.h"

namespace imago::nn {

// What the heads ask of the model below.
struct FrameModel : SpeechModel {
  // How many frames of each row are heard, of all that there are.
  virtual std::vector<int64_t> heard_frames(const SpeechInputs& in) const = 0;
};

// What a head reads: the last layer's states, or a sum of all layers' weighted by the softmax of `layer_weights`, where
// the configuration has use_weighted_layer_sum.
struct LayerStates : Module {
  Tensor layer_weights;
  FIELDS(layer_weights)

  LayerStates(bool weighted, int64_t layers);
  // Runs the model; `states` [B, T, D] are what the head reads.
  SpeechModelOutput run(const FrameModel& base, const SpeechInputs& in, Tensor& states) const;
};

struct LetterScores : Linear {
  template <class C>
  explicit LetterScores(const C& c) : Linear(hidden_size_of(c), letters(c.vocab_size)) {}
  // Throws Error kInvalidFile where the configuration does not say how many there are.
  static int64_t letters(std::optional<int64_t> vocab_size);
};

// One label of the whole, by the mean over what is heard.
struct SoundScores : LayerStates {
  Linear projector, classifier;
  FIELDS_AND(LayerStates, projector, classifier)

  template <class C>
  explicit SoundScores(const C& c)
      : LayerStates(c.use_weighted_layer_sum, c.num_hidden_layers),
        projector(c.hidden_size, c.classifier_proj_size),
        classifier(c.classifier_proj_size, c.num_labels()) {}
};

struct FrameScores : LayerStates {
  Linear classifier;
  FIELDS_AND(LayerStates, classifier)

  template <class C>
  explicit FrameScores(const C& c)
      : LayerStates(c.use_weighted_layer_sum, c.num_hidden_layers), classifier(c.hidden_size, c.num_labels()) {}
};

// Convolutions whose weights are those of a linear layer over neighbouring frames (Waibel et al. 1989, "Phoneme
// Recognition Using Time-Delay Neural Networks").
struct TimeDelayLayer : Module {
  Linear kernel;
  FIELDS(kernel)

  TimeDelayLayer(int64_t in_size, int64_t out_size, int64_t taps, int64_t dilation);
  Tensor operator()(const Tensor& x_BTD) const;

  int64_t taps, dilation;
};

// What a voice is compared by in training (Wang et al. 2018, "Additive Margin Softmax for Face Verification").
struct VoiceObjective : Module {
  Tensor weight;
  FIELDS(weight)
};

// The mean and the deviation of what time-delay layers say of a voice (Snyder et al. 2018, "X-Vectors: Robust DNN
// Embeddings for Speaker Recognition").
struct VoiceScores : LayerStates {
  Linear projector;
  std::vector<TimeDelayLayer> tdnn;
  Linear feature_extractor, classifier;
  VoiceObjective objective;
  FIELDS_AND(LayerStates, projector, tdnn, feature_extractor, classifier, objective)

  template <class C>
  explicit VoiceScores(const C& c)
      : VoiceScores(LayerStates(c.use_weighted_layer_sum, c.num_hidden_layers), c.hidden_size, c.tdnn_dim,
                    c.tdnn_kernel, c.tdnn_dilation, c.xvector_output_dim, c.num_labels()) {}
  VoiceScores(LayerStates states, int64_t hidden_size, const std::vector<int64_t>& dims,
              const std::vector<int64_t>& taps, const std::vector<int64_t>& dilations, int64_t output_size,
              int64_t labels);
};

// Training drops `dropped` of what the head reads.
LogitsOutput spell(const FrameModel& base, const Linear& head, const SpeechInputs& in, const CtcOptions& options,
                   double dropped);
LogitsOutput classify_sound(const FrameModel& base, const SoundScores& head, const SpeechInputs& in);
LogitsOutput classify_frames(const FrameModel& base, const FrameScores& head, const SpeechInputs& in);
XVectorOutput describe_voice(const FrameModel& base, const VoiceScores& head, const SpeechInputs& in);

// Without what stands in the place of hidden frames, too, which many checkpoints leave out.
template <class Interface, class Base, class Head, FieldName name>
struct WithFrameHead : WithHead<Interface, Base, Head, name> {
  using WithFrameHead::WithHead::WithHead;
  WeightMap weight_map() const override {
    return with_optional(WithFrameHead::WithHead::weight_map(), this->base.weight_map());
  }
};

template <class Base>
struct ForCTC : WithFrameHead<CTC, Base, LetterScores, "lm_head"> {
  using ForCTC::WithFrameHead::WithFrameHead;
  LogitsOutput forward(const SpeechInputs& in) const override {
    const auto& c = this->config();
    double dropped = 0;
    if constexpr (requires { c.final_dropout; }) dropped = c.final_dropout;
    return spell(this->base, this->head, in,
                 {.blank = c.pad_token_id.value_or(0),
                  .mean = c.ctc_loss_reduction == "mean",
                  .zero_infinity = c.ctc_zero_infinity},
                 dropped);
  }
};

template <class Base>
struct ForSoundClassification : WithFrameHead<AudioClassification, Base, SoundScores, ""> {
  using ForSoundClassification::WithFrameHead::WithFrameHead;
  LogitsOutput forward(const SpeechInputs& in) const override { return classify_sound(this->base, this->head, in); }
};

template <class Base>
struct ForFrameClassification : WithFrameHead<AudioFrameClassification, Base, FrameScores, ""> {
  using ForFrameClassification::WithFrameHead::WithFrameHead;
  LogitsOutput forward(const SpeechInputs& in) const override { return classify_frames(this->base, this->head, in); }
};

template <class Base>
struct ForXVector : WithFrameHead<AudioXVector, Base, VoiceScores, ""> {
  using ForXVector::WithFrameHead::WithFrameHead;
  XVectorOutput forward(const SpeechInputs& in) const override { return describe_voice(this->base, this->head, in); }
};

}  // namespace imago::nn
