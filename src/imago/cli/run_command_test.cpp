#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "imago/base/json.h"
#include "imago/cli/command.h"
#include "imago/processors/image/decode.h"

namespace imago {
namespace {

const std::string kGoldens = IMAGO_SOURCE_DIR "/tests/golden/pipelines/";

struct Finished {
  int status;
  std::string out, err;
};

Finished run(std::vector<std::string> arguments, const std::string& input = {}) {
  arguments.insert(arguments.begin(), {"imago", "run"});
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  std::istringstream lines(input);
  std::streambuf* const before = std::cin.rdbuf(lines.rdbuf());
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  Finished finished{run_program(static_cast<int>(argv.size()), argv.data()), {}, {}};
  std::fflush(stdout);
  finished.out = testing::internal::GetCapturedStdout();
  finished.err = testing::internal::GetCapturedStderr();
  std::cin.rdbuf(before);
  return finished;
}

TEST(RunCommand, JsonHasAnswersCountsAndTimes) {
  const Finished finished = run({"fill-mask", "a [MASK]", "-m", kGoldens + "fill-mask", "--top-k", "2", "--json"});
  ASSERT_EQ(finished.status, 0) << finished.err;
  const Json document = parse_json(finished.out, "output");
  EXPECT_EQ(document.at("task"), "fill-mask");
  EXPECT_EQ(document.at("input_tokens"), 4);
  EXPECT_EQ(document.at("outputs").size(), 1U);
  EXPECT_EQ(document.at("outputs")[0].size(), 2U);
  EXPECT_GT(document.at("run_seconds").get<double>(), 0.0);
}

TEST(RunCommand, ChatsAboutPictures) {
  const std::string folder = kGoldens + "image-text-to-text-llava";
  const std::string picture = IMAGO_SOURCE_DIR "/src/imago/processors/image/testdata/rgb.jpg";
  const std::vector<std::string> chat = {"image-text-to-text", "What does the café sell?", "--image", picture, "--chat",
                                         "--greedy",           "--max-new-tokens",         "10",      "-m",    folder};
  const Finished finished = run(chat);
  ASSERT_EQ(finished.status, 0) << finished.err;
  const Json expected = read_json(folder + "/pipeline.json").at("cases")[0].at("expected")[0].at("generated_text");
  EXPECT_EQ(finished.out, expected[1].at("content").as_string() + "\n");

  const Finished without_token = run({"image-text-to-text", "What is it?", "--image", picture, "-m", folder});
  EXPECT_EQ(without_token.status, 1);
  EXPECT_NE(without_token.err.find("0 image tokens"), std::string::npos) << without_token.err;
}

std::string stripped(const std::string& text) {
  const size_t first = text.find_first_not_of(" \n");
  return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(" \n") + 1 - first);
}

// The same as a conversation with these words; what a model without conversations is asked is in its own words.
TEST(RunCommand, PicturesAreAskedAboutAndDescribed) {
  const std::string picture = IMAGO_SOURCE_DIR "/src/imago/processors/image/testdata/rgb.jpg";
  const std::string folder = kGoldens + "image-text-to-text-llava", question = "What does the café sell?";
  const std::vector<std::string> end = {"--greedy", "--max-new-tokens", "10", "-m", folder};
  const auto printed = [&](std::vector<std::string> words) {
    words.insert(words.end(), end.begin(), end.end());
    const Finished finished = run(words);
    EXPECT_EQ(finished.status, 0) << finished.err;
    return finished.out;
  };
  const std::string chat = printed({"image-text-to-text", question, "--image", picture, "--chat"});
  EXPECT_GT(chat.size(), 1U);
  const std::string answer = printed({"visual-question-answering", question, "--image", picture});
  EXPECT_EQ(answer, stripped(chat) + "\n");
  EXPECT_EQ(printed({"image-to-text", picture, "--prompt", question}), chat);

  // A model without conversations: the reference's answer to the words that BLIP-2 was taught with.
  const std::string blip = testing::TempDir() + "blip_2_without_template";
  std::filesystem::remove_all(blip);
  std::filesystem::copy(kGoldens + "image-text-to-text-blip-2", blip);
  std::filesystem::remove(blip + "/chat_template.jinja");
  const Json golden = read_json(blip + "/pipeline.json").at("cases")[2];
  ASSERT_FALSE(golden.at("options").at("return_full_text").get<bool>());
  const Finished asked = run({"visual-question-answering", "what does the café sell?", "--image", picture, "--greedy",
                              "--max-new-tokens", "10", "--json", "-m", blip});
  ASSERT_EQ(asked.status, 0) << asked.err;
  const std::string expected = stripped(golden.at("expected")[0].at("generated_text").get<std::string>());
  EXPECT_EQ(parse_json(asked.out, "output").at("outputs")[0][0].at("answer").get<std::string>(), expected);

  const Finished without = run({"visual-question-answering", question, "-m", folder});
  EXPECT_EQ(without.status, 1);
  EXPECT_NE(without.err.find("a question and a picture are needed"), std::string::npos) << without.err;
  const Finished unserved = run({"document-question-answering", question, "-m", folder});
  EXPECT_EQ(unserved.status, 1);
  EXPECT_NE(unserved.err.find("words with their places"), std::string::npos) << unserved.err;
}

TEST(RunCommand, LinesOfStandardInputAreTextsOfTheirOwn) {
  const std::vector<std::string> each = {"text-generation",  "-", "-m", kGoldens + "text-generation", "--greedy",
                                         "--max-new-tokens", "4"};
  const Finished finished = run(each, "Anna\nThe river\n");
  ASSERT_EQ(finished.status, 0) << finished.err;
  const size_t second = finished.out.find("\nThe river");
  EXPECT_TRUE(finished.out.starts_with("Anna")) << finished.out;
  ASSERT_NE(second, std::string::npos) << finished.out;

  // Streamed one by one or computed together, the texts are the same.
  std::vector<std::string> together = each;
  together.insert(together.end(), {"--batch-size", "2"});
  EXPECT_EQ(run(together, "Anna\nThe river\n").out, finished.out);
}

TEST(RunCommand, QuestionsTakeAContext) {
  const std::string context = "Anna Maria lives in Berlin.";
  const Finished finished = run({"question-answering", "Who lives in Berlin?", "--context", context, "-m",
                                 kGoldens + "question-answering", "--json"});
  ASSERT_EQ(finished.status, 0) << finished.err;
  const Json answer = parse_json(finished.out, "output").at("outputs")[0];
  const auto start = answer.at("start").get<size_t>(), end = answer.at("end").get<size_t>();
  EXPECT_EQ(answer.at("answer"), context.substr(start, end - start));
}

TEST(RunCommand, DrawsWhatItFinds) {
  const std::string pictures = IMAGO_SOURCE_DIR "/src/imago/processors/image/testdata/";
  const std::string out = testing::TempDir() + "drawn.png";
  for (const std::string task : {"object-detection", "image-segmentation", "mask-generation", "depth-estimation"}) {
    std::remove(out.c_str());
    const Finished finished = run({task, pictures + "rgb.jpg", "-m", kGoldens + task, "--draw", out});
    ASSERT_EQ(finished.status, 0) << task << finished.err;
    EXPECT_GE(load_image(out).height, 200) << task;
  }
  const std::string series = IMAGO_SOURCE_DIR "/tests/golden/series/";
  std::remove(out.c_str());
  const Finished forecast = run({"time-series-forecasting", series + "table.csv", "-m",
                                 series + "time_series_transformer", "--num-samples", "4", "--holdout", "--draw", out});
  ASSERT_EQ(forecast.status, 0) << forecast.err;
  EXPECT_EQ(load_image(out).width, 720);
  const Finished text = run({"fill-mask", "a [MASK]", "-m", kGoldens + "fill-mask", "--draw", out});
  EXPECT_NE(text.status, 0);
  EXPECT_NE(text.err.find("are not drawn"), std::string::npos) << text.err;
  const Finished nowhere = run(
      {"depth-estimation", pictures + "rgb.jpg", "-m", kGoldens + "depth-estimation", "--draw", "/no/folder/a.png"});
  EXPECT_NE(nowhere.status, 0);
}

TEST(RunCommand, FailuresSayWhatIsWrong) {
  const Finished no_model = run({"fill-mask", "a [MASK]"});
  EXPECT_EQ(no_model.status, 1);
  EXPECT_NE(no_model.err.find("-m"), std::string::npos) << no_model.err;
  const Finished no_text = run({"text-generation", "-m", kGoldens + "text-generation"});
  EXPECT_EQ(no_text.status, 1);
  EXPECT_NE(no_text.err.find("no text"), std::string::npos) << no_text.err;
  const Finished no_utf8 = run({"text-generation", "caf\xE9", "-m", kGoldens + "text-generation"});
  EXPECT_EQ(no_utf8.status, 1);
  EXPECT_NE(no_utf8.err.find("UTF-8"), std::string::npos) << no_utf8.err;
  EXPECT_EQ(no_utf8.out, "");
  const Finished no_input = run({"text-generation", "-", "-m", kGoldens + "text-generation"});
  EXPECT_EQ(no_input.status, 1);
  EXPECT_EQ(run({"text-generation", "a", "--no-such-flag"}).status, 2);
  const Finished both = run({"text-generation", "a", "-m", kGoldens + "text-generation", "--greedy", "--do-sample"});
  EXPECT_EQ(both.status, 1);
}

TEST(RunCommand, TheStoryModelNeedsNoName) {
  const Finished finished = run({"text-generation", "Once upon a time", "--greedy", "--max-new-tokens", "5"});
  ASSERT_EQ(finished.status, 0) << finished.err;
  EXPECT_TRUE(finished.out.starts_with("Once upon a time"));
  EXPECT_GT(finished.out.size(), std::string("Once upon a time\n").size());
}

}  // namespace
}  // namespace imago
