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

}  // namespace

const TokenizerClass* find_tokenizer_class(std::string_view name) {
  if (name.ends_with("Fast")) name.remove_suffix(4);
  for (const TokenizerClass& tokenizer_class : kClasses) {
    if (tokenizer_class.name == name) return &tokenizer_class;
  }
  return nullptr;
}

}  // namespace imago::tokenizers
