// BigBird (Zaheer et al. 2020, "Big Bird: Transformers for Longer Sequences"). B batch, T tokens, D hidden, H heads, K
// head size.
#include <algorithm>
#include <cmath>

#include "imago/base/error.h"
#include "imago/models/bert/bert.h"
#include "imago/nn/block_sparse_attention.h"
#include "imago/nn/embeddings.h"
#include "imago/nn/registry.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/concat/concat.h"
#include "imago/ops/operators.h"
#include "imago/ops/pad/pad.h"
#include "imago/ops/slice/slice.h"
#include "imago/ops/unary/unary.h"

namespace imago::big_bird {

constexpr double kNoAnswer = 1e6;  // what tokens of the question lose

// How many tokens each row's question has with its separator, [B] (1 without one).
std::vector<int64_t> question_lengths(const Tensor& ids_BT, std::optional<int64_t> separator) {
  const std::vector<int64_t> ids = ids_BT.to_vector<int64_t>();
  std::vector<int64_t> lengths;
  for (int64_t row = 0, tokens = ids_BT.size(1); row < ids_BT.size(0); ++row) {
    const auto begin = ids.begin() + row * tokens;
    const auto found = separator ? std::find(begin, begin + tokens, *separator) : begin + tokens;
    lengths.push_back(found == begin + tokens ? 1 : found - begin + 1);
  }
  return lengths;
}

struct BigBirdConfig : bert::DropoutConfig {
  static constexpr const char* kModelType = "big_bird";
  std::string attention_type = "block_sparse";
  bool use_bias = true, rescale_embeddings = false;
  int64_t block_size = 64, num_random_blocks = 3;
  std::optional<int64_t> sep_token_id = 66;
  FIELDS_AND(DropoutConfig, attention_type, use_bias, rescale_embeddings, block_size, num_random_blocks, sep_token_id)

  BigBirdConfig() {
    vocab_size = 50358;
    hidden_act = "gelu_new";
    max_position_embeddings = 4096;
    bos_token_id = 1;
    eos_token_id = {2};
  }
  void validate() const override {
    BertConfig::validate();
    if (attention_type != "block_sparse" && attention_type != "original_full")
      throw Error(ErrorKind::kUnsupported, "config.json", "attention_type " + attention_type);
    if (block_size < 1 || num_random_blocks < 1)
      throw Error(ErrorKind::kInvalidFile, "config.json", "block_size or num_random_blocks is below 1");
    if (add_cross_attention) throw Error(ErrorKind::kUnsupported, "config.json", "add_cross_attention of big_bird");
  }
  double choice_dropout() const override { return hidden_dropout_prob; }
  // Whether so many tokens have blocks enough to be sparse.
  bool is_sparse(const TextInputs& in, int64_t tokens) const {
    const bool remembers = is_decoder && in.past_key_values != nullptr;
    return attention_type == "block_sparse" && tokens > (5 + 2 * num_random_blocks) * block_size && !remembers;
  }
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

  Layer(const BigBirdConfig& c, int64_t layer)
      : attention(c, layer),
        intermediate(c),
        output(c),
        block_size_(c.block_size),
        drawn_(c.num_random_blocks),
        positions_(c.max_position_embeddings),
        index_(layer) {
    if (c.use_bias) return;
    for (nn::Linear* each : {&attention.projections.query, &attention.projections.key, &attention.projections.value})
      each->bias = {};
  }
  // Attention to all where `sparse` is null.
  Tensor operator()(const Tensor& x_BTD, const nn::AttentionContext& context, const SparseContext* sparse) const {
    const Tensor h_BTD =
        sparse == nullptr ? attention(x_BTD, context) : attention.add(attend_sparsely(x_BTD, *sparse), x_BTD);
    return output(intermediate(h_BTD), h_BTD);
  }

