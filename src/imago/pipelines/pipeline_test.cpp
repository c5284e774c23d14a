#include "imago/pipelines/pipeline.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <limits>
#include <map>

#include "imago/auto/auto_model.h"
#include "imago/auto/load_weights.h"
#include "imago/base/error.h"
#include "imago/base/file.h"
#include "imago/base/json.h"
#include "imago/base/unicode.h"
#include "imago/io/save_checkpoint.h"

namespace imago {
namespace {

namespace fs = std::filesystem;

const std::string kGoldens = IMAGO_SOURCE_DIR "/tests/golden/pipelines";

const std::string kPictures = IMAGO_SOURCE_DIR "/src/imago/processors/image/testdata/";

ChatMessage message_from(const Json& json) {
  ChatMessage message{json.at("role").as_string()};
  const Json& content = json.at("content");
  if (content.is_string()) {
    message.content = content.as_string();
    return message;
  }
  for (const Json& part : content) {
    if (part.contains("video")) {
      std::vector<PictureInput> video;
      for (const Json& file : part.at("video")) video.emplace_back(kPictures + file.as_string());
      message.parts.push_back(ChatContent::of_video(std::move(video)));
      continue;
    }
    message.parts.push_back(part.contains("url") ? ChatContent::of_picture(kPictures + part.at("url").as_string())
                                                 : ChatContent::of_text(part.at("text").as_string()));
  }
  return message;
}

PipelineInput input_from(const Json& json) {
  if (json.is_string()) return json.get<std::string>();
  if (json.is_object() && json.contains("images")) {
    std::vector<PictureInput> pictures;
    for (const Json& file : json.at("images")) pictures.emplace_back(kPictures + file.as_string());
    return PipelineInput::with_pictures(json.at("text").as_string(), std::move(pictures));
  }
  if (json.is_object() && json.contains("image")) return kPictures + json.at("image").get<std::string>();
  if (json.is_object()) {
    const bool asks = json.contains("question");
    return PipelineInput::pair(json.at(asks ? "question" : "text").as_string(),
                               json.at(asks ? "context" : "text_pair").as_string());
  }
  std::vector<ChatMessage> messages;
  for (const Json& message : json) messages.push_back(message_from(message));
  return messages;
}

OptionValue option_from(const Json& json) {
  if (json.is_null()) return nullptr;
  if (json.is_boolean()) return json.get<bool>();
  if (json.is_number_integer()) return json.get<int64_t>();
  if (json.is_number()) return json.get<double>();
  if (json.is_string()) return json.get<std::string>();
  return json.get<std::vector<std::string>>();
}

PipelineOutput run_case(const Pipeline& pipe, const Json& test) {
  PipelineOptions options;
  for (const auto& [name, value] : test.at("options").items()) options.emplace(name, option_from(value));
  const Json& inputs = test.at("inputs");
  const bool several = inputs.is_array() && !(inputs[0].is_object() && inputs[0].contains("role"));
  if (!several) return pipe(input_from(inputs), options);
  std::vector<PipelineInput> list;
  for (const Json& input : inputs) list.push_back(input_from(input));
  return pipe(list, options);
}

// Floats to 1e-5, of their size where they are large; everything else exactly, the order of keys included.
void expect_equal(const Json& actual, const Json& expected, const std::string& where) {
  if (expected.is_number_float()) {
    ASSERT_TRUE(actual.is_number()) << where;
    const double size = std::max(1.0, std::abs(expected.get<double>()));
    EXPECT_NEAR(actual.get<double>(), expected.get<double>(), 1e-5 * size) << where;
  } else if (expected.is_array()) {
    ASSERT_TRUE(actual.is_array()) << where << ": " << dump_json(actual);
    ASSERT_EQ(actual.size(), expected.size()) << where;
    for (size_t i = 0; i < expected.size(); ++i) expect_equal(actual[i], expected[i], where + "/" + std::to_string(i));
  } else if (expected.is_object()) {
    ASSERT_TRUE(actual.is_object()) << where << ": " << dump_json(actual);
    ASSERT_EQ(actual.size(), expected.size()) << where;
    auto item = actual.begin();
    for (const auto& [key, value] : expected.items()) {
      EXPECT_EQ(item.key(), key) << where;
      expect_equal((item++).value(), value, where + "/" + key);
    }
  } else {
    EXPECT_EQ(actual, expected) << where;
  }
}

// Pictures by their names, as goldens have them.
Json without_folder(const Json& answer) {
  std::string text = dump_json(answer);
  for (size_t at = text.find(kPictures); at != std::string::npos; at = text.find(kPictures, at))
    text.erase(at, kPictures.size());
  return parse_json(text, "answer");
}

class PipelineGolden : public testing::TestWithParam<std::string> {};

TEST_P(PipelineGolden, AnswersAsTheReference) {
  const std::string folder = kGoldens + "/" + GetParam();
  const Json golden = read_json(folder + "/pipeline.json");
  ASSERT_FALSE(golden.at("cases").empty());
  std::map<std::string, Pipeline> pipes;
  for (const Json& test : golden.at("cases")) {
    const std::string task = test.at("task").get<std::string>();
    if (!pipes.contains(task)) pipes.emplace(task, pipeline(task, folder));
    const std::string where =
        task + " " + dump_json(test.at("inputs")).substr(0, 60) + " " + dump_json(test.at("options"));
    expect_equal(without_folder(run_case(pipes.at(task), test).value()), test.at("expected"), where);
  }
}

std::vector<std::string> golden_folders() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(kGoldens)) names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

INSTANTIATE_TEST_SUITE_P(Pipelines, PipelineGolden, testing::ValuesIn(golden_folders()), [](const auto& folder) {
  std::string name = folder.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

ErrorKind kind_of_failure(const std::function<void()>& action, const std::string& word) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find(word), std::string::npos) << error.what();
    return error.kind();
  }
  ADD_FAILURE() << "nothing was thrown";
  return ErrorKind::kInternal;
}

