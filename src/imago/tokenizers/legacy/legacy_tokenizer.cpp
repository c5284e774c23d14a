#include "imago/tokenizers/legacy/legacy_tokenizer.h"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>

#include "imago/base/error.h"
#include "imago/base/file.h"
#include "imago/base/json.h"
#include "imago/tokenizers/legacy/gguf_vocabulary.h"
#include "imago/tokenizers/legacy/sentencepiece_model.h"
#include "imago/tokenizers/legacy/tiktoken_file.h"
#include "imago/tokenizers/legacy/vocabulary_builders.h"

namespace imago::tokenizers {
namespace {

namespace fs = std::filesystem;

constexpr const char* kPieceFiles[] = {"tokenizer.model", "spiece.model", "sentencepiece.bpe.model", "spm.model",
                                       "sentencepiece.model"};

// The only file of a folder with that ending; empty where there is none. Throws when there are several.
std::string only_file(const std::string& folder, std::string_view ending) {
  std::string found;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string path = entry.path().string();
    if (!path.ends_with(ending)) continue;
    if (!found.empty()) {
      throw Error(ErrorKind::kInvalidArgument, "tokenizer", fmt::format("{} has several files *{}", folder, ending),
                  "name the one that is meant");
    }
    found = path;
  }
  return found;
}

std::string name_of(const std::string& path) { return fs::path(path).filename().string(); }

// The encoding by which the file of a Whisper model is to be read: config.json tells which model it is.
std::string encoding_name(const std::string& path) {
  const std::string stem = fs::path(path).stem().string();
  const std::string config_path = fs::path(path).parent_path() / "config.json";
  if ((stem != "multilingual" && stem != "gpt2") || !fs::exists(config_path)) return stem;
  const Json config = read_json(config_path);
  if (!config.is_object() || config.value("model_type", Json()) != "whisper") return stem;
  if (stem == "gpt2") return "whisper_english";
  return config.value("vocab_size", Json()) == 51866 ? "whisper_large_v3" : stem;
}

LegacyTokenizer read_tiktoken(const std::string& path, std::string_view text, const FolderSettings& settings) {
  const std::string name = name_of(path);
  const TiktokenEncoding* encoding = nullptr;
  if (name.ends_with(".tiktoken")) {
    const std::string stem = encoding_name(path);
    encoding = find_tiktoken_encoding(stem);
    if (encoding == nullptr) {
      throw Error(ErrorKind::kUnsupported, name, fmt::format("the encoding '{}' is not known", stem),
                  "the file does not say how text is split: rename it to its encoding, as cl100k_base.tiktoken");
    }
  }
  return build_tiktoken(text, name, encoding, settings);
}

LegacyTokenizer read_pieces(const std::string& path, const FolderSettings& settings) {
  const MappedFile file = MappedFile::open(path);
  if (looks_like_tiktoken(file.text())) return read_tiktoken(path, file.text(), settings);
  const SentencePieceModel model = parse_sentencepiece_model(file.text(), name_of(path));
  using Kind = TokenizerClass::Vocabulary;
  if (settings.tokenizer_class != nullptr && settings.tokenizer_class->vocabulary != Kind::kPieceBpe &&
      settings.tokenizer_class->vocabulary != Kind::kUnigram) {
    throw Error(ErrorKind::kUnsupported, name_of(path),
                fmt::format("a SentencePiece model for a {}", settings.tokenizer_class->name));
  }
  return build_sentencepiece(model, settings);
}

[[noreturn]] void fail_not_found(const std::string& folder) {
  throw Error(ErrorKind::kNotFound, "tokenizer",
              fmt::format("{} has no tokenizer.json, and none of vocab.txt, vocab.json with merges.txt, a "
                          "SentencePiece *.model, *.tiktoken or *.gguf that its tokenizer class reads",
                          folder),
              "save the tokenizer beside the model");
}

}  // namespace

LegacyTokenizer read_legacy_folder(const std::string& folder, const Json& config, const TokenizerClass* tokenizer_class,
                                   const SpecialTokenValues& values) {
  const FolderSettings settings{config, tokenizer_class, values};
  if (tokenizer_class != nullptr && tokenizer_class->read != nullptr) return tokenizer_class->read(folder, settings);
  const auto has = [&](const char* name) { return fs::exists(folder + "/" + name); };
  using Kind = TokenizerClass::Vocabulary;
  if (tokenizer_class != nullptr && tokenizer_class->vocabulary == Kind::kWordPiece && has("vocab.txt")) {
    return build_word_piece(read_file(folder + "/vocab.txt"), settings);
  }
  if (tokenizer_class != nullptr && tokenizer_class->vocabulary == Kind::kMerges && has("vocab.json") &&
      has("merges.txt")) {
    return build_byte_level(read_file(folder + "/vocab.json"), read_file(folder + "/merges.txt"), settings);
  }
  if (tokenizer_class != nullptr && tokenizer_class->vocabulary == Kind::kBytes) return build_bytes(settings);
  for (const char* name : kPieceFiles) {
    if (has(name)) return read_pieces(folder + "/" + name, settings);
  }
  if (!fs::is_directory(folder)) fail_not_found(folder);
  if (const std::string path = only_file(folder, ".tiktoken"); !path.empty()) {
    return read_tiktoken(path, MappedFile::open(path).text(), settings);
  }
  if (const std::string path = only_file(folder, ".gguf"); !path.empty()) return read_legacy_file(path);
  fail_not_found(folder);
}

LegacyTokenizer read_legacy_file(const std::string& path) {
  const MappedFile file = MappedFile::open(path);
  const std::string name = name_of(path);
  if (file.text().starts_with("GGUF")) return build_gguf(parse_gguf_vocabulary(file.text(), name));
  const Json config = Json::object();
  if (name.ends_with(".txt")) {
    const TokenizerClass* bert = find_tokenizer_class("BertTokenizer");
    return build_word_piece(file.text(), {config, bert, read_special_token_values(config, bert)});
  }
  if (looks_like_tiktoken(file.text())) return read_tiktoken(path, file.text(), {config, nullptr, {}});
  return build_sentencepiece(parse_sentencepiece_model(file.text(), name));
}

}  // namespace imago::tokenizers
