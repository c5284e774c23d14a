#include "imago/tokenizers/legacy/tokenizer_class.h"

#include "imago/tokenizers/legacy/tokenizer_families.h"

namespace imago::tokenizers {
namespace {

using namespace families;

constexpr TokenizerClass named(std::string_view name, TokenizerClass value) {
  value.name = name;
  return value;
}

constexpr TokenizerClass kClasses[] = {
    named("AlbertTokenizer", kAlbert),
    named("BartTokenizer", kRoberta),
    named("BarthezTokenizer", kBarthez),
    named("BartphoTokenizer", kBartpho),
    named("BertGenerationTokenizer", kBertGeneration),
    named("BertTokenizer", kBert),
    named("BertweetTokenizer", kBertweet),
    named("BigBirdTokenizer", kBigBird),
    named("BlenderbotSmallTokenizer", kBlenderbotSmall),
    named("BlenderbotTokenizer", kBlenderbot),
    named("ByT5Tokenizer", kByT5),
    named("CLIPTokenizer", kClip),
    named("CTRLTokenizer", kCtrl),
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
    named("DiaTokenizer", kDia),
    named("DistilBertTokenizer", kBert),
    named("ElectraTokenizer", kBert),
    named("EsmTokenizer", kEsm),
    named("FNetTokenizer", kFNet),
    named("FunnelTokenizer", kFunnel),
    named("GPT2Tokenizer", kGpt2),
    named("GPTNeoXTokenizer", kGptNeoX),
    named("GPTSw3Tokenizer", kGptSw3),
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
    named("M2M100Tokenizer", kM2M100),
    named("MBart50Tokenizer", kMBart50),
    named("MBartTokenizer", kMBart),
    named("MLukeTokenizer", kMLuke),
    named("MPNetTokenizer", kMpnet),
    named("MarianTokenizer", kMarian),
    named("MarkupLMTokenizer", kMarkupLm),
    named("MgpstrTokenizer", kMgpStr),
    named("MobileBertTokenizer", kBert),
    named("MvpTokenizer", kRoberta),
    named("NllbTokenizer", kNllb),
    named("NougatTokenizer", kNougat),
    named("OpenAIGPTTokenizer", kOpenAiGpt),
    named("PLBartTokenizer", kPLBart),
    named("PegasusTokenizer", kPegasus),
    named("PerceiverTokenizer", kPerceiver),
    named("PhobertTokenizer", kPhobert),
    named("Qwen2Tokenizer", kQwen2),
    named("Qwen3_5Tokenizer", kQwen35),
    named("ReformerTokenizer", kReformer),
    named("RemBertTokenizer", kRemBert),
    named("RobertaTokenizer", kRoberta),
    named("SeamlessM4TTokenizer", kSeamless),
    named("Siglip2Tokenizer", kSiglip2),
    named("SiglipTokenizer", kSiglip),
    named("Speech2TextTokenizer", kSpeechToText),
    named("SpeechT5Tokenizer", kSpeechT5),
    named("SplinterTokenizer", kSplinter),
    named("SqueezeBertTokenizer", kBert),
    named("T5Tokenizer", kT5),
    named("Tipsv2Tokenizer", kTipsv2),
    named("UdopTokenizer", kUdop),
    named("VideoPrismTokenizer", kVideoPrism),
    named("Wav2Vec2CTCTokenizer", kWav2Vec2Ctc),
    named("WhisperTokenizer", kWhisper),
    named("XGLMTokenizer", kXglm),
    named("XLMRobertaTokenizer", kXlmRoberta),
    named("XLNetTokenizer", kXlnet),
};

struct RefusedClass {
  std::string_view name;
  const char* why;
};

constexpr const char* kMoses = "it cuts words as the Moses tokenizer, by lists of abbreviations for each language";
constexpr const char* kJieba = "it cuts Chinese words with jieba and its dictionary";
constexpr const char* kPhonemes = "it needs a phonemizer";

constexpr RefusedClass kRefused[] = {
    {"BertJapaneseTokenizer", "it cuts words with MeCab, Sudachi or Juman++ and their dictionaries"},
    {"BertTokenizerLegacy", "BertTokenizer is its name now"},
    {"BioGptTokenizer", kMoses},
    {"CanineTokenizer", "its tokens are all code points of Unicode"},
    {"ClvpTokenizer", "it spells numbers and abbreviations out in English"},
    {"CpmAntTokenizer", kJieba},
    {"CpmTokenizer", kJieba},
    {"FSMTTokenizer", kMoses},
    {"FastSpeech2ConformerTokenizer", kPhonemes},
    {"FlaubertTokenizer", kMoses},
    {"GPTNeoXJapaneseTokenizer", "it rewrites Japanese addresses, dates and emoji by tables of its own"},
    {"MyT5Tokenizer", "it rewrites bytes by tables of its own"},
    {"ParakeetTokenizer",
     "its decoding joins tokens that are repeated, as connectionist temporal classification has it"},
    {"Pop2PianoTokenizer", "its tokens are notes, not text"},
    {"ProphetNetTokenizer", "it cleans text as BERT's tokenizer did in Python, by other characters than BERT's stages"},
    {"RagTokenizer", "it is two tokenizers: load the folders question_encoder_tokenizer and generator_tokenizer"},
    {"RoCBertTokenizer", "it gives shapes and pronunciations beside ids"},
    {"RoFormerTokenizer", kJieba},
    {"TapasTokenizer", "its texts are questions about tables"},
    {"VitsTokenizer", kPhonemes},
    {"Wav2Vec2PhonemeCTCTokenizer", kPhonemes},
    {"XLMTokenizer", kMoses},
};

std::string_view without_fast(std::string_view name) {
  if (name.ends_with("Fast")) name.remove_suffix(4);
  return name;
}

}  // namespace

const char* why_refused(std::string_view name) {
  for (const RefusedClass& refused : kRefused) {
    if (refused.name == without_fast(name)) return refused.why;
  }
  return nullptr;
}

const TokenizerClass* find_tokenizer_class(std::string_view name) {
  name = without_fast(name);
  for (const TokenizerClass& tokenizer_class : kClasses) {
    if (tokenizer_class.name == name) return &tokenizer_class;
  }
  return nullptr;
}

}  // namespace imago::tokenizers
