// Text to token ids and back, as the Hub's tokenizer.json describes it.
//
//   auto tokenizer = imago::Tokenizer::from_file("tokenizer.json");
//   imago::Encoding encoding = tokenizer.encode("Hello world");
//   std::string text = tokenizer.decode(encoding.ids, {.skip_special_tokens = true});
//
// A Tokenizer is a value and is cheap to copy: copies share what was loaded. Every const member may be called from
// several threads at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "imago/tokenizers/byte_range.h"
#include "imago/tokenizers/encoding.h"

namespace imago {

struct TokenizerParts;  // the stages, for code that builds tokenizers from other formats (tokenizer_parts.h)

// A token that is found in the text before anything else is done to it.
struct AddedToken {
  int32_t id = 0;
  std::string content;
  bool single_word = false;  // not inside a word
  bool lstrip = false;       // takes the white space to its left
  bool rstrip = false;       // takes the white space to its right
  bool normalized = true;    // is looked for in the normalized text
  bool special = false;      // a control token: decode can skip it
  bool operator==(const AddedToken&) const = default;
};

// The parts of a text that are somebody else's: what spells a control token in them stays text.
struct LiteralText {
  std::vector<ByteRange> ranges;        // in order and apart
  std::vector<int32_t> control_tokens;  // added tokens that count as such beside the special ones, in order
};

struct EncodeOptions {
  std::optional<std::string_view> pair;  // the second sequence
  bool add_special_tokens = true;        // what the post-processor adds (beginning of sequence, separators)
  // Whether text that spells a special token becomes that token. Text from users should not.
  bool parse_special_tokens = true;
  // Of encode() and encode_ids(): parts of the text (not of its pair) where no control token may begin, end or be.
  const LiteralText* literal = nullptr;
  std::optional<Truncation> truncation;  // in place of the tokenizer's own
  std::optional<Padding> padding;        // in place of the tokenizer's own
};

struct DecodeOptions {
  bool skip_special_tokens = false;
  bool clean_up_tokenization_spaces = false;  // no space before punctuation and English contractions
};

class Tokenizer {
 public:
  // Reads a tokenizer.json. Throws Error kNotFound, kIo, kInvalidFile, or kUnsupported naming the part that is unknown.
  static Tokenizer from_file(const std::string& path);
  static Tokenizer from_json(std::string_view json, std::string_view where = "tokenizer.json");
  explicit Tokenizer(std::shared_ptr<TokenizerParts> parts);

  // Throws Error kInvalidArgument for text that is not UTF-8, and what the stages raise.
  Encoding encode(std::string_view text, const EncodeOptions& options = {}) const;

  // Text that is already split into words: word_ids count them, and offsets are within each.
  Encoding encode_words(std::span<const std::string> words, const EncodeOptions& options = {}) const;

  // Many texts (or pairs), in parallel, padded to one length when padding is set.
  std::vector<Encoding> encode_batch(std::span<const std::string> texts, const EncodeOptions& options = {}) const;
  std::vector<Encoding> encode_batch(std::span<const std::pair<std::string, std::string>> pairs,
                                     const EncodeOptions& options = {}) const;

  // The ids of encode() without offsets, tokens and masks, which makes it several times faster. Neither truncates nor
  // pads unless the options or the tokenizer say so.
  std::vector<int32_t> encode_ids(std::string_view text, const EncodeOptions& options = {}) const;

  // Ids that are not in the vocabulary give nothing, as in the reference.
  std::string decode(std::span<const int32_t> ids, const DecodeOptions& options = {}) const;
  std::vector<std::string> decode_batch(std::span<const std::vector<int32_t>> batch,
                                        const DecodeOptions& options = {}) const;

  std::optional<int32_t> token_to_id(std::string_view token) const;
  std::optional<std::string> id_to_token(int32_t id) const;

  // How many tokens there are, and one more than the largest id (what an embedding table needs).
  size_t vocab_size(bool with_added_tokens = true) const;
  size_t id_limit() const;
  std::vector<std::pair<std::string, int32_t>> vocab(bool with_added_tokens = true) const;  // by id

  std::vector<AddedToken> added_tokens() const;  // by id
  bool is_special(int32_t id) const;
  // Adds tokens and returns how many were new. The ids given are not looked at: a token that the vocabulary has keeps
  // its id, others get the next ones.
  size_t add_tokens(std::span<const AddedToken> tokens);

  // How many tokens the post-processor adds to one sequence, or to a pair.
  size_t num_special_tokens_to_add(bool pair = false) const;

  const std::optional<Truncation>& truncation() const;
  const std::optional<Padding>& padding() const;
  void set_truncation(std::optional<Truncation> truncation);
  void set_padding(std::optional<Padding> padding);

  // Chance of BPE merges to be left out while encoding (subword regularisation); 0 turns it off. Throws Error
  // kUnsupported when the model is not BPE.
  void set_dropout(float probability);

  // The tokenizer.json as the reference writes it, byte for byte.
  std::string to_json(bool pretty = true) const;
  void save(const std::string& path, bool pretty = true) const;

  const TokenizerParts& parts() const { return *parts_; }

 private:
  TokenizerParts& mutable_parts();
  std::shared_ptr<TokenizerParts> parts_;
};

// Decodes ids as they come. A piece of text is given out once it is complete: it never ends within a character, and
// the pieces together are decode() of all ids.
class DecodeStream {
 public:
  explicit DecodeStream(Tokenizer tokenizer, DecodeOptions options = {});

  // The text that this id completes; empty while there is none.
  std::string step(int32_t id);

 private:
  Tokenizer tokenizer_;
  DecodeOptions options_;
  std::vector<int32_t> ids_;
  std::string prefix_;
  size_t prefix_index_ = 0;
};

// What transformers calls clean_up_tokenization.
std::string clean_up_tokenization(std::string_view text);

}  // namespace imago
