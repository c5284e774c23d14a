// The five kinds of stages that a tokenizer is made of, in the order in which a text passes them. Each stage lies in a
// file of its own, in the folder of its kind.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "imago/tokenizers/encoding.h"

namespace imago::tokenizers {

class NormalizedString;
class PreTokenizedString;
class Vocabulary;
class JsonWriter;

// Every stage can be written back as the object that tokenizer.json has for it. (Not as a Json value: vocabularies are
// too large for that.)
class Stage {
 public:
  virtual ~Stage() = default;
  virtual void write_json(JsonWriter& writer) const = 0;
};

// Changes the text as a whole.
class Normalizer : public Stage {
 public:
  virtual void normalize(NormalizedString& string) const = 0;
};

// Cuts the text into pieces.
class PreTokenizer : public Stage {
 public:
  virtual void pre_tokenize(PreTokenizedString& string) const = 0;
  // Whether it looks at where pieces begin in the original text although something has rewritten the text before, so
  // that alignments must be kept for it. Sets `rewritten` when it rewrites the text itself.
  virtual bool needs_alignments(bool& /*rewritten*/) const { return false; }
  // Asks for pieces of raw bytes where the last step would spell them for a byte-level vocabulary. False when there is
  // no such step.
  virtual bool leave_bytes_raw() { return false; }
};

// A token that a model found: bytes [begin, end) of the piece.
struct ModelToken {
  int32_t id;
  uint32_t begin, end;
};

// What a model keeps between pieces: caches and buffers, so that the model itself stays const. One thread uses it.
class ModelScratch {
 public:
  virtual ~ModelScratch() = default;
};

// Turns a piece into tokens.
class Model : public Stage {
 public:
  virtual std::unique_ptr<ModelScratch> make_scratch() const = 0;
  virtual void tokenize(std::string_view piece, ModelScratch& scratch, std::vector<ModelToken>& tokens) const = 0;
  // The same, ids only.
  virtual void tokenize_ids(std::string_view piece, ModelScratch& scratch, std::vector<int32_t>& ids) const = 0;
  // The same of many pieces, so that a model can look ahead.
  virtual void tokenize_all(std::span<const std::string_view> pieces, ModelScratch& scratch,
                            std::vector<int32_t>& ids) const;

  virtual const Vocabulary& vocabulary() const = 0;
  // What an id decodes to; nothing where there is no such token.
  virtual std::optional<std::string_view> spelling(int32_t id) const;
  // Whether decoding leaves out special tokens by their ids alone, and not by what they spell.
  virtual bool special_by_id() const { return false; }
  // How many tokens the reference counts: where the vocabulary is a list, with what stands in it twice.
  virtual size_t vocab_size() const;
  // Whether the token is reported as the text it stands for, and not as the vocabulary spells it.
  virtual bool reports_text(int32_t /*id*/) const { return false; }
};

// Adds special tokens and settles type ids.
class PostProcessor : public Stage {
 public:
  virtual size_t added_tokens(bool pair) const = 0;
  // Whether what it adds depends on the tokens of the sequences.
  virtual bool looks_at_tokens() const { return false; }
  // `encodings` holds one encoding or a pair; afterwards the parts that are to be joined.
  virtual void process(std::vector<Encoding>& encodings, bool add_special_tokens) const = 0;
};

// Turns tokens back into text: what is left of the list is joined.
class Decoder : public Stage {
 public:
  virtual void decode(std::vector<std::string>& tokens) const = 0;
};

}  // namespace imago::tokenizers
