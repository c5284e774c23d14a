// What the reference's tokenizer classes in Python have in common: text between added tokens is cut into the names of
// tokens, each name is looked up, and text is made of names again. They have no tokenizer.json.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "imago/base/thread_pool.h"  // FunctionRef
#include "imago/tokenizers/legacy/python_text.h"
#include "imago/tokenizers/legacy/vocabulary_builders.h"
#include "imago/tokenizers/stages.h"
#include "imago/tokenizers/vocabulary.h"

namespace imago::tokenizers {

// Cuts text into names. A name need not be the text it stands for.
class PieceCutter {
 public:
  virtual ~PieceCutter() = default;
  // Buffers that it keeps between texts, for one thread.
  virtual std::unique_ptr<ModelScratch> make_scratch() const;
  // Calls emit(name, begin, end) for each piece in order; [begin, end) is where it stands in the text.
  using Emit = FunctionRef<void(std::string_view name, uint32_t begin, uint32_t end)>;
  virtual void cut(std::string_view text, ModelScratch& scratch, Emit emit) const = 0;
};

struct NamedVocabulary {
  Vocabulary tokens;                        // without the added ones
  std::optional<Vocabulary> output = {};    // what ids decode to, where that is another
  std::vector<std::string> uncounted = {};  // tokens that are known and do not count as part of the vocabulary...
  std::optional<size_t> size = {};          // how many the tokens count as, where not each is one
  int32_t first_uncounted = 0;              // ...with ids from here
  std::optional<std::string> unknown = {};  // the token that other names are
  bool decodes_unknown_ids = true;          // ids that stand for nothing decode to the unknown token
};

// A tokenizer class as its parts; those that may be null or empty are none.
struct PythonClass {
  NamedVocabulary vocabulary;
  std::unique_ptr<PieceCutter> cutter;
  std::unique_ptr<Normalizer> normalizer = {};
  // Makes text of the names of tokens. `special` tells those that the class calls special.
  using IsSpecial = FunctionRef<bool(const std::string& name)>;
  std::function<std::string(std::span<const std::string> names, IsSpecial special)> to_text;
  std::string single = "$A", pair = "$A $B";                                                // see template_processor()
  std::unique_ptr<PostProcessor> (*post_processor)(const ProcessorInput& input) = nullptr;  // in place of these
  std::string language = {};
  std::optional<int32_t> language_id = {};  // where it is not the one that the vocabulary has
  // Changes the flags of tokens that are to be added.
  std::function<void(std::vector<AddedToken>&)> change_added = {};
};

LegacyTokenizer build_python_class(PythonClass parts, const FolderSettings& settings);

// Normalizers one after the other.
std::unique_ptr<Normalizer> in_order(std::vector<std::unique_ptr<Normalizer>> steps);

// Of stages that no tokenizer.json can hold: throws Error kUnsupported.
[[noreturn]] void fail_without_tokenizer_json();

// A normalizer that exists here only, and which no tokenizer.json can hold.
class OwnNormalizer : public Normalizer {
 public:
  void write_json(JsonWriter& writer) const override;
};

}  // namespace imago::tokenizers
