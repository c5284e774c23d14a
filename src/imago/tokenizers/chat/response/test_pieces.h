// For tests: a response in pieces must come to the same as the whole.
#pragma once

#include <gtest/gtest.h>

#include <string_view>
#include <vector>

#include "imago/tokenizers/chat/response/response.h"

namespace imago::chat {

inline Response in_pieces(const ResponseFormat& format, const std::vector<std::string_view>& pieces, const Json* tools,
                          bool reasoning) {
  ResponseParser parser(format, tools, reasoning);
  Response response;
  for (std::string_view piece : pieces) response.append(parser.feed(piece));
  response.append(parser.finish());
  return response;
}

inline Response byte_by_byte(const ResponseFormat& format, std::string_view text, const Json* tools, bool reasoning) {
  std::vector<std::string_view> bytes;
  for (size_t i = 0; i < text.size(); ++i) bytes.push_back(text.substr(i, 1));
  return in_pieces(format, bytes, tools, reasoning);
}

// Byte by byte, and in two pieces for every place to cut, all of which must come to the same as the whole.
inline void expect_same_however_cut(const ResponseFormat& format, std::string_view text, const Json* tools,
                                    bool reasoning) {
  const Response whole = parse_response(format, text, tools, reasoning);
  EXPECT_EQ(byte_by_byte(format, text, tools, reasoning), whole) << text;
  for (size_t cut = 1; cut < text.size(); ++cut) {
    EXPECT_EQ(in_pieces(format, {text.substr(0, cut), text.substr(cut)}, tools, reasoning), whole)
        << text << " cut at " << cut;
  }
}

}  // namespace imago::chat
