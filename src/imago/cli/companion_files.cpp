#include "imago/cli/companion_files.h"

#include <filesystem>

namespace imago::cli {

std::vector<std::string> companion_files(const std::string& folder) {
  std::vector<std::string> files;
  for (const char* name :
       {"tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.json",
        "vocab.txt", "merges.txt", "tokenizer.model", "spiece.model", "sentencepiece.bpe.model", "chat_template.jinja",
        "generation_config.json", "preprocessor_config.json"}) {
    if (const std::string path = folder + "/" + name; std::filesystem::is_regular_file(path)) files.push_back(path);
  }
  return files;
}

}  // namespace imago::cli
