// Hostile templates end in an error, in little time and memory.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>

#include "imago/base/json.h"
#include "imago/tokenizers/chat/chat_template.h"

namespace imago::chat {
namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr bool kSanitized = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif
#else
constexpr bool kSanitized = false;
#endif

std::string repeated(std::string_view text, size_t count) {
  std::string result;
  for (size_t i = 0; i < count; ++i) result += text;
  return result;
}

int64_t cpu_ns() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

// 0: an error, as it must be; 1: none.
int run(const std::string& source) {
  try {
    Json variables = Json::object();
    variables["messages"] = Json::array({{{"role", "user"}, {"content", "Hello"}}});
    ChatTemplate(source).render(variables);
    return 1;
  } catch (const TemplateError&) {
    return 0;
  }
}

// In a process of its own, whose peak of memory is the template's.
void expect_bounded(const std::string& source) {
  std::string shown = source.substr(0, 80);
  int report[2];
  ASSERT_EQ(pipe(report), 0);
  pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    rusage before{}, after{};
    getrusage(RUSAGE_SELF, &before);
    int64_t start = cpu_ns();
    int64_t result[3] = {run(source), 0, 0};
    result[1] = cpu_ns() - start;
    getrusage(RUSAGE_SELF, &after);
    result[2] = after.ru_maxrss - before.ru_maxrss;
    bool written = write(report[1], result, sizeof(result)) == sizeof(result);
    _exit(written ? 0 : 1);
  }
  close(report[1]);
  int64_t result[3] = {-1, 0, 0};
  ASSERT_EQ(read(report[0], result, sizeof(result)), static_cast<ssize_t>(sizeof(result))) << "crashed: " << shown;
  close(report[0]);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0) << shown;
  EXPECT_EQ(result[0], 0) << "no error: " << shown;
  EXPECT_LT(result[1], kSanitized ? 1'000'000'000 : 250'000'000) << shown;
  if (!kSanitized) {
    EXPECT_LT(result[2], 32 * 1024) << "KiB: " << shown;
  }
}

TEST(ChatTemplateAbuse, Source) {
  expect_bounded(std::string(2 << 20, 'x'));
  expect_bounded("{{ " + repeated("(", 500000) + "1" + repeated(")", 500000) + " }}");
  expect_bounded("{{ " + repeated("[", 500000));
  expect_bounded("{{ " + repeated("not ", 200000) + "1 }}");
  expect_bounded("{{ " + repeated("-", 500000) + "1 }}");
  expect_bounded("{{ 1" + repeated("+1", 500000) + " }}");
  expect_bounded("{{ x" + repeated(".a", 500000) + " }}");
  expect_bounded("{{ x" + repeated("|list", 200000) + " }}");
  expect_bounded("{{ 1" + repeated(" if 1 else 1", 80000) + " }}");
  expect_bounded(repeated("{% if 1 %}", 100000));
  expect_bounded(repeated("{% if 1 %}", 1000) + repeated("{% endif %}", 1000));
  expect_bounded(repeated("{% for x in [1] %}", 200) + "x" + repeated("{% endfor %}", 200));
  expect_bounded(repeated("{{a}}", 200000));
  expect_bounded("{% set " + repeated("(", 300000) + "a");
  expect_bounded(repeated("{% raw %}", 100000));
  expect_bounded(repeated("{#", 500000));
  expect_bounded("{{ '" + repeated("\\", 1000000));
}

