#include "imago/generation/text_streamer.h"

#include <algorithm>

#include "imago/base/error.h"

namespace imago {

TextStreamer::TextStreamer(Tokenizer tokenizer, DecodeOptions options, Sink sink)
    : tokenizer_(std::move(tokenizer)), options_(options), stream_(tokenizer_, options), sink_(std::move(sink)) {}

void TextStreamer::put(int64_t token) {
  ids_.push_back(static_cast<int32_t>(token));
  const std::string piece = stream_.step(ids_.back());
  if (piece.empty()) return;
  written_ += piece.size();
  sink_(piece);
}

void TextStreamer::end() {
  const std::string text = tokenizer_.decode(ids_, options_);
  if (text.size() > written_) sink_(std::string_view(text).substr(written_));
  written_ = text.size();
}

StopStrings::StopStrings(Tokenizer tokenizer, std::vector<std::string> strings)
    : tokenizer_(std::move(tokenizer)), strings_(std::move(strings)) {
  // A token gives at least one byte, but that decoders may take the space in front of the first one.
  constexpr size_t kMargin = 2;
  for (const std::string& text : strings_) {
    if (text.empty()) throw Error(ErrorKind::kInvalidArgument, "generation", "a stop string is empty", "leave it out");
    tail_ = std::max(tail_, text.size() + kMargin);
  }
}

// Only the end is decoded: a stop string further in front has ended the sequence before.
bool StopStrings::operator()(std::span<const int64_t> generated) const {
  if (strings_.empty()) return false;
  const auto tail = generated.last(std::min(tail_, generated.size()));
  const std::string text = tokenizer_.decode(std::vector<int32_t>(tail.begin(), tail.end()));
  return std::any_of(strings_.begin(), strings_.end(),
                     [&](const std::string& stop) { return text.find(stop) != std::string::npos; });
}

}  // namespace imago
