#define PCRE2_CODE_UNIT_WIDTH 8
#include "imago/peft/module_selection.h"

#include <fmt/core.h>
#include <pcre2.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "imago/base/error.h"
#include "imago/base/quote.h"

namespace imago::peft {
namespace {

constexpr uint32_t kMatchLimit = 1'000'000;  // steps; a config from the Hub may hold any pattern
constexpr std::string_view kAllLinear = "all-linear";

}  // namespace

struct Pattern::Program {
  pcre2_code* code = nullptr;
  pcre2_match_context* context = nullptr;

  Program() = default;
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  ~Program() {
    pcre2_match_context_free(context);
    pcre2_code_free(code);
  }
};

Pattern::Pattern(std::string_view regex, std::string_view where) {
  auto program = std::make_shared<Program>();
  int code = 0;
  PCRE2_SIZE offset = 0;
  program->code =
      pcre2_compile(reinterpret_cast<PCRE2_SPTR>(regex.data()), regex.size(),
                    PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C, &code, &offset, nullptr);
  if (program->code == nullptr) {
    std::array<PCRE2_UCHAR, 128> message{};
    pcre2_get_error_message(code, message.data(), message.size());
    throw Error(ErrorKind::kInvalidArgument, where,
                fmt::format("{} is no regular expression: {}", quote(regex), reinterpret_cast<char*>(message.data())));
  }
  program->context = pcre2_match_context_create(nullptr);
  pcre2_set_match_limit(program->context, kMatchLimit);
  program_ = std::move(program);
}

bool Pattern::matches_all_of(std::string_view text) const {
  pcre2_match_data* data = pcre2_match_data_create(1, nullptr);
  const int result = pcre2_match(program_->code, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), 0, 0, data,
                                 program_->context);
  pcre2_match_data_free(data);
  if (result >= 0) return true;
  if (result == PCRE2_ERROR_NOMATCH) return false;
  throw Error(ErrorKind::kLimitExceeded, "peft", "a pattern of modules takes too many steps to match",
              "choose the modules by name");
}

ModuleSelection ModuleSelection::of_pattern(std::string regex, std::string_view where) {
  ModuleSelection selection;
  selection.regex_ = std::move(regex);
  if (!selection.is_all_linear()) selection.pattern_.emplace(*selection.regex_, where);
  return selection;
}

bool ModuleSelection::contains(std::string_view module) const {
  if (pattern_) return pattern_->matches_all_of(module);
  return std::any_of(names_.begin(), names_.end(), [&](const std::string& name) {
    return module == name ||
           (module.size() > name.size() && module.ends_with(name) && module[module.size() - name.size() - 1] == '.');
  });
}

bool ModuleSelection::is_all_linear() const {
  return regex_ && std::equal(regex_->begin(), regex_->end(), kAllLinear.begin(), kAllLinear.end(),
                              [](unsigned char a, char b) { return std::tolower(a) == b; });
}

}  // namespace imago::peft
