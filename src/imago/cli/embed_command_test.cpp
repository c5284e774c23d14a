#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <vector>

#include "imago/base/json.h"
#include "imago/cli/command.h"

namespace imago {
namespace {

const std::string kGoldens = IMAGO_SOURCE_DIR "/tests/golden/sentences/";

struct Finished {
  int status;
  std::string out, err;
  std::vector<std::string> lines() const {
    std::vector<std::string> all;
    for (size_t begin = 0; begin < out.size(); begin = out.find('\n', begin) + 1)
      all.push_back(out.substr(begin, out.find('\n', begin) - begin));
    return all;
  }
};

// The program with `input` as its standard input, which these commands read as a file.
Finished run(std::vector<std::string> arguments, const std::string& input) {
  arguments.insert(arguments.begin(), "imago");
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  std::FILE* const file = std::tmpfile();
  std::fwrite(input.data(), 1, input.size(), file);
  std::rewind(file);
  const int before = ::dup(STDIN_FILENO);
  ::dup2(::fileno(file), STDIN_FILENO);
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  Finished finished{run_program(static_cast<int>(argv.size()), argv.data()), {}, {}};
  std::fflush(stdout);
  finished.out = testing::internal::GetCapturedStdout();
  finished.err = testing::internal::GetCapturedStderr();
  ::dup2(before, STDIN_FILENO);
  ::close(before);
  std::fclose(file);
  return finished;
}

TEST(EmbedCommand, AnswersEachLineInOrder) {
  std::string input;
  for (int i = 0; i < 40; ++i) input += i % 2 == 0 ? "a king\n" : "the cold river by the old mill in Berlin\n";
  const Finished finished = run({"embed", "-m", kGoldens + "legacy", "--batch-size", "3", "--json"}, input);
  ASSERT_EQ(finished.status, 0) << finished.err;
  const auto lines = finished.lines();
  ASSERT_EQ(lines.size(), 40U);
  for (size_t i = 0; i < lines.size(); ++i) {
    const Json line = parse_json(lines[i], "output");
    EXPECT_EQ(line.at("text").get<std::string>().starts_with("a king"), i % 2 == 0);
    EXPECT_EQ(line.at("embedding").size(), 30U);  // truncate_dim of the folder
  }
}

TEST(EmbedCommand, SaysHowAlikeLinesAre) {
  const Finished finished = run({"embed", "-m", kGoldens + "legacy", "--similarity", "a king"}, "a king\ncold bread");
  ASSERT_EQ(finished.status, 0) << finished.err;
  ASSERT_EQ(finished.lines().size(), 2U);
  EXPECT_NEAR(parse_json(finished.lines()[0], "output").get<double>(), 1, 1e-5);
  EXPECT_LT(parse_json(finished.lines()[1], "output").get<double>(), 1);
}

TEST(EmbedCommand, TakesOnePrompt) {
  const Finished finished = run({"embed", "-m", kGoldens + "legacy", "--query", "--prompt", "x"}, "a\n");
  EXPECT_EQ(finished.status, 1);
  EXPECT_NE(finished.err.find("several prompts"), std::string::npos);
}

TEST(RerankCommand, RanksLinesForAQuery) {
  const std::string input = "Berlin is large.\nHe ate.\nThe river was cold.\n";
  const Finished finished =
      run({"rerank", "-m", kGoldens + "reranker", "--query", "Who lives in Berlin?", "--top-k", "2", "--json"}, input);
  ASSERT_EQ(finished.status, 0) << finished.err;
  const auto lines = finished.lines();
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_GE(parse_json(lines[0], "output").at("score").get<double>(),
            parse_json(lines[1], "output").at("score").get<double>());
}

TEST(RerankCommand, NamesTheLineThatIsNoPair) {
  const Finished finished = run({"rerank", "-m", kGoldens + "reranker", "--batch-size", "1"}, "a\tb\nno pair\n");
  EXPECT_EQ(finished.status, 1);
  EXPECT_NE(finished.err.find("line 2"), std::string::npos) << finished.err;
}

}  // namespace
}  // namespace imago
