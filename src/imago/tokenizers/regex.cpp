#define PCRE2_CODE_UNIT_WIDTH 8
#include "imago/tokenizers/regex.h"

#include <pcre2.h>

#include "imago/base/error.h"

namespace imago::tokenizers {
namespace {

// Backtracking steps of one match. A megabyte without a split needs a few per byte; what needs hundreds is exponential.
constexpr uint32_t kMatchLimit = 200'000'000;
constexpr size_t kJitStackBytes = 8 << 20;

// Each thread has one stack for compiled patterns, made when it first matches.
pcre2_match_context* match_context() {
  struct Context {
    pcre2_match_context* context = pcre2_match_context_create(nullptr);
    pcre2_jit_stack* stack = pcre2_jit_stack_create(32 << 10, kJitStackBytes, nullptr);
    Context() {
      pcre2_set_match_limit(context, kMatchLimit);
      pcre2_jit_stack_assign(context, nullptr, stack);
    }
    ~Context() {
      pcre2_match_context_free(context);
      pcre2_jit_stack_free(stack);
    }
  };
  thread_local Context context;
  return context.context;
}

struct MatchData {
  pcre2_match_data* data;
  explicit MatchData(const pcre2_code* code) : data(pcre2_match_data_create_from_pattern(code, nullptr)) {}
  ~MatchData() { pcre2_match_data_free(data); }
  MatchData(const MatchData&) = delete;
  MatchData& operator=(const MatchData&) = delete;
};

}  // namespace

struct Regex::Program {
  pcre2_code* code = nullptr;
  std::string pattern;
  ~Program() { pcre2_code_free(code); }
};

Regex::Regex(std::string_view pattern) {
  auto program = std::make_shared<Program>();
  program->pattern = pattern;
  const std::string translated = translate_oniguruma(pattern);
  int error = 0;
  PCRE2_SIZE offset = 0;
  pcre2_compile_context* context = pcre2_compile_context_create(nullptr);
  pcre2_set_newline(context, PCRE2_NEWLINE_LF);
  program->code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(translated.data()), translated.size(),
                                PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NO_UTF_CHECK | PCRE2_NEVER_BACKSLASH_C,
                                &error, &offset, context);
  pcre2_compile_context_free(context);
  if (program->code == nullptr) {
    PCRE2_UCHAR message[256];
    pcre2_get_error_message(error, message, sizeof message);
    throw Error(ErrorKind::kInvalidFile, "regex",
                std::string(reinterpret_cast<const char*>(message)) + " in '" + program->pattern + "' (as '" +
                    translated.substr(0, 200) + "', at byte " + std::to_string(offset) + ")");
  }
  pcre2_jit_compile(program->code, PCRE2_JIT_COMPLETE);  // without it matching is slower, not different
  program_ = std::move(program);
}

Regex Regex::literal(std::string_view text) {
  Regex regex;
  regex.literal_ = text;
  return regex;
}

void Regex::find_ranges(std::string_view text, std::vector<PatternRange>& ranges) const {
  if (text.empty()) return;
  uint32_t previous = 0;
  const auto add_match = [&](size_t begin, size_t end) {
    if (previous != begin) ranges.push_back({previous, static_cast<uint32_t>(begin), false});
    ranges.push_back({static_cast<uint32_t>(begin), static_cast<uint32_t>(end), true});
    previous = static_cast<uint32_t>(end);
  };
  if (!program_) {
    for (size_t at = 0; !literal_.empty() && (at = text.find(literal_, at)) != std::string_view::npos;) {
      add_match(at, at + literal_.size());
      at += literal_.size();
    }
  } else {
    const MatchData match(program_->code);
    bool matched_before = false;
    for (size_t start = 0; start <= text.size();) {
      const int count = pcre2_match(program_->code, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), start,
                                    PCRE2_NO_UTF_CHECK, match.data, match_context());
      if (count == PCRE2_ERROR_NOMATCH) break;
      if (count < 0) {
        PCRE2_UCHAR message[256];
        pcre2_get_error_message(count, message, sizeof message);
        throw Error(ErrorKind::kLimitExceeded, "regex",
                    "'" + program_->pattern + "' on a text of " + std::to_string(text.size()) +
                        " bytes: " + reinterpret_cast<const char*>(message));
      }
      const PCRE2_SIZE* found = pcre2_get_ovector_pointer(match.data);
      const size_t begin = found[0], end = found[1];
      if (begin == end) {
        // An empty match right behind the previous match is none, and the search goes on one character further.
        if (!matched_before || begin != previous) add_match(begin, end), matched_before = true;
        start = end + 1;
        while (start < text.size() && (static_cast<unsigned char>(text[start]) & 0xC0) == 0x80) ++start;
        continue;
      }
      add_match(begin, end);
      matched_before = true;
      start = end;
    }
  }
  if (previous != text.size()) ranges.push_back({previous, static_cast<uint32_t>(text.size()), false});
}

}  // namespace imago::tokenizers
