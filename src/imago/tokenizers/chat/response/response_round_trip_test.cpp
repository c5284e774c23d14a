// A message rendered by a model's own template and read back, for every real template there is.
#include <algorithm>
#include <filesystem>
#include <set>

#include "imago/base/file.h"
#include "imago/base/json.h"
#include "imago/tokenizers/chat/chat_template.h"
#include "imago/tokenizers/chat/response/layout.h"
#include "imago/tokenizers/chat/response/test_pieces.h"

namespace imago::chat {
namespace {

// What a template drops or changes (reasoning of past turns, text beside calls, all calls but the first) cannot come
// back: `reads` tells what does.
//   c: one call; m: text and two calls; r: reasoning and text; n: the template drops calls, so that there is nothing
//   t: arguments are given as text; o: the content beside a call must be null; u: calls stand without "function";
//   x: the template fails on tools
struct RoundTrip {
  const char* path;
  const char* reads;
  const char* refuses = nullptr;  // the error with which a template refuses a message with calls, as in the reference

  bool has(char what) const { return std::string_view(reads).find(what) != std::string_view::npos; }
};

constexpr RoundTrip kRoundTrips[] = {
    {"chujiezheng/chatml.jinja", "n"},
    {"chujiezheng/chatqa.jinja", "n"},
    {"chujiezheng/falcon-instruct.jinja", "n"},
    {"chujiezheng/openchat-3.5.jinja", "n"},
    {"chujiezheng/phi-3-small.jinja", "n"},
    {"chujiezheng/qwen2.5-instruct.jinja", "cm"},
    {"chujiezheng/saiga.jinja", "n"},
    {"chujiezheng/solar-instruct.jinja", "n"},
    {"chujiezheng/zephyr.jinja", "n"},
    {"ik_llama.cpp/Apertus-8B-Instruct.jinja", "cm"},
    {"ik_llama.cpp/Apriel-1.6-15b-Thinker-fixed.jinja", "cm"},
    {"ik_llama.cpp/Bielik-11B-v3.0-Instruct.jinja", "cmr"},
    {"ik_llama.cpp/ByteDance-Seed-OSS.jinja", "cmr"},
    {"ik_llama.cpp/Cohere2MoE.jinja", "cr"},
    {"ik_llama.cpp/CohereForAI-c4ai-command-r-plus-tool_use.jinja", "cm"},
    {"ik_llama.cpp/CohereForAI-c4ai-command-r7b-12-2024-tool_use.jinja", "c"},
    {"ik_llama.cpp/GLM-4.6.jinja", "cmr"},
    {"ik_llama.cpp/GLM-4.7-Flash.jinja", "cmr"},
    {"ik_llama.cpp/GLM-5.2.jinja", "cmr"},
    {"ik_llama.cpp/GigaChat3-10B-A1.8B.jinja", "c"},
    {"ik_llama.cpp/GigaChat3.1-10B-A1.8B.jinja", "c"},
    {"ik_llama.cpp/HuggingFaceTB-SmolLM3-3B.jinja", "n"},
    {"ik_llama.cpp/Kimi-K2-Instruct.jinja", "", "SecurityError"},
    {"ik_llama.cpp/Kimi-K2-Thinking.jinja", "", "SecurityError"},
    {"ik_llama.cpp/LFM2-8B-A1B.jinja", "n"},
    {"ik_llama.cpp/LFM2.5-Instruct.jinja", "n"},
    {"ik_llama.cpp/MiMo-VL.jinja", "cm"},
    {"ik_llama.cpp/MiroThinker.jinja", "", "UndefinedError"},
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
    {"ik_llama.cpp/deepseek-ai-DeepSeek-R1-Distill-Llama-8B.jinja", "co"},
    {"ik_llama.cpp/deepseek-ai-DeepSeek-R1-Distill-Qwen-32B.jinja", "c"},
    {"ik_llama.cpp/deepseek-ai-DeepSeek-V3.1.jinja", "cm"},
    {"ik_llama.cpp/deepseek-ai-DeepSeek-V3.2.jinja", "cm"},
    {"ik_llama.cpp/deepseek-ai-DeepSeek-V4.jinja", "cm"},
    {"ik_llama.cpp/fireworks-ai-llama-3-firefunction-v2.jinja", "cm"},
    {"ik_llama.cpp/google-gemma-2-2b-it.jinja", "n"},
    {"ik_llama.cpp/google-gemma-4-31B-it-interleaved.jinja", "cm"},
    {"ik_llama.cpp/google-gemma-4-31B-it.jinja", "cm"},
    {"ik_llama.cpp/ibm-granite-granite-3.3-2B-Instruct.jinja", "n"},
    {"ik_llama.cpp/llama-cpp-deepseek-r1.jinja", "cx"},
    {"ik_llama.cpp/llama-cpp-rwkv-world.jinja", "n"},
    {"ik_llama.cpp/meetkai-functionary-medium-v3.1.jinja", "cm"},
    {"ik_llama.cpp/meetkai-functionary-medium-v3.2.jinja", "cmt"},
    {"ik_llama.cpp/meta-llama-Llama-3.1-8B-Instruct.jinja", "c"},
    {"ik_llama.cpp/meta-llama-Llama-3.2-3B-Instruct.jinja", "c"},
    {"ik_llama.cpp/meta-llama-Llama-3.3-70B-Instruct.jinja", "c"},
    {"ik_llama.cpp/microsoft-Phi-3.5-mini-instruct.jinja", "n"},
    {"ik_llama.cpp/mistralai-Ministral-3-14B-Reasoning-2512.jinja", "cm"},
    {"ik_llama.cpp/mistralai-Mistral-Nemo-Instruct-2407.jinja", "c"},
    {"ik_llama.cpp/moonshotai-Kimi-K2.jinja", "cm"},
    {"ik_llama.cpp/openai-gpt-oss-120b.jinja", "cr"},
    {"ik_llama.cpp/stepfun-ai-Step-3.5-Flash.jinja", "cmr"},
    {"ik_llama.cpp/unsloth-Apriel-1.5.jinja", "cm"},
    {"ik_llama.cpp/unsloth-mistral-Devstral-Small-2507.jinja", "cm"},
    {"llama.cpp/CohereForAI-c4ai-command-r7b-12-2024-tool_use.jinja", "c"},
    {"llama.cpp/deepseek-ai-DeepSeek-R1-Distill-Llama-8B.jinja", "co"},
    {"llama.cpp/deepseek-ai-DeepSeek-R1-Distill-Qwen-32B.jinja", "co"},
    {"llama.cpp/fireworks-ai-llama-3-firefunction-v2.jinja", "cm"},
    {"llama.cpp/llama-cpp-deepseek-r1.jinja", "cox"},
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
    {"mistral-common/v1_spm.jinja", "n"},
    {"mistral-common/v3_image_spm.jinja", "ct"},
    {"mistral-common/v3_spm.jinja", "ct"},
    {"mistral-common/v7_audio.jinja", "cmt"},
    {"mistral-common/v7_image_spm.jinja", "ct"},
    {"onnxruntime-extensions/gpt-oss.jinja", "cu"},
    {"onnxruntime-extensions/phi-4-mini-reasoning.jinja", "n"},
    {"onnxruntime-extensions/qwen2.5-synthetic.jinja", "n"},
};

const std::string kFolder = IMAGO_SOURCE_DIR "/../shared/data/chat_templates/templates/";

Json call_message() {
  return parse_json(R"({"role": "assistant", "content": "", "tool_calls": [{"id": "id0000003", "type": "function",
      "function": {"name": "add", "arguments": {"a": 17, "text": "line one\nsay \"hi\" <b> ünï", "list": [1, 2], "flag": true}}}]})",
                    "test");
}

