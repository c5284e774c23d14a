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
  uint32_t previous = 0;
  for (RegexSearch search(*this, text); search.next(); previous = search.end()) {
    if (previous != search.begin()) ranges.push_back({previous, search.begin(), false});
    ranges.push_back({search.begin(), search.end(), true});
  }
  if (previous != text.size()) ranges.push_back({previous, static_cast<uint32_t>(text.size()), false});
}

struct RegexSearch::MatchData {
  pcre2_match_data* data;
  explicit MatchData(const pcre2_code* code) : data(pcre2_match_data_create_from_pattern(code, nullptr)) {}
  ~MatchData() { pcre2_match_data_free(data); }
  MatchData(const MatchData&) = delete;
  MatchData& operator=(const MatchData&) = delete;
};

RegexSearch::RegexSearch(const Regex& regex, std::string_view text, uint32_t at)
    : regex_(regex), text_(text), start_(at), matched_before_(at > 0), begin_(at), end_(at) {
  if (regex.program_) match_ = std::make_unique<MatchData>(regex.program_->code);
}

RegexSearch::~RegexSearch() = default;

bool RegexSearch::next_literal() {
  const std::string& literal = regex_.literal_;
  const size_t at = literal.empty() ? std::string_view::npos : text_.find(literal, start_);
  if (at == std::string_view::npos) return false;
  begin_ = static_cast<uint32_t>(at);
  end_ = static_cast<uint32_t>(at + literal.size());
  start_ = end_;
  return true;
}

bool RegexSearch::next() {
  if (text_.empty()) return false;
  if (!match_) return next_literal();
  const Regex::Program& program = *regex_.program_;
  while (start_ <= text_.size()) {
    const int count = pcre2_match(program.code, reinterpret_cast<PCRE2_SPTR>(text_.data()), text_.size(), start_,
                                  PCRE2_NO_UTF_CHECK, match_->data, match_context());
    if (count == PCRE2_ERROR_NOMATCH) break;
    if (count < 0) {
      PCRE2_UCHAR message[256];
      pcre2_get_error_message(count, message, sizeof message);
      throw Error(ErrorKind::kLimitExceeded, "regex",
                  "'" + program.pattern + "' on a text of " + std::to_string(text_.size()) +
                      " bytes: " + reinterpret_cast<const char*>(message));
    }
    const PCRE2_SIZE* found = pcre2_get_ovector_pointer(match_->data);
    const size_t begin = found[0], end = found[1];
    start_ = end;
    if (begin == end) {
      // An empty match right behind the previous match is none, and the search goes on one character further.
      ++start_;
      while (start_ < text_.size() && (static_cast<unsigned char>(text_[start_]) & 0xC0) == 0x80) ++start_;
      if (matched_before_ && begin == end_) continue;
    }
    begin_ = static_cast<uint32_t>(begin);
    end_ = static_cast<uint32_t>(end);
    matched_before_ = true;
    return true;
  }
  start_ = text_.size() + 1;
  return false;
}

}  // namespace imago::tokenizers
