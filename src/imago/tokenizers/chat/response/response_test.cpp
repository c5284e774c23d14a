
#include "imago/base/json.h"
#include "imago/tokenizers/chat/response/test_pieces.h"

namespace imago::chat {
namespace {

ResponseFormat format_of(std::string_view source) { return detect_response_format(source); }

void expect_parsed(std::string_view source, std::string_view text, const Response& expected, bool reasoning = false) {
  ResponseFormat format = format_of(source);
  expect_same_however_cut(format, text, nullptr, reasoning);
  const Response got = parse_response(format, text, nullptr, reasoning);
  EXPECT_EQ(got.content, expected.content) << text;
  EXPECT_EQ(got.reasoning_content, expected.reasoning_content) << text;
  ASSERT_EQ(got.tool_calls.size(), expected.tool_calls.size()) << text;
  for (size_t i = 0; i < got.tool_calls.size(); ++i) {
    EXPECT_EQ(got.tool_calls[i].name, expected.tool_calls[i].name) << text;
    EXPECT_EQ(got.tool_calls[i].arguments, expected.tool_calls[i].arguments) << text;
    EXPECT_EQ(got.tool_calls[i].id, expected.tool_calls[i].id) << text;
  }
}

TEST(Response, UnknownFormatIsPlainContent) {
  expect_parsed("{{ messages }}", "  <tool_call>{}</tool_call> \n", {"  <tool_call>{}</tool_call> \n", "", {}});
}

TEST(Response, ToolCallTags) {
  expect_parsed(
      "<tool_call> <think>",
      "<think>\nHm.\n</think>\n\nLet me.\n<tool_call>\n{\"name\": \"add\", \"arguments\": {\"a\": 1}}\n</tool_call>",
      {"Let me.", "Hm.", {{"add", "{\"a\": 1}", ""}}});
  expect_parsed("<tool_call> <think>", "Hm.\n</think>\n\nYes.", {"Yes.", "Hm.", {}}, true);
  expect_parsed("<tool_call>", "a < b <tool", {"a < b <tool", "", {}});
  expect_parsed("<tool_call>",
                "<tool_call>{\"name\": \"say\", \"arguments\": {\"text\": \"</tool_call>\"}}</tool_call>!",
                {"!", "", {{"say", "{\"text\": \"</tool_call>\"}", ""}}});
}

TEST(Response, AForgottenEndIsForgiven) {
  expect_parsed("<tool_call>", "<tool_call>{\"name\": \"add\", \"arguments\": {}}", {"", "", {{"add", "{}", ""}}});
}

TEST(Response, WhatCannotBeReadIsContent) {
  expect_parsed("<tool_call>", "x\n<tool_call>{oops</tool_call> y", {"x\n<tool_call>{oops</tool_call> y", "", {}});
}

TEST(Response, XmlArguments) {
  expect_parsed("<tool_call>",
                "<tool_call>\n<function=add>\n<parameter=a>\n1\n</parameter>\n<parameter=b>\nx\ny\n</parameter>\n</"
                "function>\n</tool_call>",
                {"", "", {{"add", "{\"a\": 1, \"b\": \"x\\ny\"}", ""}}});
  expect_parsed("<tool_call>", "<tool_call>add\n<arg_key>a</arg_key>\n<arg_value>[1]</arg_value>\n</tool_call>",
                {"", "", {{"add", "{\"a\": [1]}", ""}}});
  expect_parsed("<minimax:tool_call>",
                "<minimax:tool_call>\n<invoke name=\"add\">\n<parameter "
                "name=\"a\">1</parameter>\n</invoke>\n</minimax:tool_call>",
                {"", "", {{"add", "{\"a\": 1}", ""}}});
  expect_parsed("<｜DSML｜function_calls>",
                "<｜DSML｜function_calls>\n<｜DSML｜invoke name=\"f\">\n<｜DSML｜parameter name=\"a\" "
                "string=\"true\">1</｜DSML｜parameter>\n</｜DSML｜invoke>\n</｜DSML｜function_calls>",
                {"", "", {{"f", "{\"a\": \"1\"}", ""}}});
}

TEST(Response, Mistral) {
  expect_parsed("[TOOL_CALLS] </s>",
                "[TOOL_CALLS][{\"name\": \"add\", \"arguments\": {\"a\": 1}, \"id\": \"123456789\"}]</s>",
                {"", "", {{"add", "{\"a\": 1}", "123456789"}}});
  expect_parsed("[TOOL_CALLS] [THINK]",
                "[THINK]a[/THINK]b[TOOL_CALLS]f[ARGS]{\"x\": \"[TOOL_CALLS]\"}[TOOL_CALLS]g[CALL_ID]id[ARGS]{}",
                {"b", "a", {{"f", "{\"x\": \"[TOOL_CALLS]\"}", ""}, {"g", "{}", "id"}}});
}

TEST(Response, DeepSeek) {
  expect_parsed("<｜tool▁calls▁begin｜>",
                "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>add\n```json\n{\"a\": "
                "1}\n```<｜tool▁call▁end｜>\n"
                "<｜tool▁call▁begin｜>f<｜tool▁sep｜>{}<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
                {"", "", {{"add", "{\"a\": 1}", ""}, {"f", "{}", ""}}});
}

TEST(Response, Llama3) {
  std::string source = "<|start_header_id|> ipython {\"parameters\": <|python_tag|> <|eot_id|>";
  expect_parsed(source, "{\"name\": \"add\", \"parameters\": {\"a\": 1}}<|eot_id|>",
                {"", "", {{"add", "{\"a\": 1}", ""}}});
  expect_parsed(source, "{\"a\": 1} is JSON.", {"{\"a\": 1} is JSON.", "", {}});
  expect_parsed(
      source, "<|python_tag|>brave_search.call(query=\"x \\\"y\\\"\")<|eom_id|>",
      {"", "", {{"python", "{\"code\": \"brave_search.call(query=\\\"x \\\\\\\"y\\\\\\\"\\\")<|eom_id|>\"}", ""}}});
  expect_parsed(source + "<|eom_id|>", "<|python_tag|>brave_search.call(query=\"x\")<|eom_id|>",
                {"", "", {{"brave_search", "{\"query\": \"x\"}", ""}}});
  expect_parsed(source, "<|python_tag|>print(1)", {"", "", {{"python", "{\"code\": \"print(1)\"}", ""}}});
}

TEST(Response, OtherMarkers) {
  expect_parsed("<|tool_calls_section_begin|>",
                "Ok.<|tool_calls_section_begin|><|tool_call_begin|>functions.add:0<|tool_call_argument_begin|>{\"a\": "
                "1}<|tool_call_end|><|tool_calls_section_end|>",
                {"Ok.", "", {{"add", "{\"a\": 1}", "functions.add:0"}}});
  expect_parsed("<|tool_call>", "<|tool_call>call:add{a:1,b:<|\"|>x<|\"|>,c:[true,{d:null}]}<tool_call|>",
                {"", "", {{"add", "{\"a\": 1, \"b\": \"x\", \"c\": [true, {\"d\": null}]}", ""}}});
  expect_parsed("<|tool_call_start|>", "<|tool_call_start|>[add(a=1, b='x'), f()]<|tool_call_end|>Done.",
                {"Done.", "", {{"add", "{\"a\": 1, \"b\": \"x\"}", ""}, {"f", "{}", ""}}});
  expect_parsed("<|tools_prefix|>", "<|tools_prefix|>[{\"add\": {\"a\": 1}}]<|tools_suffix|>",
                {"", "", {{"add", "{\"a\": 1}", ""}}});
  expect_parsed("<function=", "Hi<function=add>{\"a\": 1}</function>.", {"Hi.", "", {{"add", "{\"a\": 1}", ""}}});
  expect_parsed(
      "<|START_ACTION|>",
      "<|START_ACTION|>[\n {\"tool_call_id\": \"0\", \"tool_name\": \"add\", \"parameters\": {}}\n]<|END_ACTION|>",
      {"", "", {{"add", "{}", "0"}}});
}

TEST(Response, MiroThinker) {
  expect_parsed(
      "<tool_call> <think> <use_mcp_tool>",
      "<think>\nHm.\n</think>\n\nBoth.\n<use_mcp_tool>\n<server_name>generic-extras</server_name>\n"
      "<tool_name>add</tool_name>\n<arguments>\n{\"a\": 1}\n</arguments>\n<server_name>tool-python</server_name>\n"
      "<tool_name>run_it</tool_name>\n<arguments>\n{}\n</arguments>\n</use_mcp_tool>",
      {"Both.", "Hm.", {{"add", "{\"a\": 1}", ""}, {"run_it", "{}", ""}}});
  expect_parsed("<use_mcp_tool>", "<use_mcp_tool>\n<tool_name>add</tool_name>\n</use_mcp_tool>",
                {"<use_mcp_tool>\n<tool_name>add</tool_name>\n</use_mcp_tool>", "", {}});
}

TEST(Response, Harmony) {
  std::string_view source = "<|channel|> <|message|>";
  expect_parsed(source,
                "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>final<|message|>Yes.<|return|>",
                {"Yes.", "Hm.", {}});
  expect_parsed(source, "<|channel|>commentary to=functions.add <|constrain|>json<|message|>{\"a\": 1}<|call|>",
                {"", "", {{"add", "{\"a\": 1}", ""}}});
  expect_parsed(source, " to=functions.add<|channel|>commentary json<|message|>{}", {"", "", {{"add", "{}", ""}}});
}

TEST(Response, Functionary) {
  expect_parsed(">>>all", "all\nHi\n>>>add\n{\"a\": \">>>\"}>>>f\n{}",
                {"Hi\n", "", {{"add", "{\"a\": \">>>\"}", ""}, {"f", "{}", ""}}});
  expect_parsed(">>>all", "Hi", {"Hi", "", {}});
}

}  // namespace
}  // namespace imago::chat
