// Any text as a response in every format; fed in pieces it must come to the same.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/tokenizers/chat/response/response.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace imago;
  using namespace imago::chat;
  static const ResponseFormat kFormats[] = {
      detect_response_format(
          "<tool_call> <think> <|im_end|> <function= <tool_calls> <minimax:tool_call> <use_mcp_tool>"),
      detect_response_format(
          "[TOOL_CALLS] [THINK] </s> <｜tool▁calls▁begin｜> ｜DSML｜ function_calls> <|START_ACTION|> functools"),
      detect_response_format(
          "<|start_header_id|> ipython \"parameters\" <|python_tag|> <|eom_id|> <function= <|tool_call_start|>"),
      detect_response_format(
          "<|tool_calls_section_begin|> <|tool_call> <|channel>thought\n <turn|> <|tools_prefix|> <|tool_call|>"),
      detect_response_format("<|channel|> <|message|>"),
      detect_response_format(">>>all <|eot_id|>")};
  if (size == 0) return 0;
  const ResponseFormat& format = kFormats[data[0] % std::size(kFormats)];
  size_t step = 1 + data[0] / std::size(kFormats) % 7;
  std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  Response whole = parse_response(format, text);
  ResponseParser parser(format);
  Response pieces;
  for (size_t at = 0; at < text.size(); at += step) pieces.append(parser.feed(text.substr(at, step)));
  pieces.append(parser.finish());
  if (!(whole == pieces)) std::abort();
  for (const ToolCall& call : whole.tool_calls) {
    try {
      if (!parse_json(call.arguments, "arguments").is_object()) std::abort();
    } catch (const Error&) {
      std::abort();
    }
  }
  return 0;
}
