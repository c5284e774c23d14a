// Tokenizes as the program of the reference scripts does: one JSON object per line in, one per line out.
//   encode_jsonl TOKENIZER_JSON < requests > answers
// A request: {"text": ..., "pair": ..., "words": [...], "add_special_tokens": true, "ids_only": false, "decode": [ids],
// "skip_special_tokens": false}. The answer holds ids, and unless ids_only everything of the encoding; or "error".
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/tokenizers/tokenizer.h"

namespace {

using imago::Encoding;
using imago::Json;

template <class T>
Json optional_list(const std::vector<std::optional<T>>& list) {
  Json json = Json::array();
  for (const std::optional<T>& value : list) json.push_back(value ? Json(*value) : Json());
  return json;
}

Json to_json(const Encoding& encoding) {
  Json json;
  json["ids"] = encoding.ids;
  json["type_ids"] = encoding.type_ids;
  json["tokens"] = encoding.tokens;
  json["offsets"] = Json::array();
  for (const imago::Offsets& offsets : encoding.offsets) json["offsets"].push_back({offsets.begin, offsets.end});
  json["word_ids"] = optional_list(encoding.word_ids);
  json["sequence_ids"] = optional_list(encoding.sequence_ids());
  json["special_tokens_mask"] = encoding.special_tokens_mask;
  json["attention_mask"] = encoding.attention_mask;
  json["overflowing"] = Json::array();
  for (const Encoding& window : encoding.overflowing) json["overflowing"].push_back(to_json(window));
  return json;
}

Json answer(const imago::Tokenizer& tokenizer, const Json& request) {
  imago::EncodeOptions options;
  options.add_special_tokens = request.value("add_special_tokens", true);
  const imago::DecodeOptions decoding{.skip_special_tokens = request.value("skip_special_tokens", false)};
  std::string pair;
  if (request.contains("pair") && !request["pair"].is_null()) {
    pair = request["pair"].get<std::string>();
    options.pair = pair;
  }
  if (request.contains("decode")) {
    return {{"text", tokenizer.decode(request["decode"].get<std::vector<int32_t>>(), decoding)}};
  }
  Json result;
  if (request.contains("words")) {
    result = to_json(tokenizer.encode_words(request["words"].get<std::vector<std::string>>(), options));
  } else if (request.value("ids_only", false)) {
    result["ids"] = tokenizer.encode_ids(request["text"].get<std::string>(), options);
  } else {
    result = to_json(tokenizer.encode(request["text"].get<std::string>(), options));
    // The short path must say the same.
    if (result["ids"] != Json(tokenizer.encode_ids(request["text"].get<std::string>(), options))) {
      result["error"] = "encode_ids differs from encode";
    }
  }
  result["text"] = tokenizer.decode(result["ids"].get<std::vector<int32_t>>(), decoding);
  return result;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 2 && !(argc == 3 && std::string(argv[2]) == "--save")) {
    std::cerr << "usage: encode_jsonl TOKENIZER_JSON [--save]\n";
    return 2;
  }
  const auto tokenizer = imago::Tokenizer::from_file(argv[1]);
  if (argc == 3) {
    std::cout << tokenizer.to_json();
    return 0;
  }
  for (std::string line; std::getline(std::cin, line);) {
    Json result;
    try {
      result = answer(tokenizer, imago::parse_json(line, "request"));
    } catch (const imago::Error& error) {
      result = {{"error", error.what()}};
    }
    std::cout << imago::dump_json(result) << "\n";
  }
  return 0;
} catch (const std::exception& error) {
  std::cerr << error.what() << "\n";
  return 1;
}
