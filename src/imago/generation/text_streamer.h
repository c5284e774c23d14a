// Generated tokens as text while they come, and texts that end a sequence.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "imago/tokenizers/tokenizer.h"

namespace imago {

// Gives out text as soon as it is certain: never a part of a character, and the pieces together are the decoded
// sequence.
class TextStreamer {
 public:
  using Sink = std::function<void(std::string_view piece)>;

  TextStreamer(Tokenizer tokenizer, DecodeOptions options, Sink sink);

  void put(int64_t token);
  // Gives out what was held back. A sequence that was cut within a character ends in U+FFFD, as its decoded text does.
  void end();

 private:
  Tokenizer tokenizer_;
  DecodeOptions options_;
  DecodeStream stream_;
  Sink sink_;
  std::vector<int32_t> ids_;
  size_t written_ = 0;  // bytes
};

// Whether a sequence has reached a text at which it is to end: a condition for GenerationHooks::stops. The stop string
// stays part of the sequence, as in the reference.
class StopStrings {
 public:
  // Throws Error kInvalidArgument for an empty stop string.
  StopStrings(Tokenizer tokenizer, std::vector<std::string> strings);

  bool operator()(std::span<const int64_t> generated) const;

 private:
  Tokenizer tokenizer_;
  std::vector<std::string> strings_;
  size_t tail_ = 0;  // tokens at the end that can hold a stop string
};

}  // namespace imago
