// Classes that cut text at white space and then words by merges, or look words up whole.
#include <fmt/core.h>

#include <algorithm>

#include "imago/base/error.h"
#include "imago/base/file.h"
#include "imago/base/unicode.h"
#include "imago/tokenizers/added_vocabulary.h"
#include "imago/tokenizers/decoders/decoders.h"
#include "imago/tokenizers/legacy/named_pieces.h"
#include "imago/tokenizers/legacy/python_classes.h"
#include "imago/tokenizers/legacy/vocabulary_files.h"
#include "imago/tokenizers/models/bpe.h"

namespace imago::tokenizers {
namespace {

constexpr std::string_view kWordEnd = "</w>", kContinues = "@@";
const std::string kUnknownSymbol(1, '\0');

using Merges = std::vector<std::pair<std::string_view, std::string_view>>;

// Two tokens a line, behind the first `skipped` lines; what stands behind them is a count. As in the reference, what
// follows the last end of a line does not count.
Merges read_merges(std::string_view text, size_t skipped, const char* where) {
  const size_t end = text.rfind('\n');
  const std::vector<std::string_view> lines = lines_of(text.substr(0, end == std::string_view::npos ? 0 : end), where);
  Merges merges;
  for (size_t i = skipped; i < lines.size(); ++i) {
    const std::vector<std::string_view> words = split_words(lines[i]);
    if (words.size() < 2) {
      throw Error(ErrorKind::kInvalidFile, where, fmt::format("line {} has no two tokens", i + 1));
    }
    merges.emplace_back(words[0], words[1]);
  }
  return merges;
}

// Merges the characters of a word, the last of which ends in "</w>". The names are those of fastBPE: what is not the
// end of a word ends in "@@".
class WordMerger {
 public:
  explicit WordMerger(const Merges& merges) {
    Vocabulary symbols;
    const auto add = [&](std::string_view symbol) {
      if (symbols.find(symbol) == Vocabulary::kNone) symbols.add(symbol, static_cast<int32_t>(symbols.size()));
    };
    add(kUnknownSymbol);
    for (const auto& [left, right] : merges) {
      add(left);
      add(right);
      add(std::string(left) + std::string(right));
    }
    BpeOptions options;
    options.unk_token = kUnknownSymbol;
    options.end_of_word_suffix = kWordEnd;
    const std::vector<MergeRule> rules = Bpe::resolve_merges(symbols, merges, 0);
    bpe_ = std::make_unique<Bpe>(std::move(options), std::move(symbols), rules);
  }

  std::unique_ptr<ModelScratch> make_scratch() const { return bpe_->make_scratch(); }

  template <class Emit>
  void merge(std::string_view word, ModelScratch& scratch, Emit emit) const {
    std::vector<ModelToken> tokens;
    bpe_->tokenize(word, scratch, tokens);
    std::string name;
    for (const ModelToken& token : tokens) {
      name = word.substr(token.begin, token.end - token.begin);
      if (token.end != word.size()) name += kContinues;
      emit(name, token.begin, token.end);
    }
  }

 private:
  std::unique_ptr<Bpe> bpe_;
};

using IsSpace = bool (*)(char32_t);

// Calls visit(word, begin) for what is no white space, with the newline that follows.
template <class Visit>
void for_each_word(std::string_view text, IsSpace is_space, Visit visit) {
  for (size_t at = 0; at < text.size();) {
    size_t end = at;
    while (end < text.size()) {
      const DecodedCharacter character = decode_utf8(text.substr(end));
      if (is_space(character.code_point)) break;
      end += static_cast<size_t>(character.size);
    }
    if (end == at) {
      at += static_cast<size_t>(decode_utf8(text.substr(at)).size);
      continue;
    }
    if (end < text.size() && text[end] == '\n') ++end;
    visit(text.substr(at, end - at), static_cast<uint32_t>(at));
    at = end;
  }
}

class WordsCutter final : public PieceCutter {
 public:
  WordsCutter(const Merges& merges, IsSpace is_space) : merger_(merges), is_space_(is_space) {}
  std::unique_ptr<ModelScratch> make_scratch() const override { return merger_.make_scratch(); }
  void cut(std::string_view text, ModelScratch& scratch, Emit emit) const override {
    for_each_word(text, is_space_, [&](std::string_view word, uint32_t at) {
      merger_.merge(word, scratch,
                    [&](std::string_view name, uint32_t begin, uint32_t end) { emit(name, at + begin, at + end); });
    });
  }

