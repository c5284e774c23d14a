#include "imago/nn/weight_map.h"

namespace imago {

// Each star takes the shortest run that lets the text behind it match; the last piece is anchored at the end.
bool match_pattern(std::string_view pattern, std::string_view name, std::vector<std::string>* stars) {
  if (stars != nullptr) stars->clear();
  size_t star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == name;
  if (!name.starts_with(pattern.substr(0, star))) return false;
  name.remove_prefix(star);
  pattern.remove_prefix(star);
  while (!pattern.empty()) {
    pattern.remove_prefix(1);  // the star
    star = pattern.find('*');
    const std::string_view piece = pattern.substr(0, star);
    const bool last = star == std::string_view::npos;
    if (last && (name.size() < piece.size() || !name.ends_with(piece))) return false;
    const size_t found = last ? name.size() - piece.size() : name.find(piece);
    if (found == std::string_view::npos) return false;
    if (stars != nullptr) stars->emplace_back(name.substr(0, found));
    name.remove_prefix(found + piece.size());
    pattern.remove_prefix(piece.size());
  }
  return name.empty();
}

std::string fill_pattern(std::string_view pattern, const std::vector<std::string>& stars) {
  std::string text;
  size_t next = 0;
  for (const char c : pattern) {
    if (c == '*' && next < stars.size()) {
      text += stars[next++];
    } else {
      text += c;
    }
  }
  return text;
}

}  // namespace imago
