#include "imago/tokenizers/chat/response/layout.h"

#include <algorithm>
#include <iterator>

namespace imago::chat {

void Response::append(Response more) {
  content += more.content;
  reasoning_content += more.reasoning_content;
  tool_calls.insert(tool_calls.end(), std::make_move_iterator(more.tool_calls.begin()),
                    std::make_move_iterator(more.tool_calls.end()));
}

MarkerScanner::MarkerScanner(std::vector<std::string> markers) : markers_(std::move(markers)) {
  for (const std::string& marker : markers_) begins_[static_cast<unsigned char>(marker[0])] = true;
}

MarkerScanner::Match MarkerScanner::find(std::string_view text, size_t from, bool final) const {
  for (size_t at = from; at < text.size(); ++at) {
    int marker = match(text.substr(at), final);
    if (marker != kNone) return {at, std::max(marker, -1)};
  }
  return {text.size(), -1};
}

int MarkerScanner::match(std::string_view text, bool final) const {
  if (text.empty() || !begins_[static_cast<unsigned char>(text[0])]) return kNone;
  int best = kNone;
  for (size_t i = 0; i < markers_.size(); ++i) {
    bool longer = best < 0 || markers_[i].size() > markers_[static_cast<size_t>(best)].size();
    if (text.starts_with(markers_[i])) {
      if (longer) best = static_cast<int>(i);
    } else if (!final && std::string_view(markers_[i]).starts_with(text)) {
      return kPartial;
    }
  }
  return best;
}

void JsonTracker::feed(char c) {
  if (in_string_) {
    if (escaped_) {
      escaped_ = false;
    } else if (c == '\\') {
      escaped_ = true;
    } else if (c == '"') {
      in_string_ = false;
    }
  } else if (c == '"') {
    in_string_ = started_;
  } else if (c == '{' || c == '[') {
    started_ = true;
    ++depth_;
  } else if ((c == '}' || c == ']') && depth_ > 0) {
    --depth_;
  }
}

std::string_view trim(std::string_view text) {
  static constexpr std::string_view kSpace = " \t\n\r\f\v";
  size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

ResponseParser::ResponseParser(const ResponseFormat& format, const Json* tools, bool in_reasoning) {
  switch (format.layout) {
    case ResponseLayout::kHarmony: layout_ = make_harmony_layout(format); break;
    case ResponseLayout::kFunctionary: layout_ = make_functionary_layout(format); break;
    case ResponseLayout::kMarkers: layout_ = make_marker_layout(format, tools, in_reasoning); break;
  }
}

ResponseParser::~ResponseParser() = default;
ResponseParser::ResponseParser(ResponseParser&&) noexcept = default;
ResponseParser& ResponseParser::operator=(ResponseParser&&) noexcept = default;

Response ResponseParser::feed(std::string_view text) {
  Response out;
  layout_->feed(text, out);
  return out;
}

Response ResponseParser::finish() {
  Response out;
  layout_->finish(out);
  return out;
}

Response parse_response(const ResponseFormat& format, std::string_view text, const Json* tools, bool in_reasoning) {
  ResponseParser parser(format, tools, in_reasoning);
  Response response = parser.feed(text);
  response.append(parser.finish());
  return response;
}

}  // namespace imago::chat