const PipelineOptions kGreedy = {{"do_sample", false}, {"max_new_tokens", 12}};

TEST(Pipeline, StreamsWholeCharactersThatMakeTheAnswer) {
  const Pipeline pipe = pipeline("text-generation", kGoldens + "/text-generation");
  PipelineOptions options = kGreedy;
  options.insert({{"return_full_text", false}, {"batch_size", 2}});
  const std::vector<PipelineInput> inputs = {"Once upon a time", "A", "café"};
  std::vector<std::string> streamed(inputs.size());
  const PipelineHooks hooks{[&](size_t input, std::string_view piece) {
    EXPECT_TRUE(is_valid_utf8(piece));
    streamed[input] += piece;
  }};
  const PipelineOutput output = pipe(inputs, options, hooks);
  for (size_t i = 0; i < inputs.size(); ++i) EXPECT_EQ(streamed[i], output[i][0]["generated_text"].text());
  EXPECT_EQ(output.statistics().generated_tokens, 36);
}

TEST(Pipeline, RefusesWhatItDoesNotKnow) {
  EXPECT_EQ(kind_of_failure([] { pipeline("no-such-task", kGoldens); }, "fill-mask"), ErrorKind::kUnsupported);
  const Pipeline pipe = pipeline("fill-mask", kGoldens + "/fill-mask");
  EXPECT_EQ(kind_of_failure([&] { pipe("a [MASK]", {{"topk", 3}}); }, "topk"), ErrorKind::kInvalidArgument);
  EXPECT_EQ(kind_of_failure([&] { pipe("a [MASK]", {{"top_k", "three"}}); }, "top_k"), ErrorKind::kInvalidArgument);
  EXPECT_EQ(kind_of_failure([&] { pipe("no mask"); }, "[MASK]"), ErrorKind::kInvalidArgument);
  EXPECT_EQ(kind_of_failure([&] { pipe("a [MASK]")[0]["nothing"]; }, "token_str"), ErrorKind::kNotFound);
  const Pipeline generator = pipeline("text-generation", kGoldens + "/text-generation");
  EXPECT_EQ(kind_of_failure([&] { generator("a", {{"temprature", 1.0}}); }, "temprature"), ErrorKind::kUnsupported);
}

TEST(Pipeline, InvalidUtf8IsAnError) {
  const Pipeline pipe = pipeline("text-generation", kGoldens + "/text-generation");
  EXPECT_EQ(kind_of_failure([&] { pipe("caf\xE9", kGreedy); }, "UTF-8"), ErrorKind::kInvalidArgument);
}

