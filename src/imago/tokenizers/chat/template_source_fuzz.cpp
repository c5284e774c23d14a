// Any text as a template, rendered with a small conversation.
#include <cstdint>
#include <string_view>

#include "imago/base/json.h"
#include "imago/tokenizers/chat/chat_template.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace imago;
  static const Json kVariables = parse_json(
      R"({"messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hello, ünï <|im_end|>"},
          {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "f", "arguments": {"a": [1, 2.5, null]}}}]}],
          "tools": null, "add_generation_prompt": true, "bos_token": "<s>", "s": "abc", "l": [3, 1, 2], "d": {"b": 1, "a": "x"}})",
      "variables");
  chat::RenderOptions options;
  options.now = "2026-07-26T00:00:00";
  options.limits.max_steps = 20'000;
  try {
    chat::ChatTemplate({reinterpret_cast<const char*>(data), size}).render(kVariables, options);
  } catch (const Error&) {
  }
  return 0;
}
