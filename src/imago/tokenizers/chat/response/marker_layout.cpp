// Text with sections between markers.
#include <algorithm>

#include "imago/tokenizers/chat/response/call_syntax.h"
#include "imago/tokenizers/chat/response/layout.h"

namespace imago::chat {
namespace {

constexpr std::string_view kSpace = " \t\n\r\f\v";

enum class MarkerKind { kCallOpen, kReasoningOpen, kReasoningClose, kDropped, kEnd };

struct Marker {
  MarkerKind kind;
  size_t index = 0;  // of the section or the reasoning
};

bool is_json_like(CallSyntax syntax) {
  return syntax == CallSyntax::kJson || syntax == CallSyntax::kTagged || syntax == CallSyntax::kFunctionTag ||
         syntax == CallSyntax::kMistral || syntax == CallSyntax::kKimi || syntax == CallSyntax::kDeepSeek;
}

class MarkerLayout final : public ResponseParser::Layout {
 public:
  MarkerLayout(const ResponseFormat& format, const Json* tools, bool in_reasoning)
      : format_(format),
        tools_(tools),
        state_(in_reasoning ? State::kReasoning : State::kContent),
        scanner_(list_markers(format, markers_)) {
    at_start_ = !in_reasoning && format.bare_json_calls;
    after_marker_ = in_reasoning;
  }

  void feed(std::string_view text, Response& out) override {
    buffer_ += text;
    advance(out, false);
    buffer_.erase(0, at_);
    scanned_ -= std::min(scanned_, at_);
    at_ = 0;
  }

  void finish(Response& out) override { advance(out, true); }

 private:
  enum class State { kContent, kReasoning, kCalls, kBareJson, kEnded };

  static std::vector<std::string> list_markers(const ResponseFormat& format, std::vector<Marker>& kinds) {
    std::vector<std::string> texts;
    auto add = [&](const std::string& text, MarkerKind kind, size_t index) {
      texts.push_back(text);
      kinds.push_back({kind, index});
    };
    for (size_t i = 0; i < format.calls.size(); ++i) add(format.calls[i].open, MarkerKind::kCallOpen, i);
    for (size_t i = 0; i < format.reasoning.size(); ++i) {
      add(format.reasoning[i].first, MarkerKind::kReasoningOpen, i);
      add(format.reasoning[i].second, MarkerKind::kReasoningClose, i);
    }
    for (const std::string& text : format.dropped) add(text, MarkerKind::kDropped, 0);
    for (const std::string& text : format.ends) add(text, MarkerKind::kEnd, 0);
    return texts;
  }

  // Works on the buffer until it needs more text.
  void advance(Response& out, bool final) {
    bool progress = true;
    while (progress) {
      switch (state_) {
        case State::kContent:
        case State::kReasoning: progress = advance_text(out, final); break;
        case State::kCalls: progress = advance_calls(out, final); break;
        case State::kBareJson: progress = advance_bare_json(out, final); break;
        case State::kEnded:
          at_ = buffer_.size();
          progress = false;
          break;
      }
    }
  }

  std::string& sink(Response& out) const { return state_ == State::kReasoning ? out.reasoning_content : out.content; }

  // Emits buffer_[at_, end), but for the white space beside a marker. What may yet prove to be that stays.
  void emit(Response& out, size_t end, bool marker_follows, bool final) {
    std::string_view text = std::string_view(buffer_).substr(at_, end - at_);
    if (after_marker_) {
      size_t begin = std::min(text.find_first_not_of(kSpace), text.size());
      text.remove_prefix(begin);
      at_ += begin;
      if (!text.empty()) after_marker_ = false;
    }
    size_t kept = text.size();
    if (marker_follows || !final) kept = text.find_last_not_of(kSpace) + 1;  // npos + 1 == 0
    sink(out).append(text.substr(0, kept));
    space_before_ = text.substr(kept);
    if (kept > 0) at_start_ = false;
    at_ = marker_follows ? end : at_ + kept;
  }

  bool advance_text(Response& out, bool final) {
    if (at_start_ && state_ == State::kContent) {
      size_t first = buffer_.find_first_not_of(kSpace, at_);
      if (first == std::string::npos && !final) return false;
      if (first != std::string::npos && after_bare_call_ && buffer_[first] == ';') {  // between several calls
        at_ = first + 1;
        after_bare_call_ = false;
        return true;
      }
      if (first != std::string::npos && buffer_[first] == '{') {
        state_ = State::kBareJson;
        scanned_ = at_;
        json_ = {};
        return true;
      }
    }
    MarkerScanner::Match match = scanner_.find(buffer_, at_, final);
    if (match.marker < 0) {
      emit(out, match.begin, false, final && match.begin == buffer_.size());
      return false;
    }
    emit(out, match.begin, true, final);
    take_marker(static_cast<size_t>(match.marker));
    return true;
  }

