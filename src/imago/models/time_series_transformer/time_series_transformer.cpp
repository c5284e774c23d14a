#include "imago/models/time_series_transformer/time_series_transformer.h"

#include "imago/nn/registry.h"

namespace imago::time_series_transformer {

Stack::Stack(const TimeSeriesTransformerConfig& c, bool is_decoder)
    : EncoderDecoderStack(c.stack_options(is_decoder)), embedding(c), first_position(is_decoder ? c.context() : 0) {}

void Stack::each_field(FieldVisitor& visitor) {
  EncoderDecoderStack::each_field(visitor);
  embedding.each_field(visitor);
}

BaseModelOutput Stack::operator()(const TextInputs& in) const {
  return run(embedding(in.inputs_embeds, first_position), in);
}

}  // namespace imago::time_series_transformer

REGISTER_MODELS(time_series_transformer, TimeSeriesTransformerModel, TimeSeriesTransformerForPrediction)
