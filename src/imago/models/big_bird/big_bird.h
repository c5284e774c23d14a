// BigBird (Zaheer et al. 2020, "Big Bird: Transformers for Longer Sequences"). B batch, T tokens, D hidden.
#pragma once

#include "imago/models/bert/bert.h"

namespace imago::big_bird {

struct BigBirdConfig : bert::BertConfig {
  static constexpr const char* kModelType = "big_bird";
  std::string attention_type = "block_sparse";
  bool use_bias = true, rescale_embeddings = false;
  int64_t block_size = 64, num_random_blocks = 3;
  std::optional<int64_t> sep_token_id = 66;
  FIELDS_AND(BertConfig, attention_type, use_bias, rescale_embeddings, block_size, num_random_blocks, sep_token_id)

  BigBirdConfig();
  void validate() const override;
  // Whether so many tokens have blocks enough to be sparse.
  bool is_sparse(const TextInputs& in, int64_t tokens) const;
};

// Of one pass: where there are tokens, and where attention weights go.
struct SparseContext {
  Tensor tokens_BT;
  Tensors* weights;
};

struct Layer : Module {
  bert::Attention attention;
  bert::Intermediate intermediate;
  bert::Output output;
  FIELDS(attention, intermediate, output)

  Layer(const BigBirdConfig& c, int64_t layer);
  // Attention to all where `sparse` is null.
  Tensor operator()(const Tensor& x_BTD, const nn::AttentionContext& context, const SparseContext* sparse) const;

 private:
  Tensor attend_sparsely(const Tensor& x_BTD, const SparseContext& sparse) const;
  Tensor drawn_blocks(int64_t blocks) const;

  int64_t block_size_, drawn_, positions_, index_;
};

struct Encoder : Module {
  std::vector<Layer> layer;
  FIELDS(layer)
  explicit Encoder(const BigBirdConfig& c);
};

struct BigBirdModel : nn::Backbone<BigBirdConfig, nn::TextEncoder> {
  static constexpr nn::FieldName kBaseModelPrefix = "bert";
  static constexpr const char* kInputEmbeddings = "embeddings.word_embeddings.weight";
  bert::Embeddings embeddings;
  Encoder encoder;
  nn::Linear pooler;
  FIELDS(embeddings, encoder, pooler)

  explicit BigBirdModel(const BigBirdConfig& c, bool add_pooling_layer = true);
  WeightMap weight_map() const override;
  BaseModelOutput forward(const TextInputs& in) const override;

 private:
  Tensor embed(const TextInputs& in) const;
  // As many tokens of padding behind as fill the last block.
  TextInputs padded(const TextInputs& in, int64_t padding) const;
};

using BigBirdWithoutPooler = bert::WithoutPooler<BigBirdModel>;

struct ClassificationHead : nn::ClassificationHead {
  explicit ClassificationHead(const BigBirdConfig& c) : nn::ClassificationHead(c, c.hidden_act) {}
};

// A layer of its own before the scores.
struct QuestionAnsweringHead : Module {
  bert::Intermediate intermediate;
  bert::Output output;
  nn::Linear qa_outputs;
  FIELDS(intermediate, output, qa_outputs)

  explicit QuestionAnsweringHead(const BigBirdConfig& c) : intermediate(c), output(c), qa_outputs(c.hidden_size, 2) {}
  Tensor operator()(const Tensor& x_BTD) const { return qa_outputs(output(intermediate(x_BTD), x_BTD)); }
};

// Answers lie behind the first separator of the ids, which ends the question.
struct BigBirdForQuestionAnswering
    : nn::WithHead<QuestionAnswering, BigBirdWithoutPooler, QuestionAnsweringHead, "qa_classifier"> {
  using WithHead::WithHead;
  QuestionAnsweringOutput forward(const TextInputs& in) const override;
};

using BigBirdForPreTraining = nn::ForPreTraining<BigBirdModel, bert::PreTrainingHeads, "cls">;
using BigBirdForMaskedLM = nn::ForMaskedLM<BigBirdModel, bert::LMPredictionHead, "cls.predictions">;
using BigBirdForCausalLM = nn::ForCausalLM<BigBirdModel, bert::LMPredictionHead, "cls.predictions">;
using BigBirdForSequenceClassification =
    nn::ForSequenceClassification<BigBirdModel, nn::Pooling::kFirstToken, ClassificationHead>;
using BigBirdForMultipleChoice = nn::ForMultipleChoice<BigBirdModel>;
using BigBirdForTokenClassification = nn::ForTokenClassification<BigBirdModel>;

}  // namespace imago::big_bird
