// The formats as data. A chat template shows which of them its model writes: by the markers in its source.
#include <algorithm>

#include "imago/tokenizers/chat/response/response.h"

namespace imago::chat {
namespace {

struct CallRule {
  std::string_view in_source;  // what the template's source contains
  std::string_view open, close;
  CallSyntax syntax;
};

constexpr CallRule kCallRules[] = {
    // Hermes, Qwen 2.5 and 3, QwQ, MiMo, SmolLM3, Bielik, Reka; Qwen3-Coder, Nemotron 3, Step 3.5; GLM 4 and 5
    {"<tool_call>", "<tool_call>", "</tool_call>", CallSyntax::kTagged},
    {"<seed:tool_call>", "<seed:tool_call>", "</seed:tool_call>", CallSyntax::kTagged},
    {"<minimax:tool_call>", "<minimax:tool_call>", "</minimax:tool_call>", CallSyntax::kInvoke},
    {"<tool_calls>", "<tool_calls>", "</tool_calls>", CallSyntax::kJson},  // Apriel
    {"<TOOLCALL>", "<TOOLCALL>", "</TOOLCALL>", CallSyntax::kJson},        // Nemotron
    {"[TOOL_CALLS]", "[TOOL_CALLS]", "", CallSyntax::kMistral},
    {"<｜tool▁calls▁begin｜>", "<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>", CallSyntax::kDeepSeek},
    {"function_calls>", "<｜DSML｜function_calls>", "</｜DSML｜function_calls>", CallSyntax::kInvoke},
    {"｜DSML｜", "<｜DSML｜tool_calls>", "</｜DSML｜tool_calls>", CallSyntax::kInvoke},
    {"<|START_ACTION|>", "<|START_ACTION|>", "<|END_ACTION|>", CallSyntax::kJson},  // Command R7B and A
    {"Action:", "Action:\n```json\n", "```", CallSyntax::kJson},                    // Command R+
    {"Action:", "Action: ```json\n", "```", CallSyntax::kJson},
    {"functools", "functools", "", CallSyntax::kJson},  // firefunction
    {"<function=", "<function=", "</function>", CallSyntax::kFunctionTag},
    {"<|python_tag|>", "<|python_tag|>", "", CallSyntax::kPythonTag},
    {"<|tool_calls_section_begin|>", "<|tool_calls_section_begin|>", "<|tool_calls_section_end|>", CallSyntax::kKimi},
    {"<|tool_call>", "<|tool_call>", "<tool_call|>", CallSyntax::kGemma},
    {"<|tool_call|>", "<|tool_call|>", "<|/tool_call|>", CallSyntax::kJson},                     // Phi-4-mini, Granite
    {"<|tool_list_start|>", "<|tool_call_start|>", "<|tool_call_end|>", CallSyntax::kPythonic},  // LFM2
    {"<|tool_call_start|>", "<|tool_call_start|>", "<|tool_call_end|>", CallSyntax::kPythonic},
    {"<|tool_response_start|>", "<|tool_call_start|>", "<|tool_call_end|>", CallSyntax::kPythonic},
    {"List of tools: ", "<|tool_call_start|>", "<|tool_call_end|>", CallSyntax::kPythonic},  // LFM2.5
    {"<|/tool|>", "<|tool_call|>", "<|/tool_call|>", CallSyntax::kJson},                     // Phi-4-mini
    {"<|tools_prefix|>", "<|tools_prefix|>", "<|tools_suffix|>", CallSyntax::kJson},         // Apertus
    {"<|function_call|>", "<|function_call|>", "", CallSyntax::kJson},                       // GigaChat 3.1
    {"function call", "<|message_sep|>\n\nfunction call<|role_sep|>\n", "", CallSyntax::kJson},
    {"<use_mcp_tool>", "<use_mcp_tool>", "</use_mcp_tool>", CallSyntax::kMcp},  // MiroThinker
};

constexpr std::pair<std::string_view, std::string_view> kReasoningMarkers[] = {
    {"<think>", "</think>"},
    {"[THINK]", "[/THINK]"},
    {"<seed:think>", "</seed:think>"},
    {"<|START_THINKING|>", "<|END_THINKING|>"},
    {"<|inner_prefix|>", "<|inner_suffix|>"},
    {"<|channel>thought\n", "<channel|>"},
    {"<reasoning>", "</reasoning>"},
    {"[BEGIN REASONING]", "[BEGIN FINAL RESPONSE]"},
};

constexpr std::string_view kDroppedMarkers[] = {"<|START_RESPONSE|>", "<|END_RESPONSE|>",       "<|START_TEXT|>",
                                                "<|END_TEXT|>",       "[BEGIN FINAL RESPONSE]", "<response>",
                                                "</response>"};

constexpr std::string_view kEnds[] = {"<|im_end|>",
                                      "</s>",
                                      "<|eot_id|>",
                                      "<|eom_id|>",
                                      "<|end|>",
                                      "<|END_OF_TURN_TOKEN|>",
                                      "<|START_OF_TURN_TOKEN|>",
                                      "<turn|>",
                                      "<end_of_turn>",
                                      "<|end_of_text|>",
                                      "<|endoftext|>",
                                      "<seed:eos>",
                                      "<｜end▁of▁sentence｜>",
                                      "<|assistant_end|>",
                                      "<|message_sep|>",
                                      "<|observation|>",
                                      "<|user|>",
                                      "<sep>",
                                      "[e~[",
                                      "<|tool_response>"};

bool known(const std::vector<CallSection>& sections, std::string_view open) {
  return std::any_of(sections.begin(), sections.end(), [&](const CallSection& s) { return s.open == open; });
}

}  // namespace

ResponseFormat detect_response_format(std::string_view source) {
  auto shows = [&](std::string_view text) { return source.find(text) != std::string_view::npos; };
  ResponseFormat format;
  if (shows("<|channel|>") && shows("<|message|>")) {
    format.layout = ResponseLayout::kHarmony;
    return format;
  }
  if (shows(">>>all")) {
    format.layout = ResponseLayout::kFunctionary;
  }
  for (const CallRule& rule : kCallRules) {
    // "<function=" within "<tool_call>" or its kin is a part of those.
    bool inner = rule.syntax == CallSyntax::kFunctionTag &&
                 std::any_of(format.calls.begin(), format.calls.end(),
                             [](const CallSection& s) { return s.syntax == CallSyntax::kTagged; });
    if (!shows(rule.in_source) || inner || known(format.calls, rule.open)) continue;
    format.calls.push_back({std::string(rule.open), std::string(rule.close), rule.syntax});
  }
  for (const auto& [open, close] : kReasoningMarkers) {
    std::string_view needle = open.starts_with("<|channel>") ? std::string_view("<|channel>") : open;
    if (shows(needle) || shows(close)) format.reasoning.emplace_back(open, close);
  }
  for (std::string_view marker : kDroppedMarkers) {
    bool closes = std::any_of(format.reasoning.begin(), format.reasoning.end(),
                              [&](const auto& reasoning) { return reasoning.second == marker; });
    if (shows(marker) && !closes) format.dropped.emplace_back(marker);
  }
  for (std::string_view marker : kEnds) {
    if (shows(marker)) format.ends.emplace_back(marker);
  }
  format.bare_json_calls = shows("<|start_header_id|>") && shows("\"parameters\"") && shows("ipython");
  return format;
}

bool prompt_opens_reasoning(const ResponseFormat& format, std::string_view prompt) {
  for (const auto& [open, close] : format.reasoning) {
    size_t opened = prompt.rfind(open), closed = prompt.rfind(close);
    if (opened == std::string_view::npos || (closed != std::string_view::npos && closed > opened)) continue;
    // Only what stands at the very end is the reply's: an example in the system prompt is not.
    std::string_view behind = prompt.substr(opened + open.size());
    if (behind.find_first_not_of(" \n\t") == std::string_view::npos) return true;
  }
  return false;
}

}  // namespace imago::chat
