// The special tokens of Whisper, which stand behind the ranks of its tiktoken files: the end of text, the start of a
// transcript, languages, tasks, and the times 0.00 to 30.00 in steps of 0.02.
#pragma once

#include <span>

#include "imago/tokenizers/legacy/tiktoken_file.h"

namespace imago::tokenizers {

std::span<const TiktokenSpecialToken> whisper_tokens_english();       // gpt2.tiktoken
std::span<const TiktokenSpecialToken> whisper_tokens_multilingual();  // multilingual.tiktoken, up to large-v2
std::span<const TiktokenSpecialToken> whisper_tokens_large_v3();      // the same file, with a hundredth language

}  // namespace imago::tokenizers