TEST(ChatTemplateAbuse, Recursion) {
  expect_bounded("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}");
  expect_bounded(
      "{% macro f(n) %}{{ g(n) }}{% endmacro %}{% macro g(n) %}{{ f(n + 1) }}{{ f(n) }}{% endmacro %}{{ f(0) }}");
  expect_bounded("{% macro f() %}{% call f() %}{{ caller() }}{% endcall %}{% endmacro %}{{ f() }}");
  expect_bounded("{% for x in [[1]] recursive %}{{ loop([x]) }}{% endfor %}");
  expect_bounded("{% set n = namespace(v=[]) %}{% for i in range(100000) %}{% set n.v = [n.v] %}{% endfor %}");
  expect_bounded("{% set n = namespace(v={}) %}{% for i in range(100000) %}{% set n.v = {'a': n.v} %}{% endfor %}");
  expect_bounded(
      "{% set n = namespace(v=[1]) %}{% for i in range(100000) %}{% set n.v = n.v|map('string') %}{% endfor %}{{ "
      "n.v|list }}");
  expect_bounded(
      "{% set n = namespace() %}{% for i in range(100000) %}{% set n.v = namespace(v=n.v) %}{% endfor %}{{ n }}");
  expect_bounded("{% set n = namespace(v=1) %}{% for i in range(100000) %}{% set n.v = cycler(n.v) %}{% endfor %}");
}

TEST(ChatTemplateAbuse, Loops) {
  const char* nested = "{% for a in range(100000) %}{% for b in range(100000) %}";
  expect_bounded(std::string(nested) + "{% endfor %}{% endfor %}");
  expect_bounded(std::string(nested) + "{{ a }}{% endfor %}{% endfor %}");
  expect_bounded(std::string(nested) + "{% set x = 'abc'.upper() %}{% endfor %}{% endfor %}");
  expect_bounded(std::string(nested) + "{{ range(100000)|list|length }}{% endfor %}{% endfor %}");
  expect_bounded(std::string(nested) + "{{ range(100000)|sum }}{% endfor %}{% endfor %}");
  expect_bounded(std::string(nested) + "{{ ('x' * 1000000)|upper|length }}{% endfor %}{% endfor %}");
  expect_bounded(std::string(nested) + "{{ ('x' * 1000000).find('y') }}{% endfor %}{% endfor %}");
  expect_bounded(std::string(nested) + "{{ 'y' in 'x' * 1000000 }}{% endfor %}{% endfor %}");
  expect_bounded(std::string(nested) + "{{ ('x y' * 100000).split()|length }}{% endfor %}{% endfor %}");
  expect_bounded(std::string(nested) + "{{ ('ab' * 100000).replace('a', 'cd')|length }}{% endfor %}{% endfor %}");
  expect_bounded(std::string(nested) + "{{ (range(50000)|list) == (range(50000)|list) }}{% endfor %}{% endfor %}");
  expect_bounded(std::string(nested) + "{{ range(90000)|sort(reverse=true)|length }}{% endfor %}{% endfor %}");
  expect_bounded(std::string(nested) + "{{ ('x' * 1000000)|wordcount }}{% endfor %}{% endfor %}");
  expect_bounded(std::string(nested) + "{{ ('x' * 1000000)|urlencode|length }}{% endfor %}{% endfor %}");
  expect_bounded(std::string(nested) + "{{ ('x' * 1000000)|title|length }}{% endfor %}{% endfor %}");
  expect_bounded(std::string(nested) + "{{ ('x' * 1000000).count('y') }}{% endfor %}{% endfor %}");
  expect_bounded(std::string(nested) + "{{ ('x' * 1000000).isalpha() }}{% endfor %}{% endfor %}");
  expect_bounded(std::string(nested) + "{{ ('é' * 500000)[400000] }}{% endfor %}{% endfor %}");
  expect_bounded(std::string(nested) + "{{ ('x' * 1000000) == ('x' * 1000000) }}{% endfor %}{% endfor %}");
  expect_bounded(std::string(nested) + "{{ ('x' * 1000000).strip('x') }}{% endfor %}{% endfor %}");
}

