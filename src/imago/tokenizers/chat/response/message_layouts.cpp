// Responses that are made of messages with headers: gpt-oss (harmony) and functionary v3.2.
#include <algorithm>

#include "imago/tokenizers/chat/response/call_syntax.h"
#include "imago/tokenizers/chat/response/layout.h"

namespace imago::chat {
namespace {

// <|channel|>analysis<|message|>...<|end|><|start|>assistant<|channel|>commentary
// to=functions.add<|message|>{...}<|call|>
class HarmonyLayout final : public ResponseParser::Layout {
 public:
  void feed(std::string_view text, Response& out) override {
    buffer_ += text;
    advance(out, false);
  }
  void finish(Response& out) override {
    advance(out, true);
    if (in_body_) end_body(out);
  }

 private:
  enum Marker { kMessage, kEnd, kCall, kReturn, kStart, kChannel, kConstrain };

  void advance(Response& out, bool final) {
    size_t at = 0;
    while (true) {
      MarkerScanner::Match match = scanner_.find(buffer_, at, final);
      take_text(std::string_view(buffer_).substr(at, match.begin - at), out);
      at = match.begin;
      if (match.marker < 0) break;
      take_marker(static_cast<Marker>(match.marker), out);
      at += kMarkers[static_cast<size_t>(match.marker)].size();
    }
    buffer_.erase(0, at);
  }

  void take_text(std::string_view text, Response& out) {
    if (!in_body_) {
      header_ += text;
    } else if (!recipient_.empty()) {
      arguments_ += text;
    } else {
      (channel_ == "analysis" ? out.reasoning_content : out.content).append(text);
    }
  }

  void take_marker(Marker marker, Response& out) {
    if (marker == kMessage) {
      begin_body();
    } else if (marker == kChannel || marker == kConstrain) {
      if (in_body_) end_body(out);
      header_ += marker == kChannel ? " <|channel|>" : " ";
    } else if (in_body_) {
      end_body(out);
    } else {
      header_.clear();
    }
  }

  void begin_body() {
    auto word_behind = [&](std::string_view key) {
      size_t place = header_.find(key);
      if (place == std::string::npos) return std::string();
      std::string_view rest = std::string_view(header_).substr(place + key.size());
      return std::string(rest.substr(0, rest.find_first_of(" \n\t<")));
    };
    channel_ = word_behind("<|channel|>");
    recipient_ = word_behind("to=");
    header_.clear();
    in_body_ = true;
  }

  void end_body(Response& out) {
    if (!recipient_.empty()) {
      std::string_view name = recipient_;
      if (name.starts_with("functions.")) name.remove_prefix(10);
      if (auto call = make_call(name, arguments_)) {
        out.tool_calls.push_back(std::move(*call));
      } else {
        out.content += arguments_;
      }
    }
    arguments_.clear();
    recipient_.clear();
    in_body_ = false;
  }

  static constexpr std::string_view kMarkers[] = {"<|message|>", "<|end|>",     "<|call|>",     "<|return|>",
                                                  "<|start|>",   "<|channel|>", "<|constrain|>"};

  MarkerScanner scanner_{{std::begin(kMarkers), std::end(kMarkers)}};
  std::string buffer_, header_, channel_, recipient_, arguments_;
  bool in_body_ = false;
};

// all\ntext>>>add\n{"a": 1}: the prompt has ended with ">>>".
class FunctionaryLayout final : public ResponseParser::Layout {
 public:
  explicit FunctionaryLayout(const ResponseFormat& format) : scanner_(markers(format)) {}

  void feed(std::string_view text, Response& out) override {
    buffer_ += text;
    advance(out, false);
  }
  void finish(Response& out) override {
    advance(out, true);
    end_part(out);
  }

 private:
  static std::vector<std::string> markers(const ResponseFormat& format) {
    std::vector<std::string> markers{">>>"};
    markers.insert(markers.end(), format.ends.begin(), format.ends.end());
    return markers;
  }

  void advance(Response& out, bool final) {
    size_t at = 0;
    while (at < buffer_.size()) {
      if (ended_) {
        at = buffer_.size();
      } else if (!in_body_) {
        size_t line = buffer_.find('\n', at);
        if (line == std::string::npos) break;
        name_ = buffer_.substr(at, line - at);
        at = line + 1;
        in_body_ = true;
        json_ = {};
      } else if (!take_body(at, out, final)) {
        break;
      }
    }
    buffer_.erase(0, at);
  }

  // Up to the next part. Markers within the strings of arguments are arguments.
  bool take_body(size_t& at, Response& out, bool final) {
    while (name_ != "all" && at < buffer_.size() && json_.in_string()) take_argument(at);
    MarkerScanner::Match match = scanner_.find(buffer_, at, final);
    if (name_ == "all") {
      out.content.append(buffer_, at, match.begin - at);
      at = match.begin;
    } else {
      while (at < match.begin) {
        take_argument(at);
        if (json_.in_string()) return true;
      }
    }
    if (match.marker < 0) return false;
    end_part(out);
    ended_ = match.marker > 0;
    at += ended_ ? 0 : 3;
    return true;
  }

  void take_argument(size_t& at) {
    json_.feed(buffer_[at]);
    arguments_ += buffer_[at++];
  }

  void end_part(Response& out) {
    if (in_body_ && name_ != "all") {
      if (auto call = make_call(name_, arguments_)) {
        out.tool_calls.push_back(std::move(*call));
      } else {
        out.content += arguments_;
      }
    } else if (!in_body_) {
      out.content += std::exchange(buffer_, {});  // a reply without the layout
    }
    arguments_.clear();
    in_body_ = false;
  }

  MarkerScanner scanner_;
  std::string buffer_, name_, arguments_;
  JsonTracker json_;
  bool in_body_ = false, ended_ = false;
};

}  // namespace

std::unique_ptr<ResponseParser::Layout> make_harmony_layout(const ResponseFormat&) {
  return std::make_unique<HarmonyLayout>();
}

std::unique_ptr<ResponseParser::Layout> make_functionary_layout(const ResponseFormat& format) {
  return std::make_unique<FunctionaryLayout>(format);
}

}  // namespace imago::chat