 private:
  Tensor attend_sparsely(const Tensor& x_BTD, const SparseContext& sparse) const {
    const auto& p = attention.projections;
    const auto heads = [&](const Tensor& x) { return nn::split_heads(x, p.heads); };
    return p.output(nn::merge_heads(
        nn::block_sparse_attention(heads(p.query(x_BTD)), heads(p.key(x_BTD)), heads(p.value(x_BTD)), sparse.tokens_BT,
                                   drawn_blocks(x_BTD.size(1) / block_size_), block_size_, sparse.weights)));
  }
  // Outside of training the reference draws nothing and takes the first block in the place of each.
  Tensor drawn_blocks(int64_t blocks) const {
    const int64_t heads = attention.projections.heads;
    if (nn::training_generator() == nullptr) return Tensor::zeros({heads, blocks - 2, drawn_}, DType::i64);
    return Tensor::from(nn::draw_blocks({.heads = heads,
                                         .blocks = blocks,
                                         .drawn = drawn_,
                                         .block_size = block_size_,
                                         .positions = positions_,
                                         .seed = static_cast<uint32_t>(index_)}),
                        {heads, blocks - 2, drawn_});
  }

  int64_t block_size_, drawn_, positions_, index_;
};

struct Encoder : Module {
  std::vector<Layer> layer;
  FIELDS(layer)
  explicit Encoder(const BigBirdConfig& c) {
    for (int64_t index = 0; index < c.num_hidden_layers; ++index) layer.emplace_back(c, index);
  }
};

struct BigBirdModel : nn::Backbone<BigBirdConfig, nn::TextEncoder> {
  static constexpr nn::FieldName kBaseModelPrefix = "bert";
  static constexpr const char* kInputEmbeddings = "embeddings.word_embeddings.weight";
  bert::Embeddings embeddings;
  Encoder encoder;
  nn::Linear pooler;
  FIELDS(embeddings, encoder, pooler)

  explicit BigBirdModel(const BigBirdConfig& c, bool add_pooling_layer = true)
      : Backbone(c), embeddings(c), encoder(c) {
    if (add_pooling_layer) pooler = nn::Linear(c.hidden_size, c.hidden_size);
  }
  WeightMap weight_map() const override {
    return {.base_model_prefix = "bert",
            .ignored = {"*embeddings.position_ids", "*embeddings.token_type_ids", "*pooler.*"},
            .optional = {"pooler.*"}};
  }
  BaseModelOutput forward(const TextInputs& given) const override {
    const BigBirdConfig& c = config();
    nn::Recorder record(given);
    TextInputs in = given;
    const Tensor& first = in.input_ids ? in.input_ids : in.inputs_embeds;
    const int64_t batch = first ? first.size(0) : 0, tokens = first ? first.size(1) : 0;
    const bool sparse = c.is_sparse(in, tokens);
    if (sparse) {
      if (!in.attention_mask) in.attention_mask = Tensor::ones({batch, tokens}, DType::i64);
      if (const int64_t padding = (c.block_size - tokens % c.block_size) % c.block_size) in = padded(in, padding);
    }
    Tensor x_BTD = embed(in);
    const SparseContext blocks{in.attention_mask, record.attentions()};
    const nn::AttentionContext context = sparse         ? nn::AttentionContext{}
                                         : c.is_decoder ? nn::causal_attention(in, x_BTD, record)
                                                        : nn::full_attention(in, x_BTD, record);
    const nn::AttentionDropout attention_dropout(c.attention_probs_dropout_prob);
    for (const Layer& layer : encoder.layer) x_BTD = layer(record(x_BTD), context, sparse ? &blocks : nullptr);
    BaseModelOutput out = record.finish(narrow(x_BTD, 1, 0, tokens));
    if (pooler.weight) out.pooler_output = tanh(pooler(select(x_BTD, 1, 0)));
    return out;
  }

