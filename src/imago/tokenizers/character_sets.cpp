#include "imago/tokenizers/character_sets.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "imago/tokenizers/character_tables.h"

namespace imago::tokenizers {
namespace {

bool in_ranges(std::span<const CharacterRange> ranges, char32_t code_point) {
  const auto after = std::upper_bound(ranges.begin(), ranges.end(), code_point,
                                      [](char32_t c, const CharacterRange& range) { return c < range.begin; });
  return after != ranges.begin() && code_point <= std::prev(after)->end;
}

GeneralCategory look_up_category(char32_t code_point) {
  const std::span<const CategoryRange> ranges = category_additions();
  const auto after = std::upper_bound(ranges.begin(), ranges.end(), code_point,
                                      [](char32_t c, const CategoryRange& range) { return c < range.begin; });
  if (after != ranges.begin() && code_point <= std::prev(after)->end) return std::prev(after)->category;
  return general_category(code_point);
}

// Pages of 256 characters, made when a text first needs them: a text uses few, and making all takes milliseconds.
class CategoryPages {
 public:
  GeneralCategory operator[](char32_t code_point) {
    const Page* page = pages_[code_point >> 8].load(std::memory_order_acquire);
    if (page == nullptr) page = make(code_point >> 8);
    return (*page)[code_point & 255];
  }

 private:
  using Page = std::array<GeneralCategory, 256>;

  const Page* make(char32_t number) {
    const std::lock_guard lock(mutex_);
    if (const Page* page = pages_[number].load(std::memory_order_relaxed)) return page;
    auto page = std::make_unique<Page>();
    for (char32_t i = 0; i < 256; ++i) (*page)[i] = look_up_category(number << 8 | i);
    owned_.push_back(std::move(page));
    pages_[number].store(owned_.back().get(), std::memory_order_release);
    return owned_.back().get();
  }

  std::mutex mutex_;
  std::vector<std::unique_ptr<Page>> owned_;
  std::array<std::atomic<const Page*>, 0x1100> pages_{};
};

}  // namespace

GeneralCategory category(char32_t code_point) {
  static CategoryPages pages;
  return code_point > 0x10FFFF ? GeneralCategory::kUnassigned : pages[code_point];
}

std::string_view category_name(GeneralCategory category) {
  static constexpr std::string_view kNames[] = {"Cn", "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd",
                                                "Nl", "No", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Sm",
                                                "Sc", "Sk", "So", "Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Co"};
  return kNames[static_cast<int>(category)];
}

bool is_bert_punctuation(char32_t c) {
  if (c < 0x80) return (c >= 33 && c <= 47) || (c >= 58 && c <= 64) || (c >= 91 && c <= 96) || (c >= 123 && c <= 126);
  return in_ranges(bert_punctuation_ranges(), c);
}

bool is_numeric(char32_t c) {
  if (c < 0x80) return c >= '0' && c <= '9';
  return in_ranges(numeric_ranges(), c);
}

bool is_combining_mark(char32_t c) { return c >= 0x300 && in_ranges(combining_mark_ranges(), c); }
bool is_accent(char32_t c) { return c >= 0x300 && in_ranges(accent_ranges(), c); }

bool is_control(char32_t c) {
  if (c < 0x80) return c == 0x7F || (c < 0x20 && c != '\t' && c != '\n' && c != '\r');
  return in_ranges(control_ranges(), c);
}

bool is_word(char32_t c) {
  if (c < 0x80) return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || c == '_' || (c >= 'a' && c <= 'z');
  const GeneralCategory kind = category(c);
  if (is_letter(kind) || is_mark(kind)) return true;
  switch (kind) {
    case GeneralCategory::kDecimalNumber:
    case GeneralCategory::kLetterNumber:
    case GeneralCategory::kConnectorPunctuation: return true;
    case GeneralCategory::kFormat: return c == 0x200C || c == 0x200D;  // Join_Control
    case GeneralCategory::kOtherSymbol:                                // the circled and squared letters are Alphabetic
      return (c >= 0x24B6 && c <= 0x24E9) || (c >= 0x1F130 && c <= 0x1F149) || (c >= 0x1F150 && c <= 0x1F169) ||
             (c >= 0x1F170 && c <= 0x1F189);
    default: return false;
  }
}

}  // namespace imago::tokenizers