TEST(ChatTemplateAbuse, Memory) {
  expect_bounded("{{ range(100001) }}");
  expect_bounded("{{ range(-9223372036854775807, 9223372036854775807) }}");
  expect_bounded("{{ 'x' * 1000000000 }}");
  expect_bounded("{{ 'x' * 9223372036854775807 }}");
  expect_bounded("{{ [1] * 9223372036854775807 }}");
  expect_bounded("{{ ['xyz'] * 10000000 }}");
  expect_bounded("{% set n = namespace(s='x') %}{% for i in range(100) %}{% set n.s = n.s ~ n.s %}{% endfor %}");
  expect_bounded("{% set n = namespace(s='x') %}{% for i in range(100) %}{% set n.s = n.s + n.s %}{% endfor %}");
  expect_bounded("{% set n = namespace(s=[1]) %}{% for i in range(100) %}{% set n.s = n.s + n.s %}{% endfor %}");
  expect_bounded(
      "{% set n = namespace(s=[1]) %}{% for i in range(100) %}{% set n.s = [n.s, n.s] %}{% endfor %}{{ n.s }}");
  expect_bounded(
      "{% set n = namespace(s=[1]) %}{% for i in range(100) %}{% set n.s = [n.s, n.s] %}{% endfor %}{{ n.s|tojson }}");
  expect_bounded(
      "{% set n = namespace(s=[1]) %}{% for i in range(100) %}{% set n.s = [n.s, n.s] %}{% endfor %}{{ n.s == n.s + [] "
      "}}");
  expect_bounded(
      "{% set n = namespace(s={}) %}{% for i in range(100000) %}{% set n.s = dict(n.s, **{'k' ~ i: 1}) %}{% endfor %}");
  expect_bounded("{% for i in range(100000) %}{{ 'x' * 1000 }}{% endfor %}");
  expect_bounded("{% set x %}{% for i in range(100000) %}{{ 'x' * 1000 }}{% endfor %}{% endset %}");
  expect_bounded("{{ 'a'.center(9223372036854775807) }}");
  expect_bounded("{{ 'a'.ljust(1000000000) }}");
  expect_bounded("{{ 'a'.zfill(1000000000) }}");
  expect_bounded("{{ '\\t'.expandtabs(1000000000) }}");
  expect_bounded("{{ 'a'|indent(1000000000, true) }}");
  expect_bounded("{{ [1]|tojson(indent=1000000000) }}");
  expect_bounded("{{ [1]|batch(1000000000, 0)|list }}");
  expect_bounded("{{ 'x' * 4000000 | replace('x', 'yyyyyyyyyy') }}");
  expect_bounded("{{ (('x' * 1000000)|list)|length }}");
  expect_bounded("{{ ('x' * 100000).join((range(10000)|map('string')|list)) }}");
  expect_bounded("{{ ('x' * 3000000).split('x')|length }}");
  expect_bounded("{{ 10 ** 1000000000 }}");
  expect_bounded("{% for i in range(100000) %}{% set x = namespace(a='y' * 1000) %}{% endfor %}");
  expect_bounded(
      "{% for i in range(100000) %}{% macro m() %}{% endmacro %}{% endfor %}{% for i in range(100000) %}{% macro m() "
      "%}{% endmacro %}{% endfor %}{{ 1 // 0 }}");
}

TEST(ChatTemplateAbuse, FormatBombs) {
  expect_bounded("{{ '%1000000000s' % 1 }}");
  expect_bounded("{{ '%*s' % (1000000000, 1) }}");
  expect_bounded("{{ '%.1000000000f' % 1.5 }}");
  expect_bounded("{{ '%.1000000000d' % 1 }}");
  expect_bounded("{{ '{:1000000000}'.format(1) }}");
  expect_bounded("{{ '{:>1000000000}'.format('x') }}");
  expect_bounded("{{ '{:.1000000000f}'.format(1.5) }}");
  expect_bounded("{{ '{0:{1}}'.format('x', 1000000000) }}");
  expect_bounded("{{ '{:{:{:{}}}}'.format(1, 2, 3, 4) }}");
  expect_bounded("{{ ('%s' * 1000000) % range(1000) }}");
  expect_bounded("{{ strftime_now('%Y' * 10000000) }}");
}

}  // namespace
}  // namespace imago::chat
