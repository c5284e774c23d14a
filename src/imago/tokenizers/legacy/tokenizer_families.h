// What families of tokenizer classes make of a vocabulary. For tokenizer_class.cpp alone, which names the classes.
#pragma once

#include "imago/tokenizers/legacy/class_pieces.h"
#include "imago/tokenizers/legacy/class_stages.h"
#include "imago/tokenizers/legacy/python_classes.h"

namespace imago::tokenizers::families {

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

inline constexpr Tokens kRobertaTokens{"<s>", "</s>", "<unk>", "</s>", "<pad>", "<s>", "<mask>"};
inline constexpr Tokens kBracketTokens{"[CLS]", "[SEP]", "[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]"};

// Families, and behind each those that differ from it in little.

inline constexpr TokenizerClass kBert{.vocabulary = Kind::kWordPiece,
                                      .tokens = {nullptr, nullptr, "[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]"},
                                      .normalizer = bert_normalizer,
                                      .pre_tokenizer = bert_pre_tokenizer,
                                      .decoder = word_piece_decoder,
                                      .single = "cls $A sep",
                                      .pair = "cls $A sep $B:1 sep:1"};

inline constexpr TokenizerClass kMpnet = like(kBert, [](TokenizerClass& c) {
  c.tokens = {"<s>", "</s>", "[UNK]", "</s>", "<pad>", "<s>", "<mask>"};
  c.post_processor = mpnet_processor;
  c.mask_takes_space = true;
});

inline constexpr TokenizerClass kFunnel = like(kBert, [](TokenizerClass& c) {
  c.tokens = {"<s>", "</s>", "<unk>", "<sep>", "<pad>", "<cls>", "<mask>"};
  c.normalizer = funnel_normalizer;
  c.decoder = funnel_decoder;
  c.single = "cls:2 $A sep";
  c.pair = "cls:2 $A sep $B:1 sep:1";
});

inline constexpr TokenizerClass kSplinter = like(kBert, [](TokenizerClass& c) {
  c.post_processor = splinter_processor;
  c.own_tokens = question_token;
});

inline constexpr TokenizerClass kGpt2{
    .vocabulary = Kind::kMerges,
    .tokens = {"<|endoftext|>", "<|endoftext|>", "<|endoftext|>", nullptr, nullptr, nullptr, nullptr},
    .pre_tokenizer = byte_level_pre_tokenizer,
    .decoder = byte_level_decoder,
    .post_processor = bos_eos_processor,
    .bpe = byte_level_bpe};

inline constexpr TokenizerClass kCodeGen =
    like(kGpt2, [](TokenizerClass& c) { c.post_processor = code_gen_processor; });

inline constexpr TokenizerClass kGptNeoX = like(kGpt2, [](TokenizerClass& c) {
  c.tokens.pad = "<|padding|>";
  c.normalizer = nfc_normalizer;
});

inline constexpr TokenizerClass kQwen2 = like(kGpt2, [](TokenizerClass& c) {
  c.tokens.bos = nullptr;
  c.tokens.pad = "<|endoftext|>";
  c.normalizer = nfc_normalizer;
  c.pre_tokenizer = qwen2_pre_tokenizer;
});

inline constexpr TokenizerClass kQwen35 =
    like(kQwen2, [](TokenizerClass& c) { c.pre_tokenizer = qwen3_5_pre_tokenizer; });

inline constexpr TokenizerClass kCohere = like(kGpt2, [](TokenizerClass& c) {
  c.tokens = {"<BOS_TOKEN>", "<|END_OF_TURN_TOKEN|>", "<UNK>", "<SEP>", "<PAD>", "<CLS>", "<MASK_TOKEN>"};
  c.normalizer = nfc_normalizer;
  c.pre_tokenizer = cohere_pre_tokenizer;
  c.pads_left = true;
});

inline constexpr TokenizerClass kNougat = like(kGpt2, [](TokenizerClass& c) {
  c.tokens = {"<s>", "</s>", "<unk>", nullptr, "<pad>", nullptr, nullptr};
  c.normalizer = nfkc_normalizer;
  c.pre_tokenizer = nougat_pre_tokenizer;
  c.post_processor = nullptr;
  c.single = "bos $A eos";
  c.pair = "$A $B:1";
});

inline constexpr TokenizerClass kWhisper = like(kGpt2, [](TokenizerClass& c) { c.post_processor = whisper_processor; });

inline constexpr TokenizerClass kRoberta = like(kGpt2, [](TokenizerClass& c) {
  c.tokens = kRobertaTokens;
  c.post_processor = roberta_processor;
});

inline constexpr TokenizerClass kLayoutLmV3 = like(kRoberta, [](TokenizerClass& c) {
  c.pre_tokenizer = spaced_byte_level_pre_tokenizer;
  c.post_processor = spaced_roberta_processor;
});

inline constexpr TokenizerClass kBlenderbot = like(kLayoutLmV3, [](TokenizerClass& c) {
  c.post_processor = bos_eos_processor;
  c.mask_takes_space = true;
});

inline constexpr TokenizerClass kMarkupLm = like(kRoberta, [](TokenizerClass& c) {
  c.post_processor = nullptr;
  c.single = "cls $A sep";
  c.pair = "cls $A sep $B sep";
  c.mask_takes_space = true;
});

inline constexpr TokenizerClass::NamedToken kLukeTokens[] = {{"entity_1_token", "entity_token_1", "<ent>"},
                                                             {"entity_2_token", "entity_token_2", "<ent2>"},
                                                             {"entity_unk_token", "", "[UNK]"},
                                                             {"entity_pad_token", "", "[PAD]"},
                                                             {"entity_mask_token", "", "[MASK]"},
                                                             {"entity_mask2_token", "", "[MASK2]"}};

inline constexpr TokenizerClass kLuke = like(kRoberta, [](TokenizerClass& c) {
  c.post_processor = luke_processor;
  c.own_tokens = luke_entities;
  c.extra_tokens = Extra::kBeforeOwn;
  c.named_tokens = kLukeTokens;
});

inline constexpr TokenizerClass kDeberta = like(kGpt2, [](TokenizerClass& c) {
  c.tokens = kBracketTokens;
  c.post_processor = nullptr;
  c.single = "cls $A sep";
  c.pair = "cls $A sep sep $B sep";
});

inline constexpr TokenizerClass kClip{
    .vocabulary = Kind::kMerges,
    .tokens = {"<|startoftext|>", "<|endoftext|>", "<|endoftext|>", nullptr, "<|endoftext|>", nullptr, nullptr},
    .normalizer = clip_normalizer,
    .pre_tokenizer = clip_pre_tokenizer,
    .decoder = byte_level_decoder,
    .post_processor = clip_processor,
    .bpe = word_end_bpe};

inline constexpr TokenizerClass kOpenAiGpt{.vocabulary = Kind::kMerges,
                                           .tokens = {nullptr, nullptr, "<unk>", nullptr, nullptr, nullptr, nullptr},
                                           .normalizer = lowercase_bert_normalizer,
                                           .pre_tokenizer = bert_pre_tokenizer,
                                           .decoder = bpe_decoder,
                                           .post_processor = bos_eos_processor,
                                           .bpe = word_end_bpe};

inline constexpr TokenizerClass kHerbert = like(kOpenAiGpt, [](TokenizerClass& c) {
  c.tokens = {nullptr, nullptr, "<unk>", "</s>", "<pad>", "<s>", "<mask>"};
  c.normalizer = herbert_normalizer;
  c.post_processor = herbert_processor;
  c.bpe = herbert_bpe;
});

inline constexpr TokenizerClass kLlama{.vocabulary = Kind::kPieceBpe,
                                       .tokens = {"<s>", "</s>", "<unk>", nullptr, nullptr, nullptr, nullptr},
                                       .pre_tokenizer = llama_pre_tokenizer,
                                       .decoder = llama_decoder,
                                       .post_processor = bos_eos_processor,
                                       .bpe = llama_bpe,
                                       .pads_left = true};

inline constexpr TokenizerClass kCodeLlama = like(kLlama, [](TokenizerClass& c) {
  c.pre_tokenizer = code_llama_pre_tokenizer;
  c.decoder = code_llama_decoder;
  c.post_processor = code_llama_processor;
  c.bpe = gemma_bpe;
  c.own_tokens = infill_tokens;
});

inline constexpr TokenizerClass kGemma{.vocabulary = Kind::kPieceBpe,
                                       .tokens = {"<bos>", "<eos>", "<unk>", nullptr, "<pad>", nullptr, "<mask>"},
                                       .normalizer = gemma_normalizer,
                                       .pre_tokenizer = gemma_pre_tokenizer,
                                       .decoder = gemma_decoder,
                                       .post_processor = bos_eos_processor,
                                       .bpe = gemma_bpe,
                                       .pads_left = true};

inline constexpr TokenizerClass kSiglip2 = like(kGemma, [](TokenizerClass& c) { c.normalizer = siglip2_normalizer; });

inline constexpr TokenizerClass kTipsv2 = like(kGemma, [](TokenizerClass& c) {
  c.tokens = {nullptr, nullptr, "<unk>", nullptr, "<pad>", nullptr, nullptr};
  c.normalizer = tipsv2_normalizer;
  c.pre_tokenizer = always_words_pre_tokenizer;
  c.decoder = tipsv2_decoder;
  c.bpe = llama_bpe;
  c.pads_left = false;
});

inline constexpr TokenizerClass kNllb{.vocabulary = Kind::kPieceBpe,
                                      .tokens = kRobertaTokens,
                                      .normalizer = single_space_charsmap_normalizer,
                                      .pre_tokenizer = metaspace_pre_tokenizer,
                                      .decoder = always_metaspace_decoder,
                                      .post_processor = nllb_processor,
                                      .bpe = piece_bpe,
                                      .arrange = as_nllb,
                                      .language = nllb_language,
                                      .mask_takes_space = true,
                                      .mask_is_normalized = true,
                                      .translates = true};

inline constexpr TokenizerClass kReformer = like(kNllb, [](TokenizerClass& c) {
  c.translates = false;
  c.tokens = {nullptr, "</s>", "<unk>", nullptr, nullptr, nullptr, nullptr};
  c.post_processor = bos_eos_processor;
  c.arrange = nullptr;
  c.pieces_are_special = true;
});

inline constexpr TokenizerClass kSeamless{.vocabulary = Kind::kPieceBpe,
                                          .tokens = {"<s>", "</s>", "<unk>", "</s>", "<pad>", "<s>", nullptr},
                                          .normalizer = seamless_normalizer,
                                          .pre_tokenizer = first_metaspace_pre_tokenizer,
                                          .decoder = first_metaspace_decoder,
                                          .single = "eos language $A eos",
                                          .pair = "eos language $A $B eos",
                                          .bpe = piece_bpe,
                                          .arrange = as_seamless,
                                          .language = seamless_language};

inline constexpr TokenizerClass kT5{.vocabulary = Kind::kUnigram,
                                    .tokens = {nullptr, "</s>", "<unk>", nullptr, "<pad>", nullptr, nullptr},
                                    .normalizer = charsmap_normalizer,
                                    .pre_tokenizer = words_pre_tokenizer,
                                    .decoder = metaspace_decoder,
                                    .single = "$A eos",
                                    .pair = "$A eos $B eos",
                                    .arrange = with_sentinels,
                                    .unk_id = 2,
                                    .own_tokens = sentinels};

inline constexpr TokenizerClass kByT5{.vocabulary = Kind::kBytes,
                                      .tokens = {nullptr, "</s>", "<unk>", nullptr, "<pad>", nullptr, nullptr},
                                      .pre_tokenizer = whole_byte_level_pre_tokenizer,
                                      .decoder = valid_byte_level_decoder,
                                      .single = "$A eos",
                                      .pair = "$A eos $B eos",
                                      .bpe = byte_level_bpe,
                                      .own_tokens = byt5_sentinels,
                                      .tokens_take_space = true};

inline constexpr TokenizerClass kUdop = like(kT5, [](TokenizerClass& c) {
  c.tokens.sep = "</s>";
  c.normalizer = nullptr;
  c.arrange = nullptr;
  c.unknown = Unknown::kSpelled;
  c.own_tokens = nullptr;
});

inline constexpr TokenizerClass kVideoPrism = like(kT5, [](TokenizerClass& c) {
  c.pre_tokenizer = always_words_pre_tokenizer;
  c.decoder = always_metaspace_decoder;
  c.single = "$A";
  c.pair = "$A $B:1";
});

inline constexpr TokenizerClass kLasr = like(kT5, [](TokenizerClass& c) {
  c.pre_tokenizer = always_words_pre_tokenizer;
  c.decoder = always_metaspace_decoder;
  c.arrange = nullptr;
  c.unk_id = 3;
});

inline constexpr TokenizerClass kPegasus = like(kT5, [](TokenizerClass& c) {
  c.tokens.mask = "<mask_2>";
  c.normalizer = pegasus_normalizer;
  c.pre_tokenizer = always_metaspace_pre_tokenizer;
  c.decoder = always_metaspace_decoder;
  c.pair = "$A $B eos";
  c.arrange = as_pegasus;
  c.unknown = Unknown::kSpelled;
  c.own_tokens = pegasus_tokens;
});

inline constexpr TokenizerClass kAlbert{.vocabulary = Kind::kUnigram,
                                        .tokens = {"[CLS]", "[SEP]", "<unk>", "[SEP]", "<pad>", "[CLS]", "[MASK]"},
                                        .normalizer = albert_normalizer,
                                        .pre_tokenizer = words_pre_tokenizer,
                                        .decoder = metaspace_decoder,
                                        .single = "cls $A sep",
                                        .pair = "cls $A sep $B:1 sep:1",
                                        .unk_id = 1};

inline constexpr TokenizerClass kFNet = like(kAlbert, [](TokenizerClass& c) { c.as_generic = true; });

inline constexpr TokenizerClass kRemBert = like(kAlbert, [](TokenizerClass& c) {
  c.normalizer = rembert_normalizer;
  c.pre_tokenizer = metaspace_pre_tokenizer;
  c.post_processor = bos_eos_processor;
  c.unk_id = 2;
  c.pieces_are_special = true;
});

inline constexpr TokenizerClass kBigBird = like(kAlbert, [](TokenizerClass& c) {
  c.tokens = {"<s>", "</s>", "<unk>", "[SEP]", "<pad>", "[CLS]", "[MASK]"};
  c.normalizer = big_bird_normalizer;
  c.pre_tokenizer = metaspace_pre_tokenizer;
  c.unk_id = 100;
  c.unknown = Unknown::kSpelled;
  c.mask_takes_space = true;
});

inline constexpr TokenizerClass kDebertaV2 = like(kAlbert, [](TokenizerClass& c) {
  c.tokens = kBracketTokens;
  c.normalizer = deberta_v2_normalizer;
  c.pre_tokenizer = deberta_v2_pre_tokenizer;
  c.unknown = Unknown::kOfModel;
});

inline constexpr TokenizerClass kXlnet = like(kAlbert, [](TokenizerClass& c) {
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

inline constexpr TokenizerClass kXlmRoberta{.vocabulary = Kind::kUnigram,
                                            .tokens = kRobertaTokens,
                                            .normalizer = charsmap_normalizer,
                                            .pre_tokenizer = words_pre_tokenizer,
                                            .decoder = metaspace_decoder,
                                            .single = "bos $A eos",
                                            .pair = "bos $A eos eos $B eos",
                                            .arrange = as_fairseq,
                                            .unk_id = 3};

inline constexpr TokenizerClass kCamembert = like(kXlmRoberta, [](TokenizerClass& c) {
  c.arrange = as_camembert;
  c.unknown = Unknown::kSpelled;
  c.mask_takes_space = true;
});

inline constexpr TokenizerClass kLayoutXlm = like(kXlmRoberta, [](TokenizerClass& c) {
  c.normalizer = layout_xlm_normalizer;
  c.pre_tokenizer = metaspace_pre_tokenizer;
  c.mask_takes_space = true;
});

inline constexpr TokenizerClass kXglm = like(kXlmRoberta, [](TokenizerClass& c) {
  c.tokens.mask = nullptr;
  c.normalizer = single_space_normalizer;
  c.pre_tokenizer = metaspace_pre_tokenizer;
  c.post_processor = xglm_processor;
  c.arrange = as_xglm;
  c.own_tokens = made_up_words;
});

inline constexpr TokenizerClass::NamedToken kMLukeTokens[] = {{"entity_1_token", "entity_token_1", "\u2581<ent>"},
                                                              {"entity_2_token", "entity_token_2", "\u2581<ent2>"},
                                                              kLukeTokens[2],
                                                              kLukeTokens[3],
                                                              kLukeTokens[4],
                                                              kLukeTokens[5]};

inline constexpr TokenizerClass kMLuke = like(kXlmRoberta, [](TokenizerClass& c) {
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

inline constexpr TokenizerClass kBarthez = like(kXlmRoberta, [](TokenizerClass& c) {
  c.normalizer = barthez_normalizer;
  c.pre_tokenizer = metaspace_pre_tokenizer;
  c.post_processor = bos_eos_processor;
  c.arrange = nullptr;
  c.mask_takes_space = true;
});

inline constexpr TokenizerClass kMBart = like(kXlmRoberta, [](TokenizerClass& c) {
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
  c.translates = true;
});

inline constexpr TokenizerClass kMBart50 = like(kMBart, [](TokenizerClass& c) {
  c.tokens.bos = nullptr;
  c.normalizer = single_space_normalizer;
  c.pre_tokenizer = always_metaspace_pre_tokenizer;
  c.single = "language $A eos";
  c.pair = "language $A $B eos";
  c.arrange = as_mbart50;
  c.own_tokens = mbart50_languages;
  c.own_tokens_stand = Own::kBehindPieces;
});

// In Python

inline constexpr TokenizerClass kMarian{.tokens = {nullptr, "</s>", "<unk>", nullptr, "<pad>", nullptr, nullptr},
                                        .model_max_length = 512,
                                        .read = read_marian};

inline constexpr TokenizerClass kM2M100{.tokens = {"<s>", "</s>", "<unk>", "</s>", "<pad>", nullptr, nullptr},
                                        .single = "language $A eos",
                                        .pair = "language $A $B eos",
                                        .language = m2m_100_language,
                                        .translates = true,
                                        .read = read_m2m_100};

inline constexpr TokenizerClass kSpeechToText{.tokens = {"<s>", "</s>", "<unk>", nullptr, "<pad>", nullptr, nullptr},
                                              .own_tokens = speech_to_text_languages,
                                              .read = read_speech_to_text};

inline constexpr TokenizerClass kSiglip{.tokens = {nullptr, "</s>", "<unk>", nullptr, "</s>", nullptr, nullptr},
                                        .tokens_take_space = true,
                                        .model_max_length = 64,
                                        .read = read_siglip};

inline constexpr TokenizerClass kSpeechT5{.tokens = {"<s>", "</s>", "<unk>", nullptr, "<pad>", nullptr, nullptr},
                                          .read = read_speecht5};

inline constexpr TokenizerClass kBertGeneration{.tokens = {"<s>", "</s>", "<unk>", "<::::>", "<pad>", nullptr, nullptr},
                                                .read = read_bert_generation};

inline constexpr TokenizerClass kGptSw3{.tokens = {"<s>", "<|endoftext|>", "<unk>", nullptr, "<pad>", nullptr, nullptr},
                                        .read = read_gpt_sw3};

inline constexpr TokenizerClass kBartpho{.tokens = kRobertaTokens, .mask_takes_space = true, .read = read_bartpho};

inline constexpr TokenizerClass kPLBart{.tokens = kRobertaTokens,
                                        .single = "$A eos language",
                                        .pair = "$A $B eos language",
                                        .own_tokens = plbart_languages,
                                        .language = plbart_language,
                                        .mask_takes_space = true,
                                        .cleans_up = true,
                                        .translates = true,
                                        .read = read_plbart};

inline constexpr TokenizerClass kPhobert{.tokens = kRobertaTokens, .read = read_phobert};
inline constexpr TokenizerClass kBertweet{.tokens = kRobertaTokens, .read = read_bertweet};
inline constexpr TokenizerClass kCtrl{.tokens = {nullptr, nullptr, "<unk>", nullptr, nullptr, nullptr, nullptr},
                                      .read = read_ctrl};

inline constexpr TokenizerClass kBlenderbotSmall{
    .tokens = {"__start__", "__end__", "__unk__", nullptr, "__null__", nullptr, nullptr},
    .read = read_blenderbot_small};

inline constexpr TokenizerClass kEsm{.tokens = {nullptr, "<eos>", "<unk>", nullptr, "<pad>", "<cls>", "<mask>"},
                                     .read = read_esm};

inline constexpr TokenizerClass::NamedToken kCtcTokens[] = {{"word_delimiter_token", "", "|"}};

inline constexpr TokenizerClass kWav2Vec2Ctc{.tokens = {"<s>", "</s>", "<unk>", nullptr, "<pad>", nullptr, nullptr},
                                             .named_tokens = kCtcTokens,
                                             .read = read_wav2vec2_ctc};

inline constexpr TokenizerClass kMgpStr{.tokens = {"[GO]", "[s]", "[GO]", nullptr, "[GO]", nullptr, nullptr},
                                        .read = read_mgp_str};

inline constexpr TokenizerClass kPerceiver{.tokens = {"[BOS]", "[EOS]", nullptr, "[SEP]", "[PAD]", "[CLS]", "[MASK]"},
                                           .model_max_length = 2048,
                                           .read = read_perceiver};

inline constexpr TokenizerClass kDia{.tokens = {nullptr, nullptr, "<pad>", nullptr, "<pad>", nullptr, nullptr},
                                     .read = read_dia};

}  // namespace imago::tokenizers::families
