#include <optional>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/base/unicode.h"
#include "imago/cli/command.h"
#include "imago/cli/options.h"
#include "imago/tokenizers/normalized_string.h"
#include "imago/tokenizers/tokenizer.h"
#include "imago/tokenizers/trainers/unigram_trainer.h"
#include "imago/tokenizers/trainers/word_level_trainer.h"
#include "imago/tokenizers/trainers/word_piece_trainer.h"

namespace imago {
namespace {

using tokenizers::Trainer;

// The untrained tokenizers, as one would build them for each kind of model.
constexpr std::string_view kByteLevel = R"({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true,
  "use_regex": true})";
constexpr std::string_view kMetaspace = R"({"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always",
  "split": true})";

Json untrained(const std::string& type, bool byte_level) {
  Json json = parse_json(R"({"version": "1.0", "truncation": null, "padding": null, "added_tokens": [],
    "normalizer": null, "pre_tokenizer": {"type": "Whitespace"}, "post_processor": null, "decoder": null})",
                         "tokenizer");
  const auto set = [&](const char* part, std::string_view text) { json[part] = parse_json(text, part); };
  if (byte_level) {
    for (const char* part : {"pre_tokenizer", "post_processor", "decoder"}) set(part, kByteLevel);
  }
  if (type == "bpe") {
    set("model", R"({"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
      "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false, "ignore_merges": false, "vocab": {},
      "merges": []})");
  } else if (type == "wordpiece") {
    set("normalizer", R"({"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
      "strip_accents": null, "lowercase": true})");
    set("pre_tokenizer", R"({"type": "BertPreTokenizer"})");
    set("decoder", R"({"type": "WordPiece", "prefix": "##", "cleanup": true})");
    set("model", R"({"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
      "max_input_chars_per_word": 100, "vocab": {}})");
  } else if (type == "unigram") {
    for (const char* part : {"pre_tokenizer", "decoder"}) set(part, kMetaspace);
    set("model", R"({"type": "Unigram", "unk_id": null, "vocab": [], "byte_fallback": false})");
  } else {
    set("model", R"({"type": "WordLevel", "vocab": {}, "unk_token": "[UNK]"})");
  }
  return json;
}

class TokenizerTrainCommand final : public cli::Command {
 public:
  std::string name() const override { return "tokenizer train"; }
  std::string description() const override { return "learn a tokenizer from text files and save it as tokenizer.json"; }
  std::string example() const override {
    return "imago tokenizer train --type bpe --byte-level --vocab-size 8000 tokenizer.json text.txt";
  }

  void add_options(cli::Options& options) override {
    options.option("output", output_, "the tokenizer.json to write").required();
    options.option("files", files_, "text files").required();
    options.option("--type", type_, "what to learn").required().one_of({"bpe", "wordpiece", "unigram", "wordlevel"});
    options.option("--vocab-size", vocab_size_, "tokens to have in the end (default: the reference's)");
    options.option("--special-tokens", special_tokens_, "control tokens, which get the first ids").one_value_each();
    options.flag("--byte-level", byte_level_, "spell text as bytes, so that nothing is unknown");
    options.option("--like", like_, "a tokenizer.json that says how to normalize and split text, and the rest");
    options.option("--min-frequency", min_frequency_, "of a pair to merge, or a word to keep");
    options.option("--limit-alphabet", limit_alphabet_, "bpe, wordpiece: characters to keep");
    options.option("--initial-alphabet", initial_alphabet_, "characters to have in any case, as one text");
    options.option("--continuing-subword-prefix", continuing_subword_prefix_, "bpe, wordpiece");
    options.option("--end-of-word-suffix", end_of_word_suffix_, "bpe, wordpiece");
    options.option("--max-token-length", max_token_length_, "bpe: characters of a token");
    options.option("--unk-token", unk_token_, "unigram: what stands for unknown characters");
    options.option("--shrinking-factor", shrinking_factor_, "unigram: what each pruning leaves");
    options.option("--n-sub-iterations", n_sub_iterations_, "unigram: rounds between prunings");
    options.option("--max-piece-length", max_piece_length_, "unigram: characters of a piece");
    options.option("--seed-size", seed_size_, "unigram: pieces to begin with");
  }

