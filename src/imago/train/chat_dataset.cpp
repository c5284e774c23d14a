#include "imago/train/chat_dataset.h"

#include <fmt/core.h>

#include <algorithm>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/nn/losses.h"
#include "imago/tokenizers/chat/chat_tokens.h"
#include "imago/tokenizers/chat/template_files.h"

namespace imago {
namespace {

bool is_conversation(const Json& value) { return value.is_array(); }

// Where templates do not say what the assistant says, its turns are what a rendering of the conversation up to each of
// them lacks. That is so where renderings begin with those of the conversation's beginning.
std::vector<ByteRange> assistant_turns(const chat::ChatTemplate& chat_template, const Json& request,
                                       const std::string& whole, const std::string& where) {
  std::vector<ByteRange> turns;
  Json part = request;
  part["messages"] = Json::array();
  for (const Json& message : request.at("messages")) {
    const bool speaks = message.contains("role") && message.at("role") == "assistant";
    std::string before;
    if (speaks && part["messages"].size() > 0) {
      part["add_generation_prompt"] = true;
      before = chat_template.apply(part).text;
      part["add_generation_prompt"] = false;
    }
    part["messages"].push_back(message);
    if (!speaks) continue;
    const std::string after = chat_template.apply(part).text;
    if (!whole.starts_with(after) || !after.starts_with(before)) {
      throw Error(ErrorKind::kUnsupported, where, "the chat template does not tell what the assistant says",
                  "give a template with {% generation %} around it, or train on prompts and completions");
    }
    turns.push_back({before.size(), after.size()});
  }
  return turns;
}

}  // namespace

ChatTokenizer::ChatTokenizer(const std::string& folder, const PretrainedTokenizer& tokenizer,
                             const ChatDatasetOptions& options)
    : folder_(folder), tokenizer_(tokenizer), options_(options), variables_(chat::special_token_variables(folder)) {
  try {
    template_.emplace(chat::TemplateFiles::load(folder).select());
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kNotFound) throw;  // rows of plain text need none
  }
}

ChatTokenizer::~ChatTokenizer() = default;

const chat::ChatTemplate& ChatTokenizer::chat_template(const std::string& where) const {
  if (template_) return *template_;
  throw Error(ErrorKind::kNotFound, where, fmt::format("a conversation, and {} has no chat template", folder_),
              "put a chat_template.jinja beside the model");
}

MaskedTokens ChatTokenizer::encode(const chat::RenderedChat& prompt, bool mask) const {
  const Encoding encoding = tokenizer_.tokenizer().encode(prompt.text, {.add_special_tokens = false});
  MaskedTokens tokens{{encoding.ids.begin(), encoding.ids.end()}, std::vector<uint8_t>(encoding.size(), 1)};
  if (mask) tokens.learned = chat::assistant_tokens_mask(prompt, encoding);
  return tokens;
}

std::vector<int64_t> ChatTokenizer::text_ids(const std::string& text, bool special) const {
  const auto ids = tokenizer_.tokenizer().encode(text, {.add_special_tokens = special}).ids;
  return {ids.begin(), ids.end()};
}

MaskedTokens ChatTokenizer::conversation(const Json& request, bool assistant_only, const std::string& where) const {
  Json whole = variables_;
  for (const auto& [key, value] : request.items()) whole[key] = value;
  chat::RenderedChat rendered = chat_template(where).apply(whole);
  if (assistant_only && rendered.generation.empty()) {
    rendered.generation = assistant_turns(*template_, whole, rendered.text, where);
  }
  return encode(rendered, assistant_only);
}

std::vector<int64_t> ChatTokenizer::prompt(const Json& prompt, const std::string& where) const {
  if (is_conversation(prompt)) {
    return conversation({{"messages", prompt}, {"add_generation_prompt", true}}, false, where).ids;
  }
  if (prompt.is_string()) return text_ids(prompt.get<std::string>(), true);
  throw Error(ErrorKind::kInvalidFile, where, "the prompt is neither a text nor a conversation");
}

