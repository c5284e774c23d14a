// Against the reference's processors: goldens of tools/golden/multimodal_pipelines.py.
#include "imago/processors/multimodal/processor.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "imago/base/error.h"
#include "imago/base/file.h"
#include "imago/base/json.h"
#include "imago/io/safetensors.h"
#include "imago/processors/image/decode.h"

namespace imago {
namespace {

namespace fs = std::filesystem;

const std::string kGoldens = IMAGO_SOURCE_DIR "/tests/golden/pipelines/";
const std::string kPictures = IMAGO_SOURCE_DIR "/src/imago/processors/image/testdata/";

std::vector<std::string> golden_folders() {
  std::vector<std::string> folders;
  for (const auto& entry : fs::directory_iterator(kGoldens)) {
    if (fs::exists(entry.path() / "processor.json")) folders.push_back(entry.path().string());
  }
  std::sort(folders.begin(), folders.end());
  return folders;
}

std::vector<ProcessorText> texts_of(const std::string& folder) {
  std::vector<ProcessorText> texts;
  for (const Json& row : read_json(folder + "/processor.json")) {
    texts.push_back({row.at("text").as_string(), {}});
    for (const Json& file : row.at("pictures"))
      texts.back().pictures.push_back(load_image(kPictures + file.as_string()));
    for (const Json& video : row.value("videos", Json::array())) {
      texts.back().videos.emplace_back();
      for (const Json& file : video) texts.back().videos.back().push_back(load_image(kPictures + file.as_string()));
    }
  }
  return texts;
}

TEST(Processor, IsTheReferences) {
  ASSERT_GE(golden_folders().size(), 4U);
  for (const std::string& folder : golden_folders()) {
    SCOPED_TRACE(folder);
    const TensorMap inputs = (*Processor::from_folder(folder))(texts_of(folder));
    const SafetensorsFile expected = SafetensorsFile::open(folder + "/processor.safetensors");
    std::vector<std::string> names;
    for (const auto& [name, tensor] : inputs) names.push_back(name);
    std::vector<std::string> wanted_names = expected.names();
    std::sort(wanted_names.begin(), wanted_names.end());
    EXPECT_EQ(names, wanted_names);
    for (const std::string& name : wanted_names) {
      SCOPED_TRACE(name);
      if (!inputs.contains(name)) continue;
      const Tensor wanted = expected.tensor(name), &ours = inputs.at(name);
      EXPECT_TRUE(ours.shape() == wanted.shape()) << ours.describe() << " for " << wanted.describe();
      EXPECT_EQ(ours.to_vector<double>(), wanted.to_vector<double>());
    }
  }
}

std::unique_ptr<Processor> llava() { return Processor::from_folder(kGoldens + "image-text-to-text-llava"); }

TEST(Processor, WantsAnImageTokenForEachPicture) {
  const Image picture = load_image(kPictures + "rgb.jpg");
  EXPECT_THROW((*llava())({"no token", {picture}}), Error);
  EXPECT_THROW((*llava())({"<image>", {}}), Error);
  EXPECT_THROW((*llava())({"<image><image>", {picture}}), Error);
  EXPECT_NO_THROW((*llava())({"no picture", {}}));
}

TEST(Processor, RefusesVideosWhereTheClassTakesNone) {
  ProcessorText text{"no picture", {}};
  text.videos = {{load_image(kPictures + "rgb.jpg")}};
  try {
    (*llava())(text);
    FAIL() << "it was taken";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUnsupported);
  }
}

TEST(Processor, TakesNoTokenOfSomebodyElseForAPicture) {
  const Image picture = load_image(kPictures + "rgb.jpg");
  const std::string text = "<image> and <image>";
  const ProcessorText said{text, {picture}, {.ranges = {{text.size() - 7, text.size()}}}};
  const auto processor = llava();
  const std::vector<int64_t> ids = (*processor)(said).at("input_ids").to_vector<int64_t>();
  const int64_t token = *processor->tokenizer().tokenizer().token_to_id("<image>");
  EXPECT_EQ(std::count(ids.begin(), ids.end(), token), 4);
}

TEST(Processor, RefusesWhatItDoesNotKnow) {
  const fs::path folder = fs::path(testing::TempDir()) / "unknown_processor_key";
  fs::remove_all(folder);
  fs::copy(kGoldens + "image-text-to-text-llava", folder);
  const Image picture = load_image(kPictures + "rgb.jpg");
  const Json whole = read_json(kGoldens + "image-text-to-text-llava/processor_config.json");
  const auto kind_of = [&](const Json& json) {
    write_file_atomically((folder / "processor_config.json").string(), dump_json(json));
    try {
      (*Processor::from_folder(folder.string()))({"<image>", {picture}});
    } catch (const Error& error) {
      return error.kind();
    }
    ADD_FAILURE() << "nothing was thrown";
    return ErrorKind::kInternal;
  };
  const auto kind_with = [&](const char* key, const Json& value) {
    Json json = whole;
    json[key] = value;
    return kind_of(json);
  };
  EXPECT_EQ(kind_with("image_newline", "yes"), ErrorKind::kUnsupported);
  EXPECT_EQ(kind_with("processor_class", "FuyuProcessor"), ErrorKind::kUnsupported);
  EXPECT_EQ(kind_with("patch_size", Json()), ErrorKind::kInvalidFile);
  EXPECT_EQ(kind_with("image_token", "<picture>"), ErrorKind::kInvalidFile);
  EXPECT_EQ(kind_with("num_additional_image_tokens", -1), ErrorKind::kInvalidFile);
  EXPECT_EQ(kind_with("num_additional_image_tokens", 1 << 18), ErrorKind::kLimitExceeded);
  // Classes that go with another image processor.
  Json other = {{"image_processor", whole.at("image_processor")}, {"image_token", "<image>"}};
  for (const char* name : {"Idefics3Processor", "Qwen2VLProcessor"}) {
    other["processor_class"] = name;
    EXPECT_EQ(kind_of(other), ErrorKind::kInvalidFile) << name;
  }
  fs::remove_all(folder);
}

}  // namespace
}  // namespace imago
