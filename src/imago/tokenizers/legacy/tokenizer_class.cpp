#include "imago/tokenizers/legacy/tokenizer_class.h"

#include "imago/tokenizers/legacy/class_pieces.h"
#include "imago/tokenizers/legacy/class_stages.h"

namespace imago::tokenizers {
namespace {

using Kind = TokenizerClass::Vocabulary;
using Tokens = TokenizerClass::Tokens;
using Own = TokenizerClass::OwnTokens;
using Extra = TokenizerClass::ExtraTokens;
using Unknown = TokenizerClass::Unknown;

// A class like another, but for what `change` sets.
template <class Change>
constexpr TokenizerClass like(TokenizerClass base, Change change) {
  change(base);
  return base;
}

constexpr Tokens kRobertaTokens{"<s>", "</s>", "<unk>", "</s>", "<pad>", "<s>", "<mask>"};
constexpr Tokens kBracketTokens{"[CLS]", "[SEP]", "[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]"};

// Families, and behind each those that differ from it in little.

constexpr TokenizerClass kBert{.vocabulary = Kind::kWordPiece,
                               .tokens = {nullptr, nullptr, "[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]"},
                               .normalizer = bert_normalizer,
                               .pre_tokenizer = bert_pre_tokenizer,
                               .decoder = word_piece_decoder,
                               .single = "cls $A sep",
                               .pair = "cls $A sep $B:1 sep:1"};

constexpr TokenizerClass kMpnet = like(kBert, [](TokenizerClass& c) {
  c.tokens = {"<s>", "</s>", "[UNK]", "</s>", "<pad>", "<s>", "<mask>"};
  c.post_processor = mpnet_processor;
  c.mask_takes_space = true;
});

constexpr TokenizerClass kFunnel = like(kBert, [](TokenizerClass& c) {
  c.tokens = {"<s>", "</s>", "<unk>", "<sep>", "<pad>", "<cls>", "<mask>"};
  c.normalizer = funnel_normalizer;
  c.decoder = funnel_decoder;
  c.single = "cls:2 $A sep";
  c.pair = "cls:2 $A sep $B:1 sep:1";
});

constexpr TokenizerClass kSplinter = like(kBert, [](TokenizerClass& c) {
  c.post_processor = splinter_processor;
  c.own_tokens = question_token;
});

constexpr TokenizerClass kGpt2{
    .vocabulary = Kind::kMerges,
    .tokens = {"<|endoftext|>", "<|endoftext|>", "<|endoftext|>", nullptr, nullptr, nullptr, nullptr},
    .pre_tokenizer = byte_level_pre_tokenizer,
    .decoder = byte_level_decoder,
    .post_processor = bos_eos_processor,
    .bpe = byte_level_bpe};

constexpr TokenizerClass kCodeGen = like(kGpt2, [](TokenizerClass& c) { c.post_processor = code_gen_processor; });

constexpr TokenizerClass kGptNeoX = like(kGpt2, [](TokenizerClass& c) {
  c.tokens.pad = "<|padding|>";
  c.normalizer = nfc_normalizer;
});

constexpr TokenizerClass kQwen2 = like(kGpt2, [](TokenizerClass& c) {
  c.tokens.bos = nullptr;
  c.tokens.pad = "<|endoftext|>";
  c.normalizer = nfc_normalizer;
  c.pre_tokenizer = qwen2_pre_tokenizer;
});

constexpr TokenizerClass kQwen35 = like(kQwen2, [](TokenizerClass& c) { c.pre_tokenizer = qwen3_5_pre_tokenizer; });

constexpr TokenizerClass kCohere = like(kGpt2, [](TokenizerClass& c) {
  c.tokens = {"<BOS_TOKEN>", "<|END_OF_TURN_TOKEN|>", "<UNK>", "<SEP>", "<PAD>", "<CLS>", "<MASK_TOKEN>"};
  c.normalizer = nfc_normalizer;
  c.pre_tokenizer = cohere_pre_tokenizer;
  c.pads_left = true;
});

constexpr TokenizerClass kNougat = like(kGpt2, [](TokenizerClass& c) {
  c.tokens = {"<s>", "</s>", "<unk>", nullptr, "<pad>", nullptr, nullptr};
  c.normalizer = nfkc_normalizer;
  c.pre_tokenizer = nougat_pre_tokenizer;
  c.post_processor = nullptr;
  c.single = "bos $A eos";
  c.pair = "$A $B:1";
});

constexpr TokenizerClass kWhisper = like(kGpt2, [](TokenizerClass& c) { c.post_processor = whisper_processor; });

constexpr TokenizerClass kRoberta = like(kGpt2, [](TokenizerClass& c) {
  c.tokens = kRobertaTokens;
  c.post_processor = roberta_processor;
});

constexpr TokenizerClass kLayoutLmV3 = like(kRoberta, [](TokenizerClass& c) {
  c.pre_tokenizer = spaced_byte_level_pre_tokenizer;
  c.post_processor = spaced_roberta_processor;
});

constexpr TokenizerClass kBlenderbot = like(kLayoutLmV3, [](TokenizerClass& c) {
  c.post_processor = bos_eos_processor;
  c.mask_takes_space = true;
});

constexpr TokenizerClass kMarkupLm = like(kRoberta, [](TokenizerClass& c) {
  c.post_processor = nullptr;
  c.single = "cls $A sep";
  c.pair = "cls $A sep $B sep";
  c.mask_takes_space = true;
});

constexpr TokenizerClass::NamedToken kLukeTokens[] = {{"entity_1_token", "entity_token_1", "<ent>"},
                                                      {"entity_2_token", "entity_token_2", "<ent2>"},
                                                      {"entity_unk_token", "", "[UNK]"},
                                                      {"entity_pad_token", "", "[PAD]"},
                                                      {"entity_mask_token", "", "[MASK]"},
                                                      {"entity_mask2_token", "", "[MASK2]"}};

constexpr TokenizerClass kLuke = like(kRoberta, [](TokenizerClass& c) {
  c.post_processor = luke_processor;
  c.own_tokens = luke_entities;
  c.extra_tokens = Extra::kBeforeOwn;
  c.named_tokens = kLukeTokens;
});

constexpr TokenizerClass kDeberta = like(kGpt2, [](TokenizerClass& c) {
  c.tokens = kBracketTokens;
  c.post_processor = nullptr;
  c.single = "cls $A sep";
  c.pair = "cls $A sep sep $B sep";
});

constexpr TokenizerClass kClip{
    .vocabulary = Kind::kMerges,
    .tokens = {"<|startoftext|>", "<|endoftext|>", "<|endoftext|>", nullptr, "<|endoftext|>", nullptr, nullptr},
    .normalizer = clip_normalizer,
    .pre_tokenizer = clip_pre_tokenizer,
    .decoder = byte_level_decoder,
    .post_processor = clip_processor,
    .bpe = word_end_bpe};

constexpr TokenizerClass kOpenAiGpt{.vocabulary = Kind::kMerges,
                                    .tokens = {nullptr, nullptr, "<unk>", nullptr, nullptr, nullptr, nullptr},
                                    .normalizer = lowercase_bert_normalizer,
                                    .pre_tokenizer = bert_pre_tokenizer,
                                    .decoder = bpe_decoder,
                                    .post_processor = bos_eos_processor,
                                    .bpe = word_end_bpe};

constexpr TokenizerClass kHerbert = like(kOpenAiGpt, [](TokenizerClass& c) {
  c.tokens = {nullptr, nullptr, "<unk>", "</s>", "<pad>", "<s>", "<mask>"};
  c.normalizer = herbert_normalizer;
  c.post_processor = herbert_processor;
  c.bpe = herbert_bpe;
});

constexpr TokenizerClass kLlama{.vocabulary = Kind::kPieceBpe,
                                .tokens = {"<s>", "</s>", "<unk>", nullptr, nullptr, nullptr, nullptr},
                                .pre_tokenizer = llama_pre_tokenizer,
                                .decoder = llama_decoder,
                                .post_processor = bos_eos_processor,
                                .bpe = llama_bpe,
                                .pads_left = true};

constexpr TokenizerClass kCodeLlama = like(kLlama, [](TokenizerClass& c) {
  c.pre_tokenizer = code_llama_pre_tokenizer;
  c.decoder = code_llama_decoder;
  c.post_processor = code_llama_processor;
  c.bpe = gemma_bpe;
  c.own_tokens = infill_tokens;
});

constexpr TokenizerClass kGemma{.vocabulary = Kind::kPieceBpe,
                                .tokens = {"<bos>", "<eos>", "<unk>", nullptr, "<pad>", nullptr, "<mask>"},
                                .normalizer = gemma_normalizer,
                                .pre_tokenizer = gemma_pre_tokenizer,
                                .decoder = gemma_decoder,
                                .post_processor = bos_eos_processor,
                                .bpe = gemma_bpe,
                                .pads_left = true};

constexpr TokenizerClass kSiglip2 = like(kGemma, [](TokenizerClass& c) { c.normalizer = siglip2_normalizer; });

constexpr TokenizerClass kTipsv2 = like(kGemma, [](TokenizerClass& c) {
  c.tokens = {nullptr, nullptr, "<unk>", nullptr, "<pad>", nullptr, nullptr};
  c.normalizer = tipsv2_normalizer;
  c.pre_tokenizer = always_words_pre_tokenizer;
  c.decoder = tipsv2_decoder;
  c.bpe = llama_bpe;
  c.pads_left = false;
});

constexpr TokenizerClass kNllb{.vocabulary = Kind::kPieceBpe,
                               .tokens = kRobertaTokens,
                               .normalizer = single_space_charsmap_normalizer,
                               .pre_tokenizer = metaspace_pre_tokenizer,
                               .decoder = always_metaspace_decoder,
                               .post_processor = nllb_processor,
                               .bpe = piece_bpe,
                               .arrange = as_nllb,
                               .language = nllb_language,
                               .mask_takes_space = true,
                               .mask_is_normalized = true};

constexpr TokenizerClass kReformer = like(kNllb, [](TokenizerClass& c) {
  c.tokens = {nullptr, "</s>", "<unk>", nullptr, nullptr, nullptr, nullptr};
  c.post_processor = bos_eos_processor;
  c.arrange = nullptr;
  c.pieces_are_special = true;
});

constexpr TokenizerClass kSeamless{.vocabulary = Kind::kPieceBpe,
                                   .tokens = {"<s>", "</s>", "<unk>", "</s>", "<pad>", "<s>", nullptr},
                                   .normalizer = seamless_normalizer,
                                   .pre_tokenizer = first_metaspace_pre_tokenizer,
                                   .decoder = first_metaspace_decoder,
                                   .single = "eos language $A eos",
                                   .pair = "eos language $A $B eos",
                                   .bpe = piece_bpe,
                                   .arrange = as_seamless,
                                   .language = seamless_language};

constexpr TokenizerClass kT5{.vocabulary = Kind::kUnigram,
                             .tokens = {nullptr, "</s>", "<unk>", nullptr, "<pad>", nullptr, nullptr},
                             .normalizer = charsmap_normalizer,
                             .pre_tokenizer = words_pre_tokenizer,
                             .decoder = metaspace_decoder,
                             .single = "$A eos",
                             .pair = "$A eos $B eos",
                             .arrange = with_sentinels,
                             .unk_id = 2,
                             .own_tokens = sentinels};

constexpr TokenizerClass kByT5{.vocabulary = Kind::kBytes,
                               .tokens = {nullptr, "</s>", "<unk>", nullptr, "<pad>", nullptr, nullptr},
                               .pre_tokenizer = whole_byte_level_pre_tokenizer,
                               .decoder = valid_byte_level_decoder,
                               .single = "$A eos",
                               .pair = "$A eos $B eos",
                               .bpe = byte_level_bpe,
                               .own_tokens = byt5_sentinels,
                               .tokens_take_space = true};

constexpr TokenizerClass kUdop = like(kT5, [](TokenizerClass& c) {
  c.tokens.sep = "</s>";
  c.normalizer = nullptr;
  c.arrange = nullptr;
  c.unknown = Unknown::kSpelled;
  c.own_tokens = nullptr;
});

constexpr TokenizerClass kVideoPrism = like(kT5, [](TokenizerClass& c) {
  c.pre_tokenizer = always_words_pre_tokenizer;
  c.decoder = always_metaspace_decoder;
  c.single = "$A";
  c.pair = "$A $B:1";
});

constexpr TokenizerClass kLasr = like(kT5, [](TokenizerClass& c) {
  c.pre_tokenizer = always_words_pre_tokenizer;
  c.decoder = always_metaspace_decoder;
  c.arrange = nullptr;
  c.unk_id = 3;
});

constexpr TokenizerClass kPegasus = like(kT5, [](TokenizerClass& c) {
  c.tokens.mask = "<mask_2>";
  c.normalizer = pegasus_normalizer;
  c.pre_tokenizer = always_metaspace_pre_tokenizer;
  c.decoder = always_metaspace_decoder;
  c.pair = "$A $B eos";
  c.arrange = as_pegasus;
  c.unknown = Unknown::kSpelled;
  c.own_tokens = pegasus_tokens;
});

constexpr TokenizerClass kAlbert{.vocabulary = Kind::kUnigram,
                                 .tokens = {"[CLS]", "[SEP]", "<unk>", "[SEP]", "<pad>", "[CLS]", "[MASK]"},
                                 .normalizer = albert_normalizer,
                                 .pre_tokenizer = words_pre_tokenizer,
                                 .decoder = metaspace_decoder,
                                 .single = "cls $A sep",
                                 .pair = "cls $A sep $B:1 sep:1",
                                 .unk_id = 1};

constexpr TokenizerClass kFNet = like(kAlbert, [](TokenizerClass& c) { c.as_generic = true; });

constexpr TokenizerClass kRemBert = like(kAlbert, [](TokenizerClass& c) {
  c.normalizer = rembert_normalizer;
  c.pre_tokenizer = metaspace_pre_tokenizer;
  c.post_processor = bos_eos_processor;
  c.unk_id = 2;
  c.pieces_are_special = true;
});

constexpr TokenizerClass kBigBird = like(kAlbert, [](TokenizerClass& c) {
  c.tokens = {"<s>", "</s>", "<unk>", "[SEP]", "<pad>", "[CLS]", "[MASK]"};
  c.normalizer = big_bird_normalizer;
  c.pre_tokenizer = metaspace_pre_tokenizer;
  c.unk_id = 100;
  c.unknown = Unknown::kSpelled;
  c.mask_takes_space = true;
});

constexpr TokenizerClass kDebertaV2 = like(kAlbert, [](TokenizerClass& c) {
  c.tokens = kBracketTokens;
  c.normalizer = deberta_v2_normalizer;
  c.pre_tokenizer = deberta_v2_pre_tokenizer;
  c.unknown = Unknown::kOfModel;
});

constexpr TokenizerClass kXlnet = like(kAlbert, [](TokenizerClass& c) {
  c.tokens = {"<s>", "</s>", "<unk>", "<sep>", "<pad>", "<cls>", "<mask>"};
  c.normalizer = xlnet_normalizer;
  c.pre_tokenizer = always_words_pre_tokenizer;
  c.decoder = always_metaspace_decoder;
  c.single = "$A sep cls:2";
  c.pair = "$A sep $B:1 sep:1 cls:2";
  c.unknown = Unknown::kOfModel;
  c.mask_takes_space = true;
  c.pads_left = true;
});

constexpr TokenizerClass kXlmRoberta{.vocabulary = Kind::kUnigram,
                                     .tokens = kRobertaTokens,
                                     .normalizer = charsmap_normalizer,
                                     .pre_tokenizer = words_pre_tokenizer,
                                     .decoder = metaspace_decoder,
                                     .single = "bos $A eos",
                                     .pair = "bos $A eos eos $B eos",
                                     .arrange = as_fairseq,
                                     .unk_id = 3};

constexpr TokenizerClass kCamembert = like(kXlmRoberta, [](TokenizerClass& c) {
  c.arrange = as_camembert;
  c.unknown = Unknown::kSpelled;
  c.mask_takes_space = true;
});

constexpr TokenizerClass kLayoutXlm = like(kXlmRoberta, [](TokenizerClass& c) {
  c.normalizer = layout_xlm_normalizer;
  c.pre_tokenizer = metaspace_pre_tokenizer;
  c.mask_takes_space = true;
});

constexpr TokenizerClass kXglm = like(kXlmRoberta, [](TokenizerClass& c) {
  c.tokens.mask = nullptr;
  c.normalizer = single_space_normalizer;
  c.pre_tokenizer = metaspace_pre_tokenizer;
  c.post_processor = xglm_processor;
  c.arrange = as_xglm;
  c.own_tokens = made_up_words;
});

constexpr TokenizerClass::NamedToken kMLukeTokens[] = {{"entity_1_token", "entity_token_1", "\u2581<ent>"},
                                                       {"entity_2_token", "entity_token_2", "\u2581<ent2>"},
                                                       kLukeTokens[2],
                                                       kLukeTokens[3],
                                                       kLukeTokens[4],
                                                       kLukeTokens[5]};

constexpr TokenizerClass kMLuke = like(kXlmRoberta, [](TokenizerClass& c) {
  c.normalizer = quotes_normalizer;
  c.pre_tokenizer = always_metaspace_pre_tokenizer;
  c.decoder = always_metaspace_decoder;
  c.single = "bos $A eos";
  c.pair = "bos $A eos eos $B:1 eos:1";
  c.arrange = nullptr;
  c.unk_id = 0;
  c.mask_takes_space = true;
  c.own_tokens = mluke_entities;
  c.extra_tokens = Extra::kBeforeOwn;
  c.named_tokens = kMLukeTokens;
});

constexpr TokenizerClass kBarthez = like(kXlmRoberta, [](TokenizerClass& c) {
  c.normalizer = barthez_normalizer;
  c.pre_tokenizer = metaspace_pre_tokenizer;
  c.post_processor = bos_eos_processor;
  c.arrange = nullptr;
  c.mask_takes_space = true;
});

constexpr TokenizerClass kMBart = like(kXlmRoberta, [](TokenizerClass& c) {
  c.normalizer = nullptr;
  c.pre_tokenizer = always_words_pre_tokenizer;
  c.decoder = always_metaspace_decoder;
  c.single = "$A eos language";
  c.pair = "$A $B eos language";
  c.arrange = as_mbart;
  c.own_tokens = mbart_languages;
  c.own_tokens_stand = Own::kBeforePieces;
  c.language = mbart_language;
  c.mask_takes_space = true;
});

constexpr TokenizerClass kMBart50 = like(kMBart, [](TokenizerClass& c) {
  c.tokens.bos = nullptr;
  c.normalizer = single_space_normalizer;
  c.pre_tokenizer = always_metaspace_pre_tokenizer;
  c.single = "language $A eos";
  c.pair = "language $A $B eos";
  c.arrange = as_mbart50;
  c.own_tokens = mbart50_languages;
  c.own_tokens_stand = Own::kBehindPieces;
});

constexpr TokenizerClass named(std::string_view name, TokenizerClass value) {
  value.name = name;
  return value;
}

constexpr TokenizerClass kClasses[] = {
    named("AlbertTokenizer", kAlbert),
    named("BartTokenizer", kRoberta),
    named("BarthezTokenizer", kBarthez),
    named("BertTokenizer", kBert),
    named("BigBirdTokenizer", kBigBird),
    named("BlenderbotTokenizer", kBlenderbot),
    named("ByT5Tokenizer", kByT5),
    named("CLIPTokenizer", kClip),
    named("CamembertTokenizer", kCamembert),
    named("CodeGenTokenizer", kCodeGen),
    named("CodeLlamaTokenizer", kCodeLlama),
    named("CohereTokenizer", kCohere),
    named("ConvBertTokenizer", kBert),
    named("DPRContextEncoderTokenizer", kBert),
    named("DPRQuestionEncoderTokenizer", kBert),
    named("DPRReaderTokenizer", kBert),
    named("DebertaTokenizer", kDeberta),
    named("DebertaV2Tokenizer", kDebertaV2),
    named("DistilBertTokenizer", kBert),
    named("ElectraTokenizer", kBert),
    named("FNetTokenizer", kFNet),
    named("FunnelTokenizer", kFunnel),
    named("GPT2Tokenizer", kGpt2),
    named("GPTNeoXTokenizer", kGptNeoX),
    named("GemmaTokenizer", kGemma),
    named("HerbertTokenizer", kHerbert),
    named("LEDTokenizer", kRoberta),
    named("LasrTokenizer", kLasr),
    named("LayoutLMTokenizer", kBert),
    named("LayoutLMv2Tokenizer", kBert),
    named("LayoutLMv3Tokenizer", kLayoutLmV3),
    named("LayoutXLMTokenizer", kLayoutXlm),
    named("LlamaTokenizer", kLlama),
    named("LongformerTokenizer", kRoberta),
    named("LukeTokenizer", kLuke),
    named("LxmertTokenizer", kBert),
    named("MBart50Tokenizer", kMBart50),
    named("MBartTokenizer", kMBart),
    named("MLukeTokenizer", kMLuke),
    named("MPNetTokenizer", kMpnet),
    named("MarkupLMTokenizer", kMarkupLm),
    named("MobileBertTokenizer", kBert),
    named("MvpTokenizer", kRoberta),
    named("NllbTokenizer", kNllb),
    named("NougatTokenizer", kNougat),
    named("OpenAIGPTTokenizer", kOpenAiGpt),
    named("PegasusTokenizer", kPegasus),
    named("Qwen2Tokenizer", kQwen2),
    named("Qwen3_5Tokenizer", kQwen35),
    named("ReformerTokenizer", kReformer),
    named("RemBertTokenizer", kRemBert),
    named("RobertaTokenizer", kRoberta),
    named("SeamlessM4TTokenizer", kSeamless),
    named("Siglip2Tokenizer", kSiglip2),
    named("SplinterTokenizer", kSplinter),
    named("SqueezeBertTokenizer", kBert),
    named("T5Tokenizer", kT5),
    named("Tipsv2Tokenizer", kTipsv2),
    named("UdopTokenizer", kUdop),
    named("VideoPrismTokenizer", kVideoPrism),
    named("WhisperTokenizer", kWhisper),
    named("XGLMTokenizer", kXglm),
    named("XLMRobertaTokenizer", kXlmRoberta),
    named("XLNetTokenizer", kXlnet),
};

}  // namespace

const TokenizerClass* find_tokenizer_class(std::string_view name) {
  if (name.ends_with("Fast")) name.remove_suffix(4);
  for (const TokenizerClass& tokenizer_class : kClasses) {
    if (tokenizer_class.name == name) return &tokenizer_class;
  }
  return nullptr;
}

}  // namespace imago::tokenizers