MaskedTokens ChatTokenizer::prompt_and_completion(const Json& prompt, const Json& completion,
                                                  const std::string& where) const {
  std::vector<int64_t> prompt_ids;
  MaskedTokens tokens;
  if (is_conversation(prompt) && is_conversation(completion)) {
    prompt_ids = this->prompt(prompt, where);
    Json messages = prompt;
    for (const Json& message : completion) messages.push_back(message);
    tokens = conversation({{"messages", messages}}, options_.assistant_only_loss, where);
  } else if (prompt.is_string() && completion.is_string()) {
    auto answer = completion.get<std::string>();
    const auto& end = tokenizer_.special_tokens().eos_token;
    if (end && !answer.ends_with(*end)) answer += *end;
    prompt_ids = this->prompt(prompt, where);
    tokens.ids = text_ids(prompt.get<std::string>() + answer, true);
    tokens.learned.assign(tokens.ids.size(), 1);
  } else {
    throw Error(ErrorKind::kInvalidFile, where, "prompt and completion are neither two texts nor two conversations");
  }
  if (!options_.completion_only_loss.value_or(true)) return tokens;
  // Tokens may join across the border: the completion begins where the two differ.
  const auto limit = std::min(prompt_ids.size(), tokens.ids.size());
  for (size_t i = 0; i < limit && prompt_ids[i] == tokens.ids[i]; ++i) tokens.learned[i] = 0;
  return tokens;
}

MaskedTokens ChatTokenizer::tokens(const Row& row) const {
  const Json& values = row.values;
  MaskedTokens tokens;
  if (values.contains("prompt") && values.contains("completion")) {
    tokens = prompt_and_completion(values.at("prompt"), values.at("completion"), row.where);
  } else if (values.contains("messages")) {
    Json request = {{"messages", values.at("messages")}};
    if (values.contains("tools")) request["tools"] = values.at("tools");
    tokens = conversation(request, options_.assistant_only_loss, row.where);
  } else {
    std::string text = text_at(row, "text");
    const auto& end = tokenizer_.special_tokens().eos_token;
    if (end && !text.ends_with(*end)) text += *end;
    tokens.ids = text_ids(text, true);
    tokens.learned.assign(tokens.ids.size(), 1);
  }
  const auto limit = static_cast<size_t>(options_.max_length);
  if (tokens.ids.size() > limit) {
    tokens.ids.resize(limit);
    tokens.learned.resize(limit);
  }
  return tokens;
}

TensorMap chat_example(const Row& row, const ChatTokenizer& tokenizer, const ChatDatasetOptions& options) {
  const MaskedTokens tokens = tokenizer.tokens(row);
  std::vector<int64_t> labels = tokens.ids;
  int64_t learned = 0;
  for (size_t i = 0; i < labels.size(); ++i) {
    if (tokens.learned[i] == 0) labels[i] = nn::kIgnoredLabel;
    if (tokens.learned[i] != 0 && i > 0) ++learned;  // the first token is predicted from nothing
  }
  if (learned == 0) {
    throw Error(ErrorKind::kInvalidFile, row.where,
                fmt::format("nothing would be learned of this row: none of its first {} tokens has a label",
                            options.max_length),
                "raise max_length, or leave the row out");
  }
  return {{"input_ids", Tensor::from(tokens.ids)}, {"labels", Tensor::from(labels)}};
}

std::vector<TensorMap> chat_examples(const std::vector<Row>& rows, const ChatTokenizer& tokenizer,
                                     const ChatDatasetOptions& options) {
  if (options.max_length < 2) throw Error(ErrorKind::kInvalidArgument, "max_length", "fewer than 2 tokens");
  std::vector<TensorMap> examples;
  for (const Row& row : rows) examples.push_back(chat_example(row, tokenizer, options));
  return examples;
}

MemoryDataset chat_dataset(const std::vector<Row>& rows, const ChatTokenizer& tokenizer,
                           const ChatDatasetOptions& options) {
  return MemoryDataset(chat_examples(rows, tokenizer, options));
}

}  // namespace imago