 private:
  WordMerger merger_;
  IsSpace is_space_;
};

// Punctuation becomes words of its own, newlines a word with a name, and all is in lower case.
class BlenderbotSmallCutter final : public PieceCutter {
 public:
  explicit BlenderbotSmallCutter(const Merges& merges) : merger_(merges) {}
  std::unique_ptr<ModelScratch> make_scratch() const override { return merger_.make_scratch(); }
  void cut(std::string_view text, ModelScratch& scratch, Emit emit) const override {
    for_each_word(text, is_white_space, [&](std::string_view word, uint32_t at) {
      const std::string spaced = spaced_out(word);
      const auto end = static_cast<uint32_t>(at + word.size());
      for (std::string_view rest = spaced; !rest.empty();) {
        const std::string_view part = rest.substr(0, rest.find(' '));
        rest.remove_prefix(std::min(rest.size(), part.size() + 1));
        if (part.empty()) continue;
        merger_.merge(lowercase_in_context(part), scratch, [&](std::string_view name, uint32_t, uint32_t) {
          // A newline cannot be part of a name, nor of what a name is looked up by.
          emit(lowercase_in_context(name), at, end);
        });
      }
    });
  }

 private:
  static std::string spaced_out(std::string_view word) {
    std::string spaced;
    for (const char c : word) {
      if (std::string_view(".,!?()").find(c) != std::string_view::npos) spaced += ' ';
      spaced += c == '\'' ? std::string(" ' ") : std::string(1, c);
    }
    std::string single;  // two or more of white space are one space; a word has no other white space than these
    for (size_t i = 0; i < spaced.size();) {
      size_t end = i;
      while (end < spaced.size() && (spaced[end] == ' ' || spaced[end] == '\n')) ++end;
      if (end - i >= 2) {
        single += ' ';
        i = end;
      } else {
        single += spaced[i++];
      }
    }
    return replace_all(single, "\n", " __newln__");
  }

  WordMerger merger_;
};

// Every token of the vocabulary is found wherever it stands; between them words are looked up.
class EsmCutter final : public PieceCutter {
 public:
  explicit EsmCutter(const Vocabulary& vocabulary) {
    for (int32_t id = 0; id < vocabulary.id_limit(); ++id) {
      if (vocabulary.contains_id(id)) matcher_.add(vocabulary.token(id), id);
    }
  }
  void cut(std::string_view text, ModelScratch&, Emit emit) const override {
    const auto words = [&](size_t begin, size_t end) {
      for (const std::string_view word : split_words(text.substr(begin, end - begin))) {
        const auto at = static_cast<uint32_t>(word.data() - text.data());
        emit(word, at, static_cast<uint32_t>(at + word.size()));
      }
    };
    size_t done = 0;
    while (const auto match = matcher_.find(text, done)) {
      words(done, match->begin);
      words(match->begin, match->end);
      done = match->end;
    }
    words(done, text.size());
  }

