// A tokenizer as the metadata of a GGUF file ("tokenizer.ggml.*"), which knows three kinds: byte-level BPE with a split
// by name, SentencePiece-like BPE with scores, and WordPiece for lower-cased text.
#pragma once

#include <cstdint>

#include "imago/base/gguf_entries.h"
#include "imago/tokenizers/pretrained_tokenizer.h"

namespace imago::tokenizers {

// For a model with `rows` embeddings, which may be more than there are tokens. Throws Error kUnsupported, naming the
// part, for a tokenizer of another kind or that no entry describes, and kInvalidArgument for more tokens than rows.
// What the format cannot say and all readers of it do alike is left to them: white space that special tokens take,
// and whether the space before a text is put before each part between special tokens, too.
void add_tokenizer(const PretrainedTokenizer& tokenizer, int64_t rows, GgufEntries& entries);

}  // namespace imago::tokenizers
