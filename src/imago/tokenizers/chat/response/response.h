// Reads what a model wrote back into a message: its text, its reasoning, and the tools it calls. The format is that of
// the model's chat template; text in no known format is plain content.
//
//   ResponseFormat format = detect_response_format(chat_template.source());
//   ResponseParser parser(format);
//   for (piece : stream) send(parser.feed(piece));
//   send(parser.finish());
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "imago/base/json.h"

namespace imago::chat {

struct ToolCall {
  std::string name;
  std::string arguments;  // a JSON object
  std::string id;         // empty where the format has none

  bool operator==(const ToolCall&) const = default;
};

struct Response {
  std::string content;
  std::string reasoning_content;
  std::vector<ToolCall> tool_calls;

  void append(Response more);
  bool operator==(const Response&) const = default;
};

// How the inside of a section of calls is written.
enum class CallSyntax {
  kJson,         // {"name": ..., "arguments": {...}}, an array of such, or {"add": {...}}
  kTagged,       // JSON as above, <function=add><parameter=a>1</parameter></function>, or add<arg_key>a</arg_key>...
  kFunctionTag,  // add>{"a": 1}, the rest of <function=add>{"a": 1}</function>
  kMistral,      // add[CALL_ID]id[ARGS]{"a": 1}, or a JSON array
  kDeepSeek,     // <｜tool▁call▁begin｜>add<｜tool▁sep｜>{"a": 1}<｜tool▁call▁end｜>
  kInvoke,       // <invoke name="add"><parameter name="a">1</parameter></invoke>
  kKimi,         // <|tool_call_begin|>functions.add:0<|tool_call_argument_begin|>{"a": 1}<|tool_call_end|>
  kGemma,        // call:add{a:1,b:<|"|>text<|"|>}
  kPythonic,     // [add(a=1, b="text")]
  kPythonTag,    // add.call(a="text"), JSON, or a program for the tool "python"
  kMcp,          // <server_name>s</server_name><tool_name>add</tool_name><arguments>{"a": 1}</arguments>
};

// A section of calls between two markers; without a closing one it ends at the next marker or at the end.
struct CallSection {
  std::string open, close;
  CallSyntax syntax;
};

enum class ResponseLayout {
  kMarkers,      // text with sections between markers
  kHarmony,      // gpt-oss: every message has a header with its channel and recipient
  kFunctionary,  // functionary v3.2: ">>>recipient\n" before every part
};

struct ResponseFormat {
  ResponseLayout layout = ResponseLayout::kMarkers;
  std::vector<CallSection> calls;
  std::vector<std::pair<std::string, std::string>> reasoning;  // opening and closing markers
  std::vector<std::string> dropped;                            // markers around ordinary content
  std::vector<std::string> ends;                               // markers behind which nothing counts
  bool bare_json_calls = false;  // a reply that is {"name", "parameters"} is a call (Llama 3)
};

// The format of the model whose chat template this is.
ResponseFormat detect_response_format(std::string_view template_source);

// Whether a prompt ends within a reasoning section that the reply continues.
bool prompt_opens_reasoning(const ResponseFormat& format, std::string_view prompt);

// Reads a response piece by piece. What feed() returns is certain: part of a marker is never content, and white space
// beside a marker belongs to it. A call is returned as soon as it is complete. A section that cannot be read is
// content, as it was written.
class ResponseParser {
 public:
  // `tools`, as given to the template, tells which arguments are strings where the format does not; may be null, and
  // must outlive the parser.
  explicit ResponseParser(const ResponseFormat& format, const Json* tools = nullptr, bool in_reasoning = false);
  ~ResponseParser();
  ResponseParser(ResponseParser&&) noexcept;
  ResponseParser& operator=(ResponseParser&&) noexcept;

  Response feed(std::string_view text);
  Response finish();

  class Layout;

 private:
  std::unique_ptr<Layout> layout_;
};

Response parse_response(const ResponseFormat& format, std::string_view text, const Json* tools = nullptr,
                        bool in_reasoning = false);

}  // namespace imago::chat