Json calls_message() {
  return parse_json(R"({"role": "assistant", "content": "Let me do both.", "tool_calls": [{"id": "id0000003",
      "type": "function", "function": {"name": "add", "arguments": {"a": 1, "text": "42"}}}, {"id": "id0000004", "type": "function",
      "function": {"name": "list_files", "arguments": {}}}]})",
                    "test");
}

Json reasoning_message() {
  return parse_json(R"({"role": "assistant", "content": "It is 4.", "reasoning_content": "Two and two.",
      "thinking": "Two and two."})",
                    "test");
}

Json request_for(const RoundTrip& trip, const Json& message) {
  Json request =
      parse_json(R"({"messages": [{"role": "user", "content": "Hi there"}], "documents": null, "bos_token": "<s>",
      "eos_token": "</s>", "date_string": "x", "datetime": "x", "tools": [{"type": "function", "function": {"name": "add",
      "description": "Adds.", "parameters": {"type": "object", "properties": {"a": {"type": "integer", "description": "x"},
      "text": {"type": "string", "description": "y"}, "list": {"type": "array", "items": {"type": "integer"}, "description": "z"},
      "flag": {"type": "boolean", "description": "f"}}, "required": ["a"]}}},
      {"type": "function", "function": {"name": "list_files", "description": "Lists.", "parameters": {"type": "object", "properties": {}}}}]})",
                 "test");
  request["functions"] = dump_json(request["tools"]);
  if (!message.contains("tool_calls") || trip.has('x')) request["tools"] = nullptr;
  return request;
}

