// A text by characters, which is how tokenizers and pipelines say where something stands in it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace imago {

class TextCharacters {
 public:
  explicit TextCharacters(std::string_view text);  // must be UTF-8 and outlive this

  size_t size() const { return starts_.size() - 1; }
  // The characters [begin, end), as far as there are some: nothing where end is not behind begin.
  std::string slice(size_t begin, size_t end) const;

 private:
  std::string_view text_;
  std::vector<size_t> starts_;  // byte of each character, and the text's size
};

}  // namespace imago
