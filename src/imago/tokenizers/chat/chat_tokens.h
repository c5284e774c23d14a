// From a rendered prompt to its tokens.
//
//   const chat::RenderedChat prompt = chat_template.apply(request);
//   const LiteralText user = chat::user_text(prompt, chat_template, tokenizer);
//   const Encoding encoding = tokenizer.encode(prompt.text, {.add_special_tokens = false, .literal = &user});
#pragma once

#include <cstdint>
#include <vector>

#include "imago/tokenizers/chat/chat_template.h"
#include "imago/tokenizers/tokenizer.h"

namespace imago::chat {

// Where the prompt is the caller's text, so that nobody ends a message by writing "<|im_end|>" into it. Control tokens
// are the special ones and, as in the reference's sanitize_control_tokens, the added tokens that the template itself
// writes ("<think>", "<tool_call>"); white space is none.
LiteralText user_text(const RenderedChat& prompt, const ChatTemplate& chat_template, const Tokenizer& tokenizer);

// return_assistant_tokens_mask: 1 for the tokens of `encoding`, which is that of the prompt, in {% generation %}.
std::vector<uint8_t> assistant_tokens_mask(const RenderedChat& prompt, const Encoding& encoding);

}  // namespace imago::chat
