#include "imago/tokenizers/legacy/tokenizer_class.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "imago/base/error.h"
#include "imago/tokenizers/legacy/class_stages.h"

namespace imago::tokenizers {
namespace {

// T5 appends as many sentinels as extra_ids asks for; a number beyond this is no model's.
constexpr int64_t kMaxExtraIds = 10000;

const Json* find_member(const Json& config, std::string_view name) {
  const auto found = config.find(name);
  return found == config.end() || found->is_null() ? nullptr : &*found;
}

BpeOptions byte_level_bpe(const SpecialTokens&) {
  BpeOptions options;
  options.continuing_subword_prefix = "";
  options.end_of_word_suffix = "";
  return options;
}

BpeOptions word_end_bpe(const SpecialTokens& tokens) {
  BpeOptions options;
  options.unk_token = tokens.unk_token;
  options.continuing_subword_prefix = "";
  options.end_of_word_suffix = "</w>";
  return options;
}

BpeOptions llama_bpe(const SpecialTokens&) {
  BpeOptions options;
  options.fuse_unk = true;
  options.byte_fallback = true;
  return options;
}

BpeOptions gemma_bpe(const SpecialTokens& tokens) {
  BpeOptions options = llama_bpe(tokens);
  options.unk_token = tokens.unk_token;
  return options;
}

std::vector<ScoredPiece> with_sentinels(std::vector<ScoredPiece> pieces, const ClassOptions& options,
                                        const SpecialTokens&) {
  const int64_t extra_ids = options.integer("extra_ids", 100);
  if (extra_ids < 0 || extra_ids > kMaxExtraIds) {
    throw Error(ErrorKind::kLimitExceeded, "tokenizer_config.json", fmt::format("extra_ids is {}", extra_ids));
  }
  for (int64_t i = extra_ids; i-- > 0;) pieces.push_back({fmt::format("<extra_id_{}>", i), 0.0});
  return pieces;
}

// What fairseq's dictionaries have before and behind the pieces.
std::vector<ScoredPiece> as_fairseq(std::vector<ScoredPiece> pieces, const ClassOptions&, const SpecialTokens& tokens) {
  pieces.erase(pieces.begin(), pieces.begin() + std::min<ptrdiff_t>(3, std::ssize(pieces)));
  pieces.insert(pieces.begin(), {{tokens.bos_token.value_or("None"), 0.0},
                                 {tokens.pad_token.value_or("None"), 0.0},
                                 {tokens.eos_token.value_or("None"), 0.0},
                                 {tokens.unk_token.value_or("None"), 0.0}});
  pieces.push_back({tokens.mask_token.value_or("None"), 0.0});
  return pieces;
}

std::vector<ScoredPiece> as_camembert(std::vector<ScoredPiece> pieces, const ClassOptions&,
                                      const SpecialTokens& tokens) {
  if (!pieces.empty()) pieces.erase(pieces.begin());
  pieces.insert(pieces.begin(), {{"<s>NOTUSED", 0.0},
                                 {tokens.pad_token.value_or("None"), 0.0},
                                 {"</s>NOTUSED", 0.0},
                                 {tokens.unk_token.value_or("None"), 0.0},
                                 {"<unk>NOTUSED", -100.0}});
  pieces.push_back({tokens.mask_token.value_or("None"), 0.0});
  return pieces;
}

using Kind = TokenizerClass::Vocabulary;
using Tokens = TokenizerClass::Tokens;

constexpr Tokens kBertTokens{nullptr, nullptr, "[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]"};
constexpr Tokens kRobertaTokens{"<s>", "</s>", "<unk>", "</s>", "<pad>", "<s>", "<mask>"};
constexpr Tokens kAlbertTokens{"[CLS]", "[SEP]", "<unk>", "[SEP]", "<pad>", "[CLS]", "[MASK]"};
constexpr Tokens kDebertaTokens{"[CLS]", "[SEP]", "[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]"};

constexpr Tokens end_of_text(const char* bos, const char* pad) {
  return {bos, "<|endoftext|>", "<|endoftext|>", nullptr, pad, nullptr, nullptr};
}

constexpr TokenizerClass bert(std::string_view name) {
  return {
      name, Kind::kWordPiece, kBertTokens, bert_normalizer, bert_pre_tokenizer, word_piece_decoder, cls_sep_processor};
}

constexpr TokenizerClass roberta(std::string_view name) {
  return {name,
          Kind::kByteLevelBpe,
          kRobertaTokens,
          nullptr,
          byte_level_pre_tokenizer,
          byte_level_decoder,
          roberta_processor,
          byte_level_bpe};
}

// In the order of the columns of TokenizerClass.
constexpr TokenizerClass kClasses[] = {
    bert("BertTokenizer"),
    bert("ConvBertTokenizer"),
    bert("DistilBertTokenizer"),
    bert("DPRContextEncoderTokenizer"),
    bert("DPRQuestionEncoderTokenizer"),
    bert("ElectraTokenizer"),
    bert("LayoutLMTokenizer"),
    bert("LxmertTokenizer"),
    bert("MobileBertTokenizer"),
    bert("SqueezeBertTokenizer"),
    {.name = "MPNetTokenizer",
     .vocabulary = Kind::kWordPiece,
     .tokens = {"<s>", "</s>", "[UNK]", "</s>", "<pad>", "<s>", "<mask>"},
     .normalizer = bert_normalizer,
     .pre_tokenizer = bert_pre_tokenizer,
     .decoder = word_piece_decoder,
     .post_processor = mpnet_processor,
     .mask_takes_space = true},
    roberta("RobertaTokenizer"),
    roberta("BartTokenizer"),
    roberta("LEDTokenizer"),
    roberta("LongformerTokenizer"),
    roberta("MvpTokenizer"),
    {.name = "DebertaTokenizer",
     .vocabulary = Kind::kByteLevelBpe,
     .tokens = kDebertaTokens,
     .normalizer = nullptr,
     .pre_tokenizer = byte_level_pre_tokenizer,
     .decoder = byte_level_decoder,
     .post_processor = cls_sep_sep_processor,
     .bpe = byte_level_bpe},
    {.name = "GPT2Tokenizer",
     .vocabulary = Kind::kByteLevelBpe,
     .tokens = end_of_text("<|endoftext|>", nullptr),
     .normalizer = nullptr,
     .pre_tokenizer = byte_level_pre_tokenizer,
     .decoder = byte_level_decoder,
     .post_processor = bos_eos_processor,
     .bpe = byte_level_bpe},
    {.name = "GPTNeoXTokenizer",
     .vocabulary = Kind::kByteLevelBpe,
     .tokens = end_of_text("<|endoftext|>", "<|padding|>"),
     .normalizer = nfc_normalizer,
     .pre_tokenizer = byte_level_pre_tokenizer,
     .decoder = byte_level_decoder,
     .post_processor = bos_eos_processor,
     .bpe = byte_level_bpe},
    {.name = "Qwen2Tokenizer",
     .vocabulary = Kind::kByteLevelBpe,
     .tokens = end_of_text(nullptr, "<|endoftext|>"),
     .normalizer = nfc_normalizer,
     .pre_tokenizer = qwen2_pre_tokenizer,
     .decoder = byte_level_decoder,
     .post_processor = bos_eos_processor,
     .bpe = byte_level_bpe},
    {.name = "WhisperTokenizer",
     .vocabulary = Kind::kByteLevelBpe,
     .tokens = end_of_text("<|endoftext|>", nullptr),
     .normalizer = nullptr,
     .pre_tokenizer = byte_level_pre_tokenizer,
     .decoder = byte_level_decoder,
     .post_processor = whisper_processor,
     .bpe = byte_level_bpe},
    {.name = "CLIPTokenizer",
     .vocabulary = Kind::kByteLevelBpe,
     .tokens = end_of_text("<|startoftext|>", "<|endoftext|>"),
     .normalizer = clip_normalizer,
     .pre_tokenizer = clip_pre_tokenizer,
     .decoder = byte_level_decoder,
     .post_processor = clip_processor,
     .bpe = word_end_bpe},
    {.name = "OpenAIGPTTokenizer",
     .vocabulary = Kind::kByteLevelBpe,
     .tokens = {nullptr, nullptr, "<unk>", nullptr, nullptr, nullptr, nullptr},
     .normalizer = lowercase_bert_normalizer,
     .pre_tokenizer = bert_pre_tokenizer,
     .decoder = bpe_decoder,
     .post_processor = bos_eos_processor,
     .bpe = word_end_bpe},
    {.name = "LlamaTokenizer",
     .vocabulary = Kind::kPieceBpe,
     .tokens = {"<s>", "</s>", "<unk>", nullptr, nullptr, nullptr, nullptr},
     .normalizer = nullptr,
     .pre_tokenizer = llama_pre_tokenizer,
     .decoder = llama_decoder,
     .post_processor = bos_eos_processor,
     .bpe = llama_bpe,
     .pads_left = true},
    {.name = "GemmaTokenizer",
     .vocabulary = Kind::kPieceBpe,
     .tokens = {"<bos>", "<eos>", "<unk>", nullptr, "<pad>", nullptr, "<mask>"},
     .normalizer = gemma_normalizer,
     .pre_tokenizer = gemma_pre_tokenizer,
     .decoder = gemma_decoder,
     .post_processor = bos_eos_processor,
     .bpe = gemma_bpe,
     .pads_left = true},
    {.name = "T5Tokenizer",
     .vocabulary = Kind::kUnigram,
     .tokens = {nullptr, "</s>", "<unk>", nullptr, "<pad>", nullptr, nullptr},
     .normalizer = charsmap_normalizer,
     .pre_tokenizer = words_pre_tokenizer,
     .decoder = metaspace_decoder,
     .post_processor = eos_processor,
     .arrange = with_sentinels,
     .unk_id = 2,
     .adds_sentinels = true},
    {.name = "AlbertTokenizer",
     .vocabulary = Kind::kUnigram,
     .tokens = kAlbertTokens,
     .normalizer = albert_normalizer,
     .pre_tokenizer = words_pre_tokenizer,
     .decoder = metaspace_decoder,
     .post_processor = cls_sep_processor,
     .unk_id = 1},
    {.name = "XLMRobertaTokenizer",
     .vocabulary = Kind::kUnigram,
     .tokens = kRobertaTokens,
     .normalizer = charsmap_normalizer,
     .pre_tokenizer = words_pre_tokenizer,
     .decoder = metaspace_decoder,
     .post_processor = bos_eos_eos_processor,
     .arrange = as_fairseq,
     .unk_id = 3},
    {.name = "CamembertTokenizer",
     .vocabulary = Kind::kUnigram,
     .tokens = kRobertaTokens,
     .normalizer = charsmap_normalizer,
     .pre_tokenizer = words_pre_tokenizer,
     .decoder = metaspace_decoder,
     .post_processor = bos_eos_eos_processor,
     .arrange = as_camembert,
     .unk_token_decides = true,
     .mask_takes_space = true},
    {.name = "DebertaV2Tokenizer",
     .vocabulary = Kind::kUnigram,
     .tokens = kDebertaTokens,
     .normalizer = deberta_v2_normalizer,
     .pre_tokenizer = deberta_v2_pre_tokenizer,
     .decoder = metaspace_decoder,
     .post_processor = cls_sep_processor,
     .unk_id = 1},
};

// Only where the class is not spelled as the model type is: see tokenizer_class_of_model().
constexpr std::pair<std::string_view, std::string_view> kClassOfModel[] = {
    {"albert", "AlbertTokenizer"},
    {"bart", "BartTokenizer"},
    {"bert", "BertTokenizer"},
    {"camembert", "CamembertTokenizer"},
    {"clip", "CLIPTokenizer"},
    {"convbert", "ConvBertTokenizer"},
    {"deberta", "DebertaTokenizer"},
    {"deberta-v2", "DebertaV2Tokenizer"},
    {"distilbert", "DistilBertTokenizer"},
    {"electra", "ElectraTokenizer"},
    {"gemma", "GemmaTokenizer"},
    {"gemma2", "GemmaTokenizer"},
    {"gpt2", "GPT2Tokenizer"},
    {"gpt_neo", "GPT2Tokenizer"},
    {"gpt_neox", "GPTNeoXTokenizer"},
    {"gptj", "GPT2Tokenizer"},
    {"led", "LEDTokenizer"},
    {"llama", "LlamaTokenizer"},
    {"longformer", "LongformerTokenizer"},
    {"mistral", "LlamaTokenizer"},
    {"mixtral", "LlamaTokenizer"},
    {"mobilebert", "MobileBertTokenizer"},
    {"mpnet", "MPNetTokenizer"},
    {"mt5", "T5Tokenizer"},
    {"openai-gpt", "OpenAIGPTTokenizer"},
    {"opt", "GPT2Tokenizer"},
    {"qwen2", "Qwen2Tokenizer"},
    {"qwen3", "Qwen2Tokenizer"},
    {"roberta", "RobertaTokenizer"},
    {"squeezebert", "SqueezeBertTokenizer"},
    {"t5", "T5Tokenizer"},
    {"umt5", "T5Tokenizer"},
    {"whisper", "WhisperTokenizer"},
    {"xlm-roberta", "XLMRobertaTokenizer"},
};

}  // namespace

bool ClassOptions::has(std::string_view name) const { return find_member(config_, name) != nullptr; }

std::optional<bool> ClassOptions::optional_boolean(std::string_view name) const {
  const Json* member = find_member(config_, name);
  if (member == nullptr) return std::nullopt;
  if (!member->is_boolean()) {
    throw Error(ErrorKind::kInvalidFile, "tokenizer_config.json", fmt::format("'{}' is no boolean", name));
  }
  return member->get<bool>();
}

bool ClassOptions::boolean(std::string_view name, bool absent) const { return optional_boolean(name).value_or(absent); }

int64_t ClassOptions::integer(std::string_view name, int64_t absent) const {
  const Json* member = find_member(config_, name);
  if (member == nullptr) return absent;
  if (!member->is_number_integer()) {
    throw Error(ErrorKind::kInvalidFile, "tokenizer_config.json", fmt::format("'{}' is no integer", name));
  }
  return member->get<int64_t>();
}

const TokenizerClass* find_tokenizer_class(std::string_view name) {
  if (name.ends_with("Fast")) name.remove_suffix(4);
  for (const TokenizerClass& entry : kClasses) {
    if (entry.name == name) return &entry;
  }
  return nullptr;
}

std::string_view tokenizer_class_of_model(std::string_view model_type) {
  for (const auto& [type, name] : kClassOfModel) {
    if (type == model_type) return name;
  }
  return {};
}

}  // namespace imago::tokenizers
