#include "imago/train/data_collator.h"

#include <fmt/core.h>

#include <algorithm>

#include "imago/base/error.h"
#include "imago/ops/compare/compare.h"
#include "imago/ops/concat/concat.h"
#include "imago/ops/pad/pad.h"
#include "imago/ops/where/where.h"

namespace imago {
namespace {

constexpr const char* kWhere = "data collator";

// The arguments that have an element per token, and what fills them.
std::optional<int64_t> filler_of(const std::string& name, const PaddingOptions& options) {
  if (name == "input_ids" || name == "decoder_input_ids") return options.pad_token_id;
  if (name == "attention_mask" || name == "decoder_attention_mask") return 0;
  if (name == "token_type_ids") return options.pad_token_type_id;
  if (name == "labels") return options.label_pad_token_id;
  if (name == "position_ids") return 0;
  if (name == "sequence_ids") return -1;  // no sequence: they count from 0
  return std::nullopt;
}

Tensors column(std::span<const TensorMap> examples, const std::string& name) {
  Tensors tensors;
  for (const TensorMap& example : examples) {
    const auto found = example.find(name);
    if (found == example.end() || example.size() != examples[0].size()) {
      throw Error(ErrorKind::kInvalidArgument, kWhere, "the examples of a batch differ in their arguments",
                  fmt::format("give each of them {}, or none", name));
    }
    tensors.push_back(found->second);
  }
  return tensors;
}

Tensor stack_equal(const Tensors& tensors, const std::string& name) {
  for (const Tensor& tensor : tensors) {
    if (tensor.shape() == tensors[0].shape()) continue;
    throw Error(
        ErrorKind::kInvalidArgument, kWhere,
        fmt::format("{} is {} in one example and {} in another", name, tensors[0].describe(), tensor.describe()),
        "cut the examples to one length, or use a collator that pads");
  }
  return stack(tensors);
}

Tensor pad_to(const Tensor& tensor, int64_t length, int64_t value, bool left) {
  const int64_t missing = length - tensor.size(0);
  if (missing == 0) return tensor;
  return left ? pad(tensor, {missing, 0}, static_cast<double>(value))
              : pad(tensor, {0, missing}, static_cast<double>(value));
}

Tensor stack_padded(const Tensors& tensors, int64_t value, const PaddingOptions& options) {
  int64_t length = 0;
  for (const Tensor& tensor : tensors) length = std::max(length, tensor.size(0));
  if (const int64_t multiple = options.pad_to_multiple_of.value_or(1); length % multiple != 0) {
    length += multiple - length % multiple;
  }
  Tensors padded;
  for (const Tensor& tensor : tensors) padded.push_back(pad_to(tensor, length, value, options.left));
  return stack(padded);
}

void expect_examples(std::span<const TensorMap> examples) {
  if (examples.empty()) throw Error(ErrorKind::kInvalidArgument, kWhere, "a batch of no examples");
}

TensorMap collate_padded(std::span<const TensorMap> examples, const PaddingOptions& options) {
  expect_examples(examples);
  TensorMap batch;
  for (const auto& [name, first] : examples[0]) {
    const Tensors tensors = column(examples, name);
    const auto filler = filler_of(name, options);
    batch[name] = filler && first.dim() == 1 ? stack_padded(tensors, *filler, options) : stack_equal(tensors, name);
  }
  if (!batch.contains("attention_mask") && batch.contains("input_ids")) {
    Tensors masks;
    for (const TensorMap& example : examples) {
      masks.push_back(Tensor::ones(example.at("input_ids").shape(), DType::i64));
    }
    batch["attention_mask"] = stack_padded(masks, 0, options);
  }
  return batch;
}

}  // namespace

TensorMap default_data_collator(std::span<const TensorMap> examples) {
  expect_examples(examples);
  TensorMap batch;
  for (const auto& [name, first] : examples[0]) {
    const bool is_label = name == "label" || name == "label_ids";
    batch[is_label ? "labels" : name] = stack_equal(column(examples, name), name);
  }
  return batch;
}

DataCollator data_collator_with_padding(const PaddingOptions& options) {
  return [options](std::span<const TensorMap> examples) { return collate_padded(examples, options); };
}

DataCollator data_collator_for_language_modeling(const PaddingOptions& options) {
  return [options](std::span<const TensorMap> examples) {
    TensorMap batch = collate_padded(examples, options);
    const Tensor& ids = batch.at("input_ids");
    batch["labels"] = masked_fill(ids, eq(ids, static_cast<double>(options.pad_token_id)),
                                  static_cast<double>(options.label_pad_token_id));
    return batch;
  };
}

}  // namespace imago