 private:
  // Dropped before they are normalised, unlike BERT's.
  Tensor embed(TextInputs in) const {
    if (config().rescale_embeddings) {
      in.inputs_embeds =
          nn::embed(in, embeddings.word_embeddings) * std::sqrt(static_cast<double>(config().hidden_size));
      in.input_ids = {};
    }
    return embeddings.LayerNorm(nn::dropout(embeddings.sum(in), config().hidden_dropout_prob));
  }
  // As many tokens of padding behind as fill the last block.
  TextInputs padded(const TextInputs& in, int64_t padding) const {
    TextInputs out = in;
    const auto filled = static_cast<double>(config().pad_token_id.value_or(0));
    if (in.input_ids) out.input_ids = pad(in.input_ids, {0, padding}, filled);
    if (in.position_ids) out.position_ids = pad(in.position_ids, {0, padding}, filled);
    if (in.token_type_ids) out.token_type_ids = pad(in.token_type_ids, {0, padding});
    out.attention_mask = pad(in.attention_mask, {0, padding});
    if (in.inputs_embeds) {  // of embeddings the reference pads with what becomes of padding's
      TextInputs own;
      own.input_ids = Tensor::full({in.inputs_embeds.size(0), padding}, filled, DType::i64);
      out.inputs_embeds = concat({in.inputs_embeds, embed(own)}, 1);
    }
    return out;
  }
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

  explicit QuestionAnsweringHead(const BigBirdConfig& c)
      : intermediate(c), output(c), qa_outputs(c.hidden_size, 2), dropped(c.hidden_dropout_prob) {}
  Tensor operator()(const Tensor& x_BTD) const {
    return qa_outputs(output(intermediate(nn::dropout(x_BTD, dropped)), x_BTD));
  }

  double dropped;
};

// Answers lie behind the first separator of the ids, which ends the question.
struct BigBirdForQuestionAnswering
    : nn::WithHead<QuestionAnswering, BigBirdWithoutPooler, QuestionAnsweringHead, "qa_classifier"> {
  using WithHead::WithHead;
  QuestionAnsweringOutput forward(const TextInputs& given) const override {
    TextInputs in = given;
    Tensor asked;  // [B, T, 1]: one at the question but for the first token
    if (in.input_ids) {
      const int64_t batch = in.input_ids.size(0), tokens = in.input_ids.size(1);
      const std::vector<int64_t> lengths = question_lengths(in.input_ids, base.config().sep_token_id);
      std::vector<int64_t> types;
      std::vector<float> hidden;
      for (const int64_t length : lengths) {
        for (int64_t i = 0; i < tokens; ++i) {
          types.push_back(i < length ? 0 : 1);
          hidden.push_back(i > 0 && i < length ? 1 : 0);
        }
      }
      if (!in.token_type_ids) in.token_type_ids = Tensor::from(types, {batch, tokens});
      asked = Tensor::from(hidden, {batch, tokens, 1});
    }
    BaseModelOutput below = base.forward(in);
    Tensor logits = head(below.last_hidden_state);
    if (asked) logits = logits - cast(asked, logits.dtype()) * kNoAnswer;
    QuestionAnsweringOutput out;
    nn::set_answer_span(out, logits, in);
    take_states(out, std::move(below));
    return out;
  }
};

using BigBirdForPreTraining = nn::ForPreTraining<BigBirdModel, bert::PreTrainingHeads, "cls">;
using BigBirdForMaskedLM = nn::ForMaskedLM<BigBirdModel, bert::LMPredictionHead, "cls.predictions">;
using BigBirdForCausalLM = nn::ForCausalLM<BigBirdModel, bert::LMPredictionHead, "cls.predictions">;
using BigBirdForSequenceClassification =
    nn::ForSequenceClassification<BigBirdModel, nn::Pooling::kFirstToken, ClassificationHead>;
using BigBirdForMultipleChoice = nn::ForMultipleChoice<BigBirdModel>;
using BigBirdForTokenClassification = nn::ForTokenClassification<BigBirdModel>;

}  // namespace imago::big_bird

REGISTER_MODELS(big_bird, BigBirdModel, BigBirdForPreTraining, BigBirdForMaskedLM, BigBirdForCausalLM,
                BigBirdForSequenceClassification, BigBirdForMultipleChoice, BigBirdForTokenClassification,
                BigBirdForQuestionAnswering)