// The message in the shape that the template takes.
Json shaped_for(const RoundTrip& trip, Json message, bool arguments_as_text) {
  if (!message.contains("tool_calls")) return message;
  if (trip.has('o')) message["content"] = nullptr;
  for (Json& call : message["tool_calls"]) {
    if (arguments_as_text) call["function"]["arguments"] = dump_json(call["function"]["arguments"]);
    if (trip.has('u')) call = Json(call["function"]);
  }
  return message;
}

struct Written {
  std::string text;  // by the assistant
  bool in_reasoning = false;
};

// What the template writes for the message behind the prompt for it.
Written written_by_assistant(const ChatTemplate& chat_template, Json request, const Json& message,
                             const ResponseFormat& format) {
  request["add_generation_prompt"] = true;
  const std::string prompt = chat_template.render(request).text;
  request["add_generation_prompt"] = false;
  request["messages"].push_back(message);
  const std::string whole = chat_template.render(request).text;
  size_t common = 0;
  while (common < prompt.size() && common < whole.size() && prompt[common] == whole[common]) ++common;
  if (common < prompt.size() && common > 0) {  // not within a marker
    size_t open = whole.find_last_of("<[", common - 1), close = whole.find_last_of(">]", common - 1);
    if (open != std::string::npos && (close == std::string::npos || close < open)) common = open;
  }
  const bool in_reasoning = prompt_opens_reasoning(format, prompt.substr(0, common));
  // A prompt with a reminder in front of the reply differs there from the whole, and has the reply's header behind it.
  const std::string rest = whole.substr(common);
  for (size_t size = std::min(rest.size(), prompt.size() - common); size > 0; --size) {
    if (prompt.ends_with(std::string_view(rest).substr(0, size))) return {rest.substr(size), in_reasoning};
  }
  return {rest, in_reasoning};
}

// The id is the message's, or one that the format makes of the call's name and place, or none.
bool id_fits(const ToolCall& call, const Json& sent, size_t place) {
  const std::string number = std::to_string(place);
  return call.id.empty() || call.id == sent["id"] || call.id == number ||
         call.id == "functions." + call.name + ":" + number;
}

void expect_same_message(const Response& got, const Json& message) {
  EXPECT_EQ(got.content, message["content"].get<std::string>());
  if (message.contains("reasoning_content")) {
    EXPECT_EQ(got.reasoning_content, message["reasoning_content"].get<std::string>());
  }
  const Json calls = message.value("tool_calls", Json::array());
  ASSERT_EQ(got.tool_calls.size(), calls.size());
  for (size_t i = 0; i < calls.size(); ++i) {
    EXPECT_EQ(got.tool_calls[i].name, calls[i]["function"]["name"].get<std::string>());
    EXPECT_EQ(parse_json(got.tool_calls[i].arguments, "arguments"), calls[i]["function"]["arguments"]);
    EXPECT_TRUE(id_fits(got.tool_calls[i], calls[i], i)) << got.tool_calls[i].id;
  }
}