TEST(Pipeline, AnEmptyPromptIsTheTokenThatBeginsTexts) {
  const Pipeline pipe = pipeline("text-generation", kGoldens + "/text-generation");
  const PipelineOutput output = pipe("", kGreedy);
  EXPECT_EQ(output.statistics().input_tokens, 1);
  EXPECT_EQ(output.statistics().generated_tokens, 12);
}

TEST(Pipeline, ATextBeyondThePositionsIsRefusedOrCut) {
  std::string text = "[MASK]";
  for (int i = 0; i < 100; ++i) text += " river";
  const Pipeline pipe = pipeline("fill-mask", kGoldens + "/fill-mask");
  EXPECT_EQ(kind_of_failure([&] { pipe(text); }, "64 positions"), ErrorKind::kLimitExceeded);
  EXPECT_EQ(pipe(text, {{"truncation", true}}).statistics().input_tokens, 64);

  const Pipeline generator = pipeline("text-generation", kGoldens + "/text-generation");
  EXPECT_EQ(kind_of_failure([&] { generator(text + text, kGreedy); }, "128 positions"), ErrorKind::kLimitExceeded);
  // A generation that reaches the last position ends there.
  const PipelineOutput output = generator("river", {{"do_sample", false}, {"max_new_tokens", 1000}});
  EXPECT_EQ(output.statistics().input_tokens + output.statistics().generated_tokens, 128);
}

TEST(Pipeline, AMessageThatSpellsAControlTokenStaysText) {
  const std::string folder = testing::TempDir() + "/chat_pipeline";
  fs::remove_all(folder);
  fs::copy(kGoldens + "/text-generation", folder, fs::copy_options::recursive);
  Json tokenizer = read_json(folder + "/tokenizer.json");
  ASSERT_FALSE(tokenizer["added_tokens"].empty());
  const std::string special = tokenizer["added_tokens"][0]["content"].get<std::string>();
  write_file_atomically(folder + "/chat_template.jinja",
                        "{% for m in messages %}{{ m.content }}" + special + "{% endfor %}");
  const Pipeline pipe = pipeline("text-generation", folder);
  const auto tokens = [&](const std::string& content, PipelineOptions options) {
    options.insert({{"do_sample", false}, {"max_new_tokens", 1}});
    return pipe(std::vector<ChatMessage>{{"user", content}}, options).statistics().input_tokens;
  };
  const int64_t template_alone = tokens("", {});
  EXPECT_EQ(template_alone, 1);
  EXPECT_EQ(tokens(special, {{"sanitize_control_tokens", false}}), 2);
  EXPECT_GT(tokens(special, {}), 2);
  EXPECT_EQ(tokens(special, {}), tokens(special, {{"sanitize_control_tokens", true}}));
  fs::remove_all(folder);
}

TEST(Pipeline, WeightsThatAreNoNumbersAreAnError) {
  const std::string folder = testing::TempDir() + "/nan_pipeline";
  fs::remove_all(folder);
  for (const char* task : {"text-generation", "fill-mask"}) {
    fs::copy(kGoldens + "/" + task, folder, fs::copy_options::recursive);
    const auto model = model_from_pretrained(folder);
    NamedTensors tensors = checkpoint_tensors(*model);
    for (auto& [name, tensor] : tensors) {
      const bool norm = name.find("norm") != std::string::npos || name.find("LayerNorm") != std::string::npos;
      if (norm) tensor = Tensor::full(tensor.shape(), std::numeric_limits<double>::quiet_NaN());
    }
    const std::string broken = folder + "_broken";
    fs::remove_all(broken);
    fs::copy(folder, broken, fs::copy_options::recursive);
    fs::remove(broken + "/model.safetensors");
    save_checkpoint(broken, tensors);
    const Pipeline pipe = pipeline(task, broken);
    const bool generates = std::string(task) == "text-generation";
    const auto run = [&] { pipe("a [MASK]", generates ? kGreedy : PipelineOptions()); };
    EXPECT_EQ(kind_of_failure(run, "finite"), ErrorKind::kInvalidArgument);
    fs::remove_all(broken);
    fs::remove_all(folder);
  }
}

}  // namespace
}  // namespace imago
