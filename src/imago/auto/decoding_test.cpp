// What holds for every model: decoding with a cache gives what one pass gives, and a row of a padded batch gives what
// it gives alone. Weights and inputs are those of the golden folders.
#include <gmock/gmock.h>

#include <cmath>

#include "imago/auto/load_weights.h"
#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/io/safetensors.h"
#include "imago/models/bert/bert.h"
#include "imago/models/gpt2/gpt2.h"
#include "imago/models/llama/llama.h"
#include "imago/models/t5/t5.h"
#include "imago/ops/concat/concat.h"
#include "imago/ops/slice/slice.h"

namespace imago {
namespace {

using llama::LlamaForCausalLM;

struct Golden {
  explicit Golden(const std::string& name)
      : folder(std::string(IMAGO_SOURCE_DIR) + "/src/imago/models/" + name),
        tensors(SafetensorsFile::open(folder + "/golden.safetensors")) {}
  Tensor input(const std::string& name) const { return tensors.tensor("inputs." + name); }

  template <class Model>
  Model model() const {
    typename Model::ConfigType config;
    read_config(read_json(folder + "/config.json"), config);
    Model loaded(config);
    load_weights(loaded, Checkpoint::open(folder));
    return loaded;
  }

  std::string folder;
  SafetensorsFile tensors;
};

// The largest difference, over the root mean square of `expected`.
double error_of(const Tensor& actual, const Tensor& expected) {
  EXPECT_EQ(actual.shape().to_string(), expected.shape().to_string());
  const std::vector<double> a = actual.to_vector<double>(), b = expected.to_vector<double>();
  double worst = 0, squares = 0;
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    worst = std::max(worst, std::abs(a[i] - b[i]));
    squares += b[i] * b[i];
  }
  EXPECT_GT(squares, 0);
  return worst / std::sqrt(squares / static_cast<double>(b.size()));
}

constexpr double kRounding = 1e-5;  // of float32, through two layers

// A prompt of four tokens at once, then one by one.
template <class Model>
void expect_cached_equals_uncached(const std::string& name) {
  const Golden golden(name);
  const Model model = golden.model<Model>();
  TextInputs in;
  in.input_ids = golden.input("input_ids");
  const Tensor expected = model.forward(in).logits;
  const int64_t tokens = in.input_ids.size(1);
  KeyValueCache cache;
  Tensors parts;
  for (int64_t start = 0; start < tokens;) {
    const int64_t count = start == 0 ? 4 : 1;
    TextInputs step;
    step.input_ids = narrow(in.input_ids, 1, start, count);
    step.past_key_values = &cache;
    parts.push_back(model.forward(step).logits);
    start += count;
    EXPECT_EQ(cache.length(), start);
  }
  EXPECT_LT(error_of(concat(parts, 1), expected), kRounding) << name;
}

TEST(DecodingTest, CachedEqualsUncached) {
  expect_cached_equals_uncached<LlamaForCausalLM>("llama/golden/causal_lm");
  expect_cached_equals_uncached<gpt2::GPT2LMHeadModel>("gpt2/golden/causal_lm");
  expect_cached_equals_uncached<bert::BertLMHeadModel>("bert/golden/causal_lm");
}

TEST(DecodingTest, CachedDecoderEqualsUncached) {
  const Golden golden("t5/golden/seq2seq_lm");
  const auto model = golden.model<t5::T5ForConditionalGeneration>();
  TextInputs in;
  in.input_ids = golden.input("input_ids");
  in.attention_mask = golden.input("attention_mask");
  in.decoder_input_ids = golden.input("input_ids");
  const Tensor expected = model.forward(in).logits;
  in.encoder_last_hidden_state = model.encode(in).last_hidden_state;
  KeyValueCache cache;
  in.past_key_values = &cache;
  Tensors parts;
  for (int64_t token = 0; token < expected.size(1); ++token) {
    in.decoder_input_ids = narrow(golden.input("input_ids"), 1, token, 1);
    parts.push_back(model.forward(in).logits);
  }
  EXPECT_LT(error_of(concat(parts, 1), expected), kRounding);
}

// The tokens of a row, without its padding.
struct Row {
  int64_t index, start, count;
};

std::vector<Row> rows_of(const Tensor& attention_mask) {
  const std::vector<int64_t> mask = attention_mask.to_vector<int64_t>();
  const int64_t tokens = attention_mask.size(1);
  std::vector<Row> rows;
  for (int64_t row = 0; row < attention_mask.size(0); ++row) {
    const auto begin = mask.begin() + row * tokens, end = begin + tokens;
    rows.push_back({row, std::find(begin, end, 1) - begin, std::count(begin, end, 1)});
  }
  return rows;
}

Tensor of_row(const Tensor& x, const Row& row) { return narrow(narrow(x, 0, row.index, 1), 1, row.start, row.count); }

// Positions that count tokens, not padding.
Tensor positions_of(const Tensor& attention_mask) {
  std::vector<int64_t> positions(static_cast<size_t>(attention_mask.numel()), 0);
  for (const Row& row : rows_of(attention_mask)) {
    for (int64_t i = 0; i < row.count; ++i)
      positions[static_cast<size_t>(row.index * attention_mask.size(1) + row.start + i)] = i;
  }
  return Tensor::from(std::span<const int64_t>(positions), attention_mask.shape());
}

template <class Model>
void expect_padded_equals_single(const std::string& name) {
  const Golden golden(name);
  const Model model = golden.model<Model>();
  TextInputs in;
  in.input_ids = golden.input("input_ids");
  in.attention_mask = golden.input("attention_mask");
  in.position_ids = positions_of(in.attention_mask);
  const Tensor batch = model.forward(in).logits;
  bool padded = false;
  for (const Row& row : rows_of(in.attention_mask)) {
    padded = padded || row.count < in.input_ids.size(1);
    TextInputs alone;
    alone.input_ids = of_row(in.input_ids, row);
    EXPECT_LT(error_of(of_row(batch, row), model.forward(alone).logits), kRounding) << name << " row " << row.index;
  }
  EXPECT_TRUE(padded) << name;
}

TEST(DecodingTest, PaddedBatchEqualsSingleRows) {
  expect_padded_equals_single<LlamaForCausalLM>("llama/golden/causal_lm_left_padding");
  expect_padded_equals_single<LlamaForCausalLM>("llama/golden/causal_lm_right_padding");
  expect_padded_equals_single<gpt2::GPT2LMHeadModel>("gpt2/golden/causal_lm_left_padding");
  expect_padded_equals_single<gpt2::GPT2LMHeadModel>("gpt2/golden/causal_lm_right_padding");
  expect_padded_equals_single<bert::BertForMaskedLM>("bert/golden/masked_lm_left_padding");
  expect_padded_equals_single<bert::BertForMaskedLM>("bert/golden/masked_lm_right_padding");
}

TEST(DecodingTest, PaddedEncoderInputEqualsSingleRows) {
  for (const char* name : {"t5/golden/seq2seq_lm_left_padding", "t5/golden/seq2seq_lm_right_padding"}) {
    const Golden golden(name);
    const auto model = golden.model<t5::T5ForConditionalGeneration>();
    TextInputs in;
    in.input_ids = golden.input("input_ids");
    in.attention_mask = golden.input("attention_mask");
    in.labels = golden.input("labels");
    const Tensor batch = model.forward(in).logits;
    for (const Row& row : rows_of(in.attention_mask)) {
      TextInputs alone;
      alone.input_ids = of_row(in.input_ids, row);
      alone.labels = narrow(in.labels, 0, row.index, 1);
      EXPECT_LT(error_of(narrow(batch, 0, row.index, 1), model.forward(alone).logits), kRounding) << name;
    }
  }
}

template <class Model>
void expect_position_limit(const std::string& name, const std::string& key) {
  const Model model = Golden(name).model<Model>();
  TextInputs in;
  in.input_ids = Tensor::zeros({1, 65}, DType::i64);
  try {
    model.forward(in);
    ADD_FAILURE() << name << " took too many tokens";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInvalidArgument);
    EXPECT_THAT(error.what(), testing::HasSubstr(key));
  }
}

TEST(DecodingTest, PositionsBeyondTheLimitAreRefused) {
  expect_position_limit<gpt2::GPT2LMHeadModel>("gpt2/golden/causal_lm", "64 positions (n_positions)");
  expect_position_limit<bert::BertForMaskedLM>("bert/golden/masked_lm", "48 positions (max_position_embeddings)");
}

}  // namespace
}  // namespace imago
