// Chat templates: Jinja as Transformers runs it (jinja2.sandbox.ImmutableSandboxedEnvironment with trim_blocks,
// lstrip_blocks, loop controls and {% generation %}), in an interpreter of our own, bounded in every way.
//
//   chat::ChatTemplate chat_template(source);
//   chat::RenderedChat prompt = chat_template.apply(request);   // {"messages": [...], "add_generation_prompt": true}
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/tokenizers/byte_range.h"
#include "imago/tokenizers/chat/limits.h"

namespace imago::chat {

// A template that is malformed, or that failed while it was rendered.
class TemplateError : public Error {
 public:
  TemplateError(ErrorKind kind, std::string_view exception, std::string_view message, int line, int column);

  // What Jinja or Python would have said, without the place; of raise_exception(message): the message.
  const std::string& message() const { return message_; }
  // The class of the reference's exception ("UndefinedError", "TypeError", "TemplateSyntaxError", ...),
  // "raise_exception" where the template itself refused the conversation, "LimitExceeded" where it ran into a bound.
  const std::string& exception() const { return exception_; }
  int line() const { return line_; }      // from 1
  int column() const { return column_; }  // from 1, in characters

 private:
  std::string message_, exception_;
  int line_, column_;
};

struct RenderOptions {
  // The local time that strftime_now tells, as "2026-07-26T00:00:00"; absent: that of the machine.
  std::optional<std::string> now;
  RenderLimits limits;
};

struct ApplyOptions : RenderOptions {
  // Leaves the final message open: the name of its field to continue ("content", "reasoning_content", ...).
  std::string continue_final_message;
};

struct RenderedChat {
  std::string text;
  // The bytes that came from the caller's data and not from the template: encode them without special tokens, and
  // nobody can end a message by writing "<|im_end|>" into it. Trusted, and so not listed, are variables whose name ends
  // in
  // "_token" or "_tokens", and the role of a message if it is one of the usual ones (templates build markers from it).
  std::vector<ByteRange> user;
  // The bytes that the bodies of {% generation %} wrote: what the assistant says, for return_assistant_tokens_mask.
  std::vector<ByteRange> generation;
};

class ChatTemplate {
 public:
  // Throws TemplateError: kInvalidFile for a mistake, kUnsupported for include, import, extends and autoescape,
  // kLimitExceeded beyond the bounds of limits.h.
  explicit ChatTemplate(std::string_view source);
  ~ChatTemplate();
  ChatTemplate(ChatTemplate&&) noexcept;
  ChatTemplate& operator=(ChatTemplate&&) noexcept;

  const std::string& source() const;

  // What the template itself can write: its text and the strings in its tags.
  const std::vector<std::string>& literals() const;

  // Renders with the members of `variables` as the template's variables, and nothing else.
  // Throws TemplateError, or Error kInvalidArgument when `variables` is no object.
  RenderedChat render(const Json& variables, const RenderOptions& options = {}) const;

  // apply_chat_template(tokenize=False): `request` has "messages", and if wanted "tools", "documents",
  // "add_generation_prompt" and further variables. Fields of messages that are null are dropped, and the names for
  // reasoning ("reasoning_content", "thinking", "reasoning") filled from each other, as Transformers 5 does.
  RenderedChat apply(const Json& request, const ApplyOptions& options = {}) const;

 private:
  struct Parsed;
  std::unique_ptr<const Parsed> parsed_;
};

}  // namespace imago::chat