 private:
  StringMatcher matcher_;
};

std::string joined_by_spaces(std::span<const std::string> names) {
  std::string text;
  for (size_t i = 0; i < names.size(); ++i) text += (i > 0 ? " " : "") + names[i];
  return text;
}

std::string without_continuation(std::span<const std::string> names, PythonClass::IsSpecial) {
  return std::string(strip(replace_all(joined_by_spaces(names), "@@ ", "")));
}

// fairseq's dictionary: four tokens, then the words of a file with their counts.
Vocabulary read_dictionary(const std::string& path, const SpecialTokens& tokens) {
  Vocabulary vocabulary;
  for (const auto& token : {tokens.bos_token, tokens.pad_token, tokens.eos_token, tokens.unk_token}) {
    vocabulary.add(token.value_or("None"), static_cast<int32_t>(vocabulary.size()));
  }
  const std::string text = read_file(path);
  for (const std::string_view line : lines_of(text, "vocab.txt")) {
    const std::string_view stripped = strip(line);
    const size_t space = stripped.rfind(' ');
    if (space == std::string_view::npos) {
      throw Error(ErrorKind::kInvalidFile, "vocab.txt", "a line is no token with its count");
    }
    vocabulary.add(stripped.substr(0, space), static_cast<int32_t>(vocabulary.size()));
  }
  return vocabulary;
}

}  // namespace

LegacyTokenizer read_phobert(const std::string& folder, const FolderSettings& settings) {
  const SpecialTokens tokens = settings.values.special_tokens();
  const std::string merges = read_file(folder + "/bpe.codes");
  PythonClass parts;
  parts.vocabulary.tokens = read_dictionary(folder + "/vocab.txt", tokens);
  parts.vocabulary.unknown = tokens.unk_token;
  parts.cutter = std::make_unique<WordsCutter>(read_merges(merges, 0, "bpe.codes"), is_python_space);
  parts.to_text = without_continuation;
  parts.single = "cls $A sep";
  parts.pair = "cls $A sep sep $B sep";
  return build_python_class(std::move(parts), settings);
}

LegacyTokenizer read_bertweet(const std::string& folder, const FolderSettings& settings) {
  if (ClassOptions(settings.config).boolean("normalization", false)) {
    throw Error(ErrorKind::kUnsupported, "tokenizer_config.json",
                "normalization = true of a BertweetTokenizer, which rewrites names, links and emoji",
                "normalize the text before it comes here, and set it to false");
  }
  return read_phobert(folder, settings);
}

LegacyTokenizer read_ctrl(const std::string& folder, const FolderSettings& settings) {
  const std::string merges = read_file(folder + "/merges.txt");
  PythonClass parts;
  parts.vocabulary.tokens = read_vocab_json(folder, "vocab.json");
  parts.vocabulary.unknown = settings.values.special_tokens().unk_token;
  parts.cutter = std::make_unique<WordsCutter>(read_merges(merges, 1, "merges.txt"), is_white_space);
  parts.to_text = without_continuation;
  return build_python_class(std::move(parts), settings);
}

LegacyTokenizer read_blenderbot_small(const std::string& folder, const FolderSettings& settings) {
  const std::string merges = read_file(folder + "/merges.txt");
  PythonClass parts;
  parts.vocabulary.tokens = read_vocab_json(folder, "vocab.json");
  parts.vocabulary.unknown = settings.values.special_tokens().unk_token;
  parts.cutter = std::make_unique<BlenderbotSmallCutter>(read_merges(merges, 1, "merges.txt"));
  parts.to_text = without_continuation;
  return build_python_class(std::move(parts), settings);
}

LegacyTokenizer read_esm(const std::string& folder, const FolderSettings& settings) {
  const SpecialTokens tokens = settings.values.special_tokens();
  PythonClass parts;
  const std::string text = read_file(folder + "/vocab.txt");
  for (const std::string_view line : lines_of(text, "vocab.txt")) {
    parts.vocabulary.tokens.add(strip(line), static_cast<int32_t>(parts.vocabulary.tokens.size()));
  }
  parts.vocabulary.unknown = tokens.unk_token;
  parts.cutter = std::make_unique<EsmCutter>(parts.vocabulary.tokens);
  parts.to_text = [](std::span<const std::string> names, PythonClass::IsSpecial) { return joined_by_spaces(names); };
  parts.single = "cls $A eos";
  parts.pair = "cls $A eos $B eos";
  return build_python_class(std::move(parts), settings);
}

}  // namespace imago::tokenizers
