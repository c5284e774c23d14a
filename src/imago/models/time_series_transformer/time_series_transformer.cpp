#include "imago/models/time_series_transformer/time_series_transformer.h"

#include "imago/nn/registry.h"

namespace imago::time_series_transformer {
namespace {

nn::StackOptions options(const TimeSeriesTransformerConfig& c, bool decodes) {
  return {.decodes = decodes,
          .hidden_size = c.d_model,
          .layers = decodes ? c.decoder_layers : c.encoder_layers,
          .heads = decodes ? c.decoder_attention_heads : c.encoder_attention_heads,
          .intermediate_size = decodes ? c.decoder_ffn_dim : c.encoder_ffn_dim,
          .activation = c.activation_function};
}

}  // namespace

Stack::Stack(const TimeSeriesTransformerConfig& c, bool is_decoder)
    : EncoderDecoderStack(options(c, is_decoder)), embedding(c), first_position(is_decoder ? c.context() : 0) {}

void Stack::each_field(FieldVisitor& visitor) {
  EncoderDecoderStack::each_field(visitor);
  embedding.each_field(visitor);
}

BaseModelOutput Stack::operator()(const TextInputs& in) const {
  return run(embedding(in.inputs_embeds, first_position), in);
}

}  // namespace imago::time_series_transformer

namespace imago {

void register_time_series_transformer(Registry& registry) {
  using namespace time_series_transformer;
  registry.add<TimeSeriesTransformerModel>("TimeSeriesTransformerModel");
  registry.add<TimeSeriesTransformerForPrediction>("TimeSeriesTransformerForPrediction");
}

}  // namespace imago
