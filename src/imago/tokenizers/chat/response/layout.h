// The ways in which a response is laid out.
#pragma once

#include "imago/tokenizers/chat/response/response.h"

namespace imago::chat {

class ResponseParser::Layout {
 public:
  virtual ~Layout() = default;
  virtual void feed(std::string_view text, Response& out) = 0;
  virtual void finish(Response& out) = 0;
};

std::unique_ptr<ResponseParser::Layout> make_marker_layout(const ResponseFormat& format, const Json* tools,
                                                           bool in_reasoning);
std::unique_ptr<ResponseParser::Layout> make_harmony_layout(const ResponseFormat& format);
std::unique_ptr<ResponseParser::Layout> make_functionary_layout(const ResponseFormat& format);

// Looks for markers in text that comes in pieces.
class MarkerScanner {
 public:
  struct Match {
    size_t begin = 0;  // where it is, or where what may become one begins
    int marker = -1;   // which, or -1: none before `begin`
  };

  explicit MarkerScanner(std::vector<std::string> markers);

  // The first marker at or behind `from`; of several at one place the longest. Unless `final`, a place where more text
  // could make a (longer) marker ends the search.
  Match find(std::string_view text, size_t from, bool final) const;

  // The longest marker at the front of `text`, kNone, or kPartial where more text could make a (longer) one.
  static constexpr int kNone = -1, kPartial = -2;
  int match(std::string_view text, bool final) const;

 private:
  std::vector<std::string> markers_;
  bool begins_[256] = {};
};

// Follows a JSON text and knows whether it is within a string, where markers mean nothing.
class JsonTracker {
 public:
  void feed(char c);
  bool in_string() const { return in_string_; }
  bool complete() const { return started_ && depth_ == 0; }  // an object or array has ended
  bool started() const { return started_; }

 private:
  bool in_string_ = false, escaped_ = false, started_ = false;
  int depth_ = 0;
};

std::string_view trim(std::string_view text);

}  // namespace imago::chat
