// Texts as rows of a model's input: encoding within the model's limits, batches of similar length, padding.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "imago/pipelines/pipeline_task.h"
#include "imago/tensor/tensor.h"

namespace imago {

struct TextEncodeOptions {
  bool truncation = false;            // else a text that is too long is refused
  std::optional<int64_t> max_length;  // to which truncation cuts; else the limit of the tokenizer or the model
  bool only_first = false;            // truncation cuts the first text of a pair only
  bool add_special_tokens = true;
  const LiteralText* literal = nullptr;  // as in EncodeOptions
  const Tokenizer* tokenizer = nullptr;  // in place of the model's own
};

// The tokens of a text or a pair of texts. What tokenizer.json says of truncation and padding does not count.
// Throws Error kInvalidArgument for text that is not UTF-8, and kLimitExceeded naming the model's limit.
Encoding encode_input(const PipelineModel& model, const PipelineInput& input, const TextEncodeOptions& options);

// Throws Error kLimitExceeded where so many tokens do not fit into the model's positions.
void check_length(const PipelineModel& model, size_t tokens);

enum class PaddingSide { kLeft, kRight };

// The inputs of a model: ids and mask [rows, tokens]. Segments are set where the tokenizer tells them apart and the
// checkpoint's model takes them.
TextInputs pad_to_batch(const PipelineModel& model, std::span<const Encoding* const> rows, PaddingSide side);

// Which rows go together: each batch has `batch_size` of similar length, so that little is padding.
std::vector<std::vector<size_t>> plan_batches(std::span<const Encoding> rows, int64_t batch_size);

// Calls body(indices, inputs) for each batch of the rows, padded on the right, and shows progress of many rows.
using BatchBody = std::function<void(std::span<const size_t> indices, const TextInputs& inputs)>;
void for_each_batch(const PipelineModel& model, const std::string& label, std::span<const Encoding> rows,
                    int64_t batch_size, const BatchBody& body);

// The row's scores for the tokens [0, tokens) that are not padding: [tokens][columns] of logits [B, T, columns].
// Throws Error kInvalidArgument where one is not finite, as weights that are not numbers make it.
std::vector<std::vector<float>> token_scores(const Tensor& logits, size_t row, size_t tokens);

// exp(x) / sum(exp), and the indices of the k largest values, of equal ones the first.
std::vector<float> softmax_scores(std::span<const float> scores);
std::vector<size_t> largest(std::span<const float> scores, size_t k);
void expect_finite(std::span<const float> scores);

}  // namespace imago
