#include "imago/tokenizers/chat/response/response.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "imago/base/file.h"
#include "imago/tokenizers/chat/chat_template.h"

namespace imago::chat {
namespace {

ResponseFormat format_of(std::string_view source) { return detect_response_format(source); }

Response in_pieces(const ResponseFormat& format, const std::vector<std::string_view>& pieces, const Json* tools,
                   bool reasoning) {
  ResponseParser parser(format, tools, reasoning);
  Response response;
  for (std::string_view piece : pieces) response.append(parser.feed(piece));
  response.append(parser.finish());
  return response;
}

Response byte_by_byte(const ResponseFormat& format, std::string_view text, const Json* tools, bool reasoning) {
  std::vector<std::string_view> bytes;
  for (size_t i = 0; i < text.size(); ++i) bytes.push_back(text.substr(i, 1));
  return in_pieces(format, bytes, tools, reasoning);
}

// Byte by byte, and in two pieces for every place to cut, all of which must come to the same as the whole.
void expect_same_however_cut(const ResponseFormat& format, std::string_view text, const Json* tools, bool reasoning) {
  const Response whole = parse_response(format, text, tools, reasoning);
  EXPECT_EQ(byte_by_byte(format, text, tools, reasoning), whole) << text;
  for (size_t cut = 1; cut < text.size(); ++cut) {
    EXPECT_EQ(in_pieces(format, {text.substr(0, cut), text.substr(cut)}, tools, reasoning), whole)
        << text << " cut at " << cut;
  }
}

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

// A message rendered by a model's own template and read back. What a template drops or changes (reasoning of past
// turns, text beside calls, all calls but the first) cannot come back: `reads` tells what does.
struct RoundTrip {
  const char* path;
  const char* reads;  // c: one call; m: text and two calls; r: reasoning and text; t: arguments are given as text
};

constexpr RoundTrip kRoundTrips[] = {
    {"chujiezheng/qwen2.5-instruct.jinja", "cm"},
    {"ik_llama.cpp/Apertus-8B-Instruct.jinja", "cm"},
    {"ik_llama.cpp/Apriel-1.6-15b-Thinker-fixed.jinja", "cm"},
    {"ik_llama.cpp/Bielik-11B-v3.0-Instruct.jinja", "cmr"},
    {"ik_llama.cpp/ByteDance-Seed-OSS.jinja", "cmr"},
    {"ik_llama.cpp/Cohere2MoE.jinja", "cr"},
    {"ik_llama.cpp/CohereForAI-c4ai-command-r7b-12-2024-tool_use.jinja", "c"},
    {"ik_llama.cpp/GLM-4.6.jinja", "cmr"},
    {"ik_llama.cpp/GLM-4.7-Flash.jinja", "cmr"},
    {"ik_llama.cpp/GLM-5.2.jinja", "cmr"},
    {"ik_llama.cpp/GigaChat3-10B-A1.8B.jinja", "c"},
    {"ik_llama.cpp/GigaChat3.1-10B-A1.8B.jinja", "c"},
    {"ik_llama.cpp/MiMo-VL.jinja", "cm"},
    {"ik_llama.cpp/Mistral-Small-3.2-24B-Instruct-2506.jinja", "c"},
    {"ik_llama.cpp/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16.jinja", "cmr"},
    {"ik_llama.cpp/NousResearch-Hermes-2-Pro-Llama-3-8B-tool_use.jinja", "c"},
    {"ik_llama.cpp/NousResearch-Hermes-3-Llama-3.1-8B-tool_use.jinja", "c"},
    {"ik_llama.cpp/Qwen-QwQ-32B.jinja", "cm"},
    {"ik_llama.cpp/Qwen-Qwen2.5-7B-Instruct.jinja", "cm"},
    {"ik_llama.cpp/Qwen-Qwen3-0.6B.jinja", "cmr"},
    {"ik_llama.cpp/Qwen3-Coder.jinja", "cm"},
    {"ik_llama.cpp/Qwen3.5-4B.jinja", "cmr"},
    {"ik_llama.cpp/Reka-Edge.jinja", "c"},
    {"ik_llama.cpp/StepFun3.5-Flash.jinja", "cmr"},
    {"ik_llama.cpp/deepseek-ai-DeepSeek-R1-Distill-Qwen-32B.jinja", "c"},
    {"ik_llama.cpp/deepseek-ai-DeepSeek-V3.1.jinja", "cm"},
    {"ik_llama.cpp/deepseek-ai-DeepSeek-V3.2.jinja", "cm"},
    {"ik_llama.cpp/deepseek-ai-DeepSeek-V4.jinja", "cm"},
    {"ik_llama.cpp/google-gemma-4-31B-it-interleaved.jinja", "cm"},
    {"ik_llama.cpp/google-gemma-4-31B-it.jinja", "cm"},
    {"ik_llama.cpp/meetkai-functionary-medium-v3.1.jinja", "cm"},
    {"ik_llama.cpp/meetkai-functionary-medium-v3.2.jinja", "cmt"},
    {"ik_llama.cpp/meta-llama-Llama-3.1-8B-Instruct.jinja", "c"},
    {"ik_llama.cpp/meta-llama-Llama-3.2-3B-Instruct.jinja", "c"},
    {"ik_llama.cpp/meta-llama-Llama-3.3-70B-Instruct.jinja", "c"},
    {"ik_llama.cpp/mistralai-Ministral-3-14B-Reasoning-2512.jinja", "cm"},
    {"ik_llama.cpp/mistralai-Mistral-Nemo-Instruct-2407.jinja", "c"},
    {"ik_llama.cpp/moonshotai-Kimi-K2.jinja", "cm"},
    {"ik_llama.cpp/openai-gpt-oss-120b.jinja", "cr"},
    {"ik_llama.cpp/stepfun-ai-Step-3.5-Flash.jinja", "cmr"},
    {"ik_llama.cpp/unsloth-Apriel-1.5.jinja", "cm"},
    {"ik_llama.cpp/unsloth-mistral-Devstral-Small-2507.jinja", "cm"},
    {"llama.cpp/CohereForAI-c4ai-command-r7b-12-2024-tool_use.jinja", "c"},
    {"llama.cpp/meetkai-functionary-medium-v3.1.jinja", "cm"},
    {"minja/Qwen-Qwen3-Coder-30B-A3B-Instruct.jinja", "cm"},
    {"mistral-common/v11.jinja", "cm"},
    {"mistral-common/v11_audio.jinja", "cm"},
    {"mistral-common/v11_image.jinja", "cm"},
    {"mistral-common/v11_image_think.jinja", "cmr"},
    {"mistral-common/v11_think.jinja", "cmr"},
    {"mistral-common/v13.jinja", "cm"},
    {"mistral-common/v13_image_think.jinja", "cmr"},
    {"mistral-common/v15.jinja", "cm"},
    {"mistral-common/v15_audio.jinja", "cm"},
    {"mistral-common/v3_image_spm.jinja", "ct"},
    {"mistral-common/v3_spm.jinja", "ct"},
    {"mistral-common/v7_audio.jinja", "cmt"},
    {"mistral-common/v7_image_spm.jinja", "ct"},
};

std::string written_by_assistant(const ChatTemplate& chat_template, Json request, const Json& message,
                                 bool& in_reasoning, const ResponseFormat& format) {
  request["add_generation_prompt"] = true;
  std::string prompt = chat_template.render(request).text;
  request["add_generation_prompt"] = false;
  request["messages"].push_back(message);
  std::string whole = chat_template.render(request).text;
  size_t common = 0;
  while (common < prompt.size() && common < whole.size() && prompt[common] == whole[common]) ++common;
  if (common < prompt.size() && common > 0) {  // not within a marker
    size_t open = whole.find_last_of("<[", common - 1), close = whole.find_last_of(">]", common - 1);
    if (open != std::string::npos && (close == std::string::npos || close < open)) common = open;
  }
  in_reasoning = prompt_opens_reasoning(format, prompt.substr(0, common));
  return whole.substr(common);
}

Json sorted(const Json& value) { return Json(nlohmann::json::parse(value.dump())); }

void expect_round_trip(const ChatTemplate& chat_template, const std::string& path, const Json& message, bool as_text) {
  Json request =
      parse_json(R"({"messages": [{"role": "user", "content": "Hi there"}], "documents": null, "bos_token": "<s>",
      "eos_token": "</s>", "date_string": "x", "tools": [{"type": "function", "function": {"name": "add", "description": "Adds.",
      "parameters": {"type": "object", "properties": {"a": {"type": "integer", "description": "x"},
      "text": {"type": "string", "description": "y"}, "list": {"type": "array", "items": {"type": "integer"}, "description": "z"},
      "flag": {"type": "boolean", "description": "f"}}, "required": ["a"]}}},
      {"type": "function", "function": {"name": "list_files", "description": "Lists.", "parameters": {"type": "object", "properties": {}}}}]})",
                 "test");
  if (!message.contains("tool_calls")) request["tools"] = nullptr;
  Json sent = message;
  if (as_text) {
    for (Json& call : sent["tool_calls"]) call["function"]["arguments"] = dump_json(call["function"]["arguments"]);
  }
  ResponseFormat format = detect_response_format(chat_template.source());
  format.ends.emplace_back("</s>");
  bool in_reasoning = false;
  std::string text;
  try {
    text = written_by_assistant(chat_template, request, sent, in_reasoning, format);
  } catch (const TemplateError&) {  // a template that joins texts, and takes arguments as nothing else
    if (as_text) throw;
    return expect_round_trip(chat_template, path, message, true);
  }
  Response whole = parse_response(format, text, &request["tools"], in_reasoning);
  EXPECT_EQ(whole, byte_by_byte(format, text, &request["tools"], in_reasoning)) << path << ": " << text;
  EXPECT_EQ(whole.content, message["content"].get<std::string>()) << path << ": " << text;
  if (message.contains("reasoning_content")) {
    EXPECT_EQ(whole.reasoning_content, message["reasoning_content"].get<std::string>()) << path << ": " << text;
  }
  Json calls = message.value("tool_calls", Json::array());
  ASSERT_EQ(whole.tool_calls.size(), calls.size()) << path << ": " << text;
  for (size_t i = 0; i < calls.size(); ++i) {
    EXPECT_EQ(whole.tool_calls[i].name, calls[i]["function"]["name"].get<std::string>()) << path;
    EXPECT_EQ(sorted(parse_json(whole.tool_calls[i].arguments, "arguments")), sorted(calls[i]["function"]["arguments"]))
        << path;
  }
}