  void take_marker(size_t marker) {
    at_ += marker_size(marker);
    after_marker_ = true;
    const Marker& taken = markers_[marker];
    switch (taken.kind) {
      case MarkerKind::kCallOpen:
        section_ = taken.index;
        resume_ = state_;
        state_ = State::kCalls;
        scanned_ = at_;
        json_ = {};
        at_start_ = false;
        break;
      case MarkerKind::kReasoningOpen: state_ = State::kReasoning; break;
      case MarkerKind::kReasoningClose: state_ = State::kContent; break;
      case MarkerKind::kDropped: break;
      case MarkerKind::kEnd: state_ = State::kEnded; break;
    }
  }

  size_t marker_size(size_t marker) const {
    const Marker& m = markers_[marker];
    switch (m.kind) {
      case MarkerKind::kCallOpen: return format_.calls[m.index].open.size();
      case MarkerKind::kReasoningOpen: return format_.reasoning[m.index].first.size();
      case MarkerKind::kReasoningClose: return format_.reasoning[m.index].second.size();
      case MarkerKind::kDropped: return format_.dropped[marker - first_of(MarkerKind::kDropped)].size();
      case MarkerKind::kEnd: break;
    }
    return format_.ends[marker - first_of(MarkerKind::kEnd)].size();
  }

  size_t first_of(MarkerKind kind) const {
    size_t i = 0;
    while (markers_[i].kind != kind) ++i;
    return i;
  }

  // Looks for the end of the section, skipping what stands in JSON strings.
  bool advance_calls(Response& out, bool final) {
    const CallSection& section = format_.calls[section_];
    bool json = is_json_like(section.syntax);
    if (section.syntax == CallSyntax::kTagged) {
      // Quotes in the raw values of tags need not come in pairs.
      size_t first = buffer_.find_first_not_of(kSpace, at_);
      json = first != std::string::npos && (buffer_[first] == '{' || buffer_[first] == '[');
    }
    for (; scanned_ < buffer_.size(); ++scanned_) {
      std::string_view rest = std::string_view(buffer_).substr(scanned_);
      if (!json || !json_.in_string()) {
        if (!section.close.empty()) {
          if (rest.starts_with(section.close)) return end_section(out, scanned_, section.close.size());
          if (std::string_view(section.close).starts_with(rest) && !final) return false;
        }
        // A section without an end of its own, or one whose end was forgotten, ends where another marker stands.
        int marker = scanner_.match(rest, final);
        if (marker == MarkerScanner::kPartial) return false;
        if (marker >= 0 && ends_section(static_cast<size_t>(marker))) return end_section(out, scanned_, 0);
      }
      if (json) json_.feed(buffer_[scanned_]);
    }
    if (final) return end_section(out, buffer_.size(), 0);
    return false;
  }

  bool ends_section(size_t marker) const {
    MarkerKind kind = markers_[marker].kind;
    return kind == MarkerKind::kEnd || (kind == MarkerKind::kCallOpen && format_.calls[section_].close.empty());
  }

  bool end_section(Response& out, size_t end, size_t close) {
    const CallSection& section = format_.calls[section_];
    std::string_view body = std::string_view(buffer_).substr(at_, end - at_);
    auto calls = parse_calls(section.syntax, body, tools_);
    state_ = resume_;
    if (calls) {
      for (ToolCall& call : *calls) out.tool_calls.push_back(std::move(call));
    } else {
      sink(out).append(space_before_).append(section.open).append(buffer_, at_, end + close - at_);
      after_marker_ = false;
    }
    at_ = end + close;
    return at_ < buffer_.size();
  }

  // A reply that begins with "{": a call if it is an object with a name and its parameters.
  bool advance_bare_json(Response& out, bool final) {
    while (scanned_ < buffer_.size() && !json_.complete()) json_.feed(buffer_[scanned_++]);
    if (!json_.complete() && !final) return false;
    std::string_view body = std::string_view(buffer_).substr(at_, scanned_ - at_);
    bool named =
        body.find("\"parameters\"") != std::string_view::npos || body.find("\"arguments\"") != std::string_view::npos;
    auto calls = named && json_.complete() ? parse_json_calls(body) : std::nullopt;
    state_ = State::kContent;
    if (calls) {
      for (ToolCall& call : *calls) out.tool_calls.push_back(std::move(call));
      at_ = scanned_;
      after_marker_ = true;
      after_bare_call_ = true;
      return true;
    }
    at_start_ = false;
    return true;
  }

  ResponseFormat format_;
  const Json* tools_;
  State state_, resume_ = State::kContent;
  std::vector<Marker> markers_;
  MarkerScanner scanner_;
  std::string buffer_, space_before_;
  size_t at_ = 0, scanned_ = 0, section_ = 0;
  JsonTracker json_;
  bool after_marker_ = false, at_start_ = false, after_bare_call_ = false;
};

}  // namespace

std::unique_ptr<ResponseParser::Layout> make_marker_layout(const ResponseFormat& format, const Json* tools,
                                                           bool in_reasoning) {
  return std::make_unique<MarkerLayout>(format, tools, in_reasoning);
}

}  // namespace imago::chat
