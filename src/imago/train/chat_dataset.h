// Conversations, and prompts with their completions, as examples of a causal language model.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "imago/tokenizers/chat/chat_template.h"
#include "imago/tokenizers/pretrained_tokenizer.h"
#include "imago/train/dataset.h"
#include "imago/train/json_rows.h"

namespace imago {

struct ChatDatasetOptions {
  int64_t max_length = 1024;         // tokens; the rest of an example is cut off
  bool assistant_only_loss = false;  // of conversations: only what the assistant says has labels
  // Of prompts with completions: only the completion has labels. None: yes.
  std::optional<bool> completion_only_loss;
};

// Tokens of a conversation or of a text, and which of them a model is to learn to say.
struct MaskedTokens {
  std::vector<int64_t> ids;
  std::vector<uint8_t> learned;  // 1 or 0
};

// Turns rows into tokens as TRL's SFTTrainer does. A row has
//   "messages": a conversation, written by the chat template (with the row's "tools", if it has them), or
//   "prompt" and "completion": both texts, or both lists of messages, or
//   "text": a text, which is closed with the tokenizer's end token where it does not end with it.
class ChatTokenizer {
 public:
  // `folder` is where the chat template is, if there is one.
  ChatTokenizer(const std::string& folder, const PretrainedTokenizer& tokenizer, const ChatDatasetOptions& options);
  ~ChatTokenizer();

  // Throws Error kInvalidFile for a row that is none of these, and kUnsupported where what the assistant says is not to
  // be told from the rest.
  MaskedTokens tokens(const Row& row) const;

  // What stands before an answer: a text, or a conversation with the template's opening of a turn behind it.
  std::vector<int64_t> prompt(const Json& prompt, const std::string& where) const;

  // A prompt with an answer, both texts or lists of messages: what is learned is the answer.
  MaskedTokens prompt_and_completion(const Json& prompt, const Json& completion, const std::string& where) const;

 private:
  MaskedTokens conversation(const Json& request, bool assistant_only, const std::string& where) const;
  MaskedTokens encode(const chat::RenderedChat& prompt, bool mask) const;
  std::vector<int64_t> text_ids(const std::string& text, bool special) const;
  const chat::ChatTemplate& chat_template(const std::string& where) const;

  std::string folder_;
  const PretrainedTokenizer& tokenizer_;
  ChatDatasetOptions options_;
  std::optional<chat::ChatTemplate> template_;
  Json variables_;  // bos_token and such, which templates use
};

// An example of one row, and of each.
TensorMap chat_example(const Row& row, const ChatTokenizer& tokenizer, const ChatDatasetOptions& options);
std::vector<TensorMap> chat_examples(const std::vector<Row>& rows, const ChatTokenizer& tokenizer,
                                     const ChatDatasetOptions& options);

// An example of each row: input_ids and labels. Throws Error kInvalidFile naming a row of which nothing would be
// learned, and what ChatTokenizer throws.
MemoryDataset chat_dataset(const std::vector<Row>& rows, const ChatTokenizer& tokenizer,
                           const ChatDatasetOptions& options);

}  // namespace imago
