// Reads tokenizers of any format for the comparing scripts.
//   legacy_jsonl PATH --json       writes the tokenizer.json it makes of a folder or file
//   legacy_jsonl PATH < requests   a line {"text": ..., "add_special_tokens": true} gives {"ids": [...], "text":
//   decoded}
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/tokenizers/pretrained_tokenizer.h"

int main(int argc, char** argv) try {
  if (argc < 2 || argc > 3 || (argc == 3 && std::string(argv[2]) != "--json")) {
    std::cerr << "usage: legacy_jsonl PATH [--json]\n";
    return 2;
  }
  const std::string path = argv[1];
  const auto pretrained = std::filesystem::is_directory(path) ? imago::PretrainedTokenizer::from_folder(path)
                                                              : imago::PretrainedTokenizer::from_file(path);
  const imago::Tokenizer& tokenizer = pretrained.tokenizer();
  if (argc == 3) {
    std::cout << tokenizer.to_json(false);
    return 0;
  }
  for (std::string line; std::getline(std::cin, line);) {
    const imago::Json request = imago::parse_json(line, "request");
    imago::EncodeOptions options;
    options.add_special_tokens = request.value("add_special_tokens", true);
    const imago::Encoding encoding = tokenizer.encode(request["text"].get<std::string>(), options);
    const imago::Json answer = {{"ids", encoding.ids}, {"text", tokenizer.decode(encoding.ids)}};
    std::cout << imago::dump_json(answer) << "\n";
  }
  return 0;
} catch (const std::exception& error) {
  std::cerr << error.what() << "\n";
  return 1;
}
