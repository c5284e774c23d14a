#include "imago/cli/tokenizer_argument.h"

#include <filesystem>

#include "imago/io/hub_cache.h"

namespace imago::cli {

PretrainedTokenizer load_tokenizer(const std::string& model_or_file) {
  // A .gguf file that is not there is a file that is not there, and no id of the Hub.
  if (model_or_file.ends_with(".gguf") || std::filesystem::is_regular_file(model_or_file)) {
    return PretrainedTokenizer::from_file(model_or_file);
  }
  return PretrainedTokenizer::from_folder(find_model_folder(model_or_file));
}

}  // namespace imago::cli
