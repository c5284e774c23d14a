// Stages of classes that call SentencePiece.
#pragma once

#include <memory>
#include <string>

#include "imago/tokenizers/legacy/named_pieces.h"
#include "imago/tokenizers/legacy/sentencepiece_processor.h"

namespace imago::tokenizers {

using SharedProcessor = std::shared_ptr<const SentencePieceProcessor>;

// Throws what reading and parsing throw.
SharedProcessor read_sentencepiece_file(const std::string& path);

// Normalizes as the model says. `prefix` is put before every piece of text, and the pieces that it alone is cut into
// are dropped (see `dropped` of the cutter). `keeps_code` leaves a ">>language<<" at the front of a text alone.
std::unique_ptr<Normalizer> sentencepiece_normalizer(SharedProcessor processor, std::string prefix = {},
                                                     bool keeps_code = false);
std::unique_ptr<PieceCutter> sentencepiece_cutter(SharedProcessor processor, size_t dropped = 0,
                                                  bool keeps_code = false);

// How special tokens stand between what SentencePiece makes of the pieces around them.
struct SpecialJoin {
  const char *before, *behind;  // put where one stands
  bool once = false;            // `before` only where no other special token stood before
  bool strips = true;
  bool upper_case = false;  // of what is not special
};
std::function<std::string(std::span<const std::string>, PythonClass::IsSpecial)> sentencepiece_text(
    SharedProcessor processor, SpecialJoin join);

}  // namespace imago::tokenizers
