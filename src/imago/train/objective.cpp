#include "imago/train/objective.h"

#include "imago/base/error.h"
#include "imago/nn/losses.h"
#include "imago/nn/packed_sequences.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/compare/compare.h"
#include "imago/ops/cross_entropy/cross_entropy.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/slice/slice.h"

namespace imago {
namespace {

constexpr const char* kWhere = "train";

bool shifts_labels(const Model& model) { return dynamic_cast<const CausalLM*>(&model) != nullptr; }

bool is_called_causal(const Model& model) {
  const std::vector<std::string>& names = model.config().architectures;
  return names.empty() || names[0].find("ForCausalLM") != std::string::npos;
}

// The tokens that have a label, or the examples where labels are no tokens'.
int64_t count(const TensorMap& batch, bool without_first) {
  const auto labels = batch.find("labels");
  const bool per_token =
      labels != batch.end() && labels->second.dim() > 1 && !is_floating_point(labels->second.dtype());
  if (!per_token) return batch.begin()->second.size(0);
  const Tensor counted = without_first ? slice(labels->second, -1, 1) : labels->second;
  return sum(ne(counted, static_cast<double>(nn::kIgnoredLabel))).item<int64_t>();
}

const Tensor& find_output(const TensorMap& outputs, const char* name) {
  const auto found = outputs.find(name);
  if (found != outputs.end() && found->second.defined()) return found->second;
  throw Error(ErrorKind::kInvalidArgument, kWhere,
              std::string("the model gives no ") + name + " for the examples' arguments", "give labels");
}

}  // namespace

TensorMap run_batch(const Model& model, const TensorMap& batch, const RunOptions& options) {
  const auto found = batch.find("sequence_ids");
  if (found == batch.end()) return model.run(batch, options);
  TensorMap arguments = batch;
  arguments.erase("sequence_ids");
  const nn::PackedSequences packed(found->second);
  TensorMap outputs = model.run(arguments, options);
  if (packed.was_used()) return outputs;
  throw Error(ErrorKind::kUnsupported, kWhere, "packing: this model would let sequences of a row see each other",
              "leave packing out");
}

Tensor ModelLoss::loss(const Model& model, const TensorMap& batch, const RunOptions& options) const {
  if (label_smoothing_ == 0) {
    const TensorMap outputs = run_batch(model, batch, options);
    if (options.loss_chunk > 0 && outputs.contains("logits")) {
      throw Error(ErrorKind::kUnsupported, kWhere, "this model does not compute its loss in chunks",
                  "leave the chunk of the loss at 0");
    }
    return find_output(outputs, "loss");
  }
  if (options.loss_chunk > 0) {
    throw Error(ErrorKind::kUnsupported, kWhere, "label_smoothing_factor with a loss in chunks", "choose one of them");
  }
  const auto labels = batch.find("labels");
  if (labels == batch.end()) throw Error(ErrorKind::kInvalidArgument, kWhere, "label smoothing needs labels");
  // Encoder-decoders make their decoder's inputs of the labels.
  TensorMap arguments = batch;
  if (dynamic_cast<const Seq2SeqLM*>(&model) == nullptr) arguments.erase("labels");
  const Tensor logits = find_output(run_batch(model, arguments, options), "logits");
  const Tensor targets = shifts_labels(model) ? nn::next_token_labels(labels->second) : labels->second;
  return cross_entropy(reshape(logits, {-1, logits.size(-1)}), reshape(targets, {-1}),
                       {.ignore_index = nn::kIgnoredLabel, .label_smoothing = label_smoothing_, .in_float = true});
}

int64_t ModelLoss::items(const Model& model, const TensorMap& batch) const {
  return count(batch, shifts_labels(model));
}

int64_t ModelLoss::divisor(const Model& model, const TensorMap& batch) const {
  return count(batch, shifts_labels(model) && is_called_causal(model));
}

}  // namespace imago
