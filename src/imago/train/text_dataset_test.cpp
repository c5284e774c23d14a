#include "imago/train/text_dataset.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>

#include "imago/base/error.h"
#include "imago/base/file.h"
#include "imago/tokenizers/pretrained_tokenizer.h"

namespace imago {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string written(const std::string& name, const std::string& text) {
  const std::string path = std::filesystem::temp_directory_path() / (std::to_string(::getpid()) + name);
  write_file_atomically(path, text);
  return path;
}

TEST(TextDataset, ReadsLinesAndMembers) {
  const std::string lines = written("lines.txt", "one\n\ntwo");
  EXPECT_THAT(read_texts(lines), ElementsAre("one\n", "\n", "two"));
  const std::string objects = written("objects.jsonl", "{\"text\": \"a\\nb\"}\n\n{\"other\": 1, \"text\": \"c\"}\n");
  EXPECT_THAT(read_texts(objects), ElementsAre("a\nb", "c"));
  try {
    read_texts(objects, "other");
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("objects.jsonl:1"));
  }
  std::filesystem::remove(lines);
  std::filesystem::remove(objects);
}

TEST(TextDataset, CutsBlocksOfAllTokens) {
  const Tokenizer tokenizer = PretrainedTokenizer::from_folder(IMAGO_SOURCE_DIR "/assets/story").tokenizer();
  const std::vector<std::string> texts = {"Once upon a time there was a king.\n", "He had a house.\n"};
  std::vector<int64_t> all;
  for (const std::string& text : texts) {
    for (int32_t id : tokenizer.encode_ids(text)) all.push_back(id);
  }
  const MemoryDataset blocks = text_blocks(texts, tokenizer, 4);
  ASSERT_EQ(blocks.size(), static_cast<int64_t>(all.size()) / 4);
  ASSERT_GT(blocks.size(), 1);
  for (int64_t i = 0; i < blocks.size(); ++i) {
    const std::vector<int64_t> expected(all.begin() + 4 * i, all.begin() + 4 * (i + 1));
    EXPECT_EQ(blocks.example(i).at("input_ids").to_vector<int64_t>(), expected);
    EXPECT_EQ(blocks.example(i).at("labels").to_vector<int64_t>(), expected);
  }
  EXPECT_THROW(text_blocks({"a"}, tokenizer, 512), Error);
}

}  // namespace
}  // namespace imago
