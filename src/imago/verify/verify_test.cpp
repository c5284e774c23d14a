#include "imago/verify/verify.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "imago/base/error.h"

namespace imago {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> committed_goldens() {
  std::vector<std::string> folders;
  for (const auto& entry : fs::recursive_directory_iterator(IMAGO_SOURCE_DIR "/src/imago/models")) {
    if (entry.path().filename() == "golden.json") folders.push_back(entry.path().parent_path().string());
  }
  return folders;
}

std::string failures(const VerifyReport& report) {
  std::string text;
  for (const TensorCheck& check : report.checks) {
    if (!check.passed) text += check.name + " " + std::to_string(check.ours) + " " + check.note + "\n";
  }
  return text;
}

class Golden : public testing::TestWithParam<std::string> {};

TEST_P(Golden, IsWhatTheReferenceComputes) {
  const VerifyReport report = verify(GetParam());
  EXPECT_EQ(failures(report), "");
  EXPECT_GT(report.passed(), 0);
  EXPECT_EQ(report.first_divergence, "");
}

INSTANTIATE_TEST_SUITE_P(Committed, Golden, testing::ValuesIn(committed_goldens()), [](const auto& golden) {
  const fs::path path = golden.param;
  return path.parent_path().parent_path().filename().string() + "_" + path.filename().string();
});

// What verify must notice: the same weights with one of them changed.
TEST(Verify, NamesTheFirstModuleThatDiverges) {
  const fs::path source = IMAGO_SOURCE_DIR "/src/imago/models/llama/golden/causal_lm";
  const fs::path folder = fs::path(testing::TempDir()) / "diverging";
  fs::remove_all(folder);
  fs::copy(source, folder);
  std::string config;
  {
    std::ifstream in(folder / "config.json");
    config.assign(std::istreambuf_iterator<char>(in), {});
  }
  const std::string key = "\"rms_norm_eps\": 1e-06";
  const size_t at = config.find(key);
  ASSERT_NE(at, std::string::npos);
  config.replace(at, key.size(), "\"rms_norm_eps\": 1e-01");
  std::ofstream(folder / "config.json") << config;
  const VerifyReport report = verify(folder.string());
  EXPECT_GT(report.failed(), 0);
  EXPECT_EQ(report.first_divergence, "model.layers.0");
  fs::remove_all(folder);
}

TEST(Verify, RefusesAFolderThatIsNoGolden) { EXPECT_THROW(verify(IMAGO_SOURCE_DIR "/assets/story"), Error); }

}  // namespace
}  // namespace imago