void expect_round_trip(const RoundTrip& trip, const ChatTemplate& chat_template, const Json& message,
                       bool arguments_as_text) {
  const Json request = request_for(trip, message);
  ResponseFormat format = detect_response_format(chat_template.source());
  format.ends.emplace_back("</s>");
  Written written;
  try {
    written = written_by_assistant(chat_template, request, shaped_for(trip, message, arguments_as_text), format);
  } catch (const TemplateError&) {  // a template that joins texts, and takes arguments as nothing else
    if (arguments_as_text) throw;
    return expect_round_trip(trip, chat_template, message, true);
  }
  SCOPED_TRACE(written.text);
  expect_same_however_cut(format, written.text, &request["tools"], written.in_reasoning);
  expect_same_message(parse_response(format, written.text, &request["tools"], written.in_reasoning), message);
}

// A template that drops calls leaves no trace of them, and what it writes is read as no call.
void expect_no_calls(const RoundTrip& trip, const ChatTemplate& chat_template) {
  const Json message = calls_message(), request = request_for(trip, message);
  const ResponseFormat format = detect_response_format(chat_template.source());
  const Written written = written_by_assistant(chat_template, request, message, format);
  EXPECT_NE(written.text.find("Let me do both."), std::string::npos) << written.text;
  EXPECT_EQ(written.text.find("list_files"), std::string::npos) << written.text;
  EXPECT_TRUE(parse_response(format, written.text, &request["tools"]).tool_calls.empty()) << written.text;
}

void expect_refusal(const RoundTrip& trip, const ChatTemplate& chat_template) {
  Json request = request_for(trip, call_message());
  request["messages"].push_back(call_message());
  try {
    chat_template.render(request);
    ADD_FAILURE() << "the template renders calls";
  } catch (const TemplateError& error) {
    EXPECT_EQ(error.exception(), trip.refuses) << error.what();
  }
}

void expect_all(const RoundTrip& trip, const ChatTemplate& chat_template) try {
  if (trip.refuses != nullptr) expect_refusal(trip, chat_template);
  if (trip.has('n')) expect_no_calls(trip, chat_template);
  if (trip.has('c')) expect_round_trip(trip, chat_template, call_message(), trip.has('t'));
  if (trip.has('m')) expect_round_trip(trip, chat_template, calls_message(), trip.has('t'));
  if (trip.has('r')) expect_round_trip(trip, chat_template, reasoning_message(), false);
} catch (const Error& error) {
  ADD_FAILURE() << error.what();
}

TEST(ResponseRoundTrip, MessagesComeBackThroughEveryRealTemplate) {
  if (!std::filesystem::exists(kFolder)) GTEST_SKIP() << "shared/data/chat_templates is not there";
  std::set<std::string> untried;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(kFolder)) {
    if (entry.is_regular_file()) untried.insert(std::filesystem::relative(entry.path(), kFolder).string());
  }
  for (const RoundTrip& trip : kRoundTrips) {
    SCOPED_TRACE(trip.path);
    ASSERT_EQ(untried.erase(trip.path), 1u);
    expect_all(trip, ChatTemplate(read_file(kFolder + trip.path)));
  }
  EXPECT_EQ(untried, std::set<std::string>());
}

// Kimi K2's templates put the ids of calls into a list, which the sandbox does not let a template do. What else they
// write of calls is checked without that line.
TEST(ResponseRoundTrip, KimiWithoutItsListOfIds) {
  if (!std::filesystem::exists(kFolder)) GTEST_SKIP() << "shared/data/chat_templates is not there";
  for (const char* path : {"ik_llama.cpp/Kimi-K2-Instruct.jinja", "ik_llama.cpp/Kimi-K2-Thinking.jinja"}) {
    SCOPED_TRACE(path);
    std::string source = read_file(kFolder + path);
    constexpr std::string_view kAppend = "tool_response_queue.ids.append(formatted_id)";
    const size_t place = source.find(kAppend);
    ASSERT_NE(place, std::string::npos);
    source.replace(place, kAppend.size(), "formatted_id");
    expect_all({path, "cm"}, ChatTemplate(source));
  }
}

}  // namespace
}  // namespace imago::chat