TEST(Response, MessagesComeBackThroughRealTemplates) {
  const std::string folder = IMAGO_SOURCE_DIR "/../shared/data/chat_templates/templates/";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "shared/data/chat_templates is not there";
  const Json kCall =
      parse_json(R"({"role": "assistant", "content": "", "tool_calls": [{"id": "id0000003", "type": "function",
      "function": {"name": "add", "arguments": {"a": 17, "text": "line one\nsay \"hi\" <b> ünï", "list": [1, 2], "flag": true}}}]})",
                 "test");
  const Json kCalls =
      parse_json(R"({"role": "assistant", "content": "Let me do both.", "tool_calls": [{"id": "id0000003",
      "type": "function", "function": {"name": "add", "arguments": {"a": 1, "text": "42"}}}, {"id": "id0000004", "type": "function",
      "function": {"name": "list_files", "arguments": {}}}]})",
                 "test");
  const Json kReasoning =
      parse_json(R"({"role": "assistant", "content": "It is 4.", "reasoning_content": "Two and two.",
      "thinking": "Two and two."})",
                 "test");
  for (const RoundTrip& trip : kRoundTrips) {
    SCOPED_TRACE(trip.path);
    ChatTemplate chat_template(read_file(folder + trip.path));
    std::string_view reads = trip.reads;
    bool as_text = reads.find('t') != std::string_view::npos;  // a template that takes arguments as text only
    try {
      if (reads.find('c') != std::string_view::npos) expect_round_trip(chat_template, trip.path, kCall, as_text);
      if (reads.find('m') != std::string_view::npos) expect_round_trip(chat_template, trip.path, kCalls, as_text);
      if (reads.find('r') != std::string_view::npos) expect_round_trip(chat_template, trip.path, kReasoning, false);
    } catch (const Error& error) {
      ADD_FAILURE() << error.what();
    }
  }
}

}  // namespace
}  // namespace imago::chat