  int run() override {
    const Json start = like_.empty() ? untrained(type_, byte_level_) : read_json(like_, int64_t{1} << 30);
    const Tokenizer tokenizer = Tokenizer::from_json(dump_json(start), like_.empty() ? "tokenizer" : like_);
    tokenizers::train_from_files(tokenizer, *make_trainer(), files_).save(output_);
    return 0;
  }

 private:
  std::vector<AddedToken> special_tokens() const {
    std::vector<AddedToken> tokens;
    for (const std::string& token : special_tokens_) tokens.push_back(tokenizers::special_token(token));
    return tokens;
  }

  std::vector<char32_t> initial_alphabet() const {
    std::vector<char32_t> alphabet;
    for (int byte = 0; byte_level_ && byte < 256; ++byte) {
      alphabet.push_back(tokenizers::byte_to_character(static_cast<unsigned char>(byte)));
    }
    for (std::string_view text = initial_alphabet_; !text.empty();) {
      const DecodedCharacter character = decode_utf8(text);
      alphabet.push_back(character.code_point);
      text.remove_prefix(static_cast<size_t>(character.size));
    }
    return alphabet;
  }

  template <class Type, class Option>
  static void set(Type& target, const Option& option) {
    if (option) target = *option;
  }

  std::unique_ptr<Trainer> make_trainer() const {
    if (type_ == "wordlevel") {
      tokenizers::WordLevelTrainerOptions options;
      set(options.vocab_size, vocab_size_);
      set(options.min_frequency, min_frequency_);
      options.special_tokens = special_tokens();
      return std::make_unique<tokenizers::WordLevelTrainer>(std::move(options));
    }
    if (type_ == "unigram") {
      tokenizers::UnigramTrainerOptions options;
      set(options.vocab_size, vocab_size_);
      set(options.unk_token, unk_token_);
      set(options.shrinking_factor, shrinking_factor_);
      set(options.n_sub_iterations, n_sub_iterations_);
      set(options.max_piece_length, max_piece_length_);
      set(options.seed_size, seed_size_);
      options.special_tokens = special_tokens();
      options.initial_alphabet = initial_alphabet();
      return std::make_unique<tokenizers::UnigramTrainer>(std::move(options));
    }
    tokenizers::BpeTrainerOptions options;
    set(options.vocab_size, vocab_size_);
    set(options.min_frequency, min_frequency_);
    set(options.limit_alphabet, limit_alphabet_);
    set(options.continuing_subword_prefix, continuing_subword_prefix_);
    set(options.end_of_word_suffix, end_of_word_suffix_);
    set(options.max_token_length, max_token_length_);
    options.special_tokens = special_tokens();
    options.initial_alphabet = initial_alphabet();
    if (type_ == "wordpiece") return std::make_unique<tokenizers::WordPieceTrainer>(std::move(options));
    return std::make_unique<tokenizers::BpeTrainer>(std::move(options));
  }

  std::string output_, type_, like_, initial_alphabet_;
  std::vector<std::string> files_, special_tokens_;
  bool byte_level_ = false;
  std::optional<size_t> vocab_size_, limit_alphabet_, max_token_length_, n_sub_iterations_, max_piece_length_,
      seed_size_;
  std::optional<uint64_t> min_frequency_;
  std::optional<std::string> continuing_subword_prefix_, end_of_word_suffix_, unk_token_;
  std::optional<double> shrinking_factor_;
};

}  // namespace

void register_tokenizer_train_command(CommandTable& table) { table.add(std::make_unique<TokenizerTrainCommand>()); }

}  // namespace imago
