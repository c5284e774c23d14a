// Cases whose expected values were written by Jinja2 3.1.6, set up as apply_chat_template does it.
#pragma once

namespace imago::chat {

// The variables of all of them.
inline constexpr const char* kCaseVariables =
    R"~({"s": "Hello World", "u": "Grüße ß 🦙", "w": "  a\tb\n\n c  ", "i": 7, "f": 2.5, "l": [3, 1, 2], "ls": ["b", "A", "c", "a"], "d": {"b": 1, "a": [1, 2]}, "p": [{"name": "Zoe", "age": 5}, {"name": "adam", "age": 3}, {"name": "Bob"}], "none": null, "t": true})~";

struct RenderCase {
  const char* source;
  const char* expected;
};

inline constexpr RenderCase kRenderCases[] = {
    {R"~({{ 1 + 2 * 3 }}|{{ 7 / 2 }}|{{ -7 // 2 }}|{{ -7 % 3 }}|{{ 2 ** 10 }}|{{ 2 ** -1 }}|{{ 7.5 // 2 }}|{{ 1e16 }}|{{ 0.1 + 0.2 }})~",
     R"~(7|3.5|-4|2|1024|0.5|3.0|1e+16|0.30000000000000004)~"},
    {R"~({{ -2 ** 2 }}|{{ 2 ** 3 ** 2 }}|{{ 1 < 2 < 3 }}|{{ 1 == 1.0 }}|{{ true + 1 }}|{{ 'a' < 'b' }}|{{ [1, 2] < [1, 3] }})~",
     R"~(4|64|True|True|2|True|True)~"},
    {R"~({{ none }}|{{ true }}|{{ [1, 'a', none, 1.0] }}|{{ (1,) }}|{{ {'a': 1} }}|{{ missing }}|{{ "it's" }}|{{ ["it's", 'q"', '\n\x01é'] }})~",
     R"~(None|True|[1, 'a', None, 1.0]|(1,)|{'a': 1}||it's|["it's", 'q"', '\n\x01é'])~"},
    {R"~({{ s[0] }}{{ s[-1] }}|{{ s[1:4] }}|{{ s[::-1] }}|{{ s[-3:] }}|{{ u[-1] }}|{{ u[2:4] }}|{{ l[1:] }}|{{ l[::-2] }}|{{ l[5:1] }})~",
     R"~(Hd|ell|dlroW olleH|rld|🦙|üß|[1, 2]|[2, 3]|[])~"},
    {R"~({{ s.upper() }}|{{ s.split() }}|{{ s.split('o', 1) }}|{{ s.rsplit('o', 1) }}|{{ w.split(none, 1) }}|{{ w.strip() }}|{{ s.find('o') }}|{{ s.find('o', 5) }})~",
     R"~(HELLO WORLD|['Hello', 'World']|['Hell', ' World']|['Hello W', 'rld']|['a', 'b\n\n c  ']|a	b

 c|4|7)~"},
    {R"~({{ u.upper() }}|{{ 'ΟΔΥΣΣΕΥΣ'.lower() }}|{{ "they're o'neil".title() }}|{{ "they're x-y"|title }}|{{ 'ǅ ß'.capitalize() }}|{{ u|length }})~",
     R"~(GRÜSSE SS 🦙|οδυσσευς|They'Re O'Neil|They're X-Y|ǅ ß|9)~"},
    {R"~({{ s.startswith(('x', 'He')) }}|{{ 'a,b'.partition(',') }}|{{ 'abc'.center(8, '*') }}|{{ '-5'.zfill(4) }}|{{ 'aXbX'.removesuffix('X') }}|{{ 'a\nb\r\nc\x85d'.splitlines() }})~",
     R"~(True|('a', ',', 'b')|**abc***|-005|aXb|['a', 'b', 'c', 'd'])~"},
    {R"~({{ '%s|%r|%5d|%-5d|%05.1f|%x|%o|%e|%g|%%' % ('a', 'a', 42, 42, 2.25, 255, 8, 1500.0, 0.0001) }}|{{ '%(a)s' % {'a': 1} }})~",
     R"~(a|'a'|   42|42   |002.2|ff|10|1.500000e+03|0.0001|%|1)~"},
    {R"~({{ '{} {}'.format(1, 'a') }}|{{ '{1}{0}'.format('a', 'b') }}|{{ '{a:>5}|{a:<5}|{a:^5}'.format(a='x') }}|{{ '{:,}|{:.2f}|{:05d}|{:x}|{:%}|{:e}|{!r}'.format(1234567, 2.345, 42, 255, 0.5, 12345.678, 'q') }})~",
     R"~(1 a|ba|    x|x    |  x  |1,234,567|2.35|00042|ff|50.000000%|1.234568e+04|'q')~"},
    {R"~({{ d.items() }}|{{ d.keys() }}|{{ d.values()|list }}|{{ d.get('x', 5) }}|{{ d.get('x') }}|{{ d.b }}|{{ d['a'][1] }}|{{ d.items()|list|tojson }})~",
     R"~(dict_items([('b', 1), ('a', [1, 2])])|dict_keys(['b', 'a'])|[1, [1, 2]]|5|None|1|2|[["b", 1], ["a", [1, 2]]])~"},
    {R"~({{ d|tojson }}|{{ d|tojson(indent=2) }}|{{ u|tojson }}|{{ u|tojson(ensure_ascii=true) }}|{{ {'b': 1, 'a': 2}|tojson(sort_keys=true, separators=(',', ':')) }}|{{ '<a href="x">'|tojson }}|{{ [1.0, 1e20, none, true]|tojson }})~",
     R"~({"b": 1, "a": [1, 2]}|{
  "b": 1,
  "a": [
    1,
    2
  ]
}|"Grüße ß 🦙"|"Gr\u00fc\u00dfe \u00df \ud83e\udd99"|{"a":2,"b":1}|"<a href=\"x\">"|[1.0, 1e+20, null, true])~"},
    {R"~({{ l|sort }}|{{ ls|sort }}|{{ ls|sort(case_sensitive=true) }}|{{ p|sort(attribute='name')|map(attribute='name')|list }}|{{ l|sum }}|{{ l|min }}|{{ ls|max }}|{{ l|join('-') }}|{{ p|map(attribute='age', default=0)|sum }})~",
     R"~([1, 2, 3]|['A', 'a', 'b', 'c']|['A', 'a', 'b', 'c']|['adam', 'Bob', 'Zoe']|6|1|c|3-1-2|8)~"},
    {R"~({{ p|selectattr('age')|list|length }}|{{ p|selectattr('age', 'gt', 3)|map(attribute='name')|first }}|{{ p|rejectattr('age', 'defined')|list }}|{{ l|select('odd')|list }}|{{ l|map('string')|list }})~",
     R"~(2|Zoe|[{'name': 'Bob'}]|[3, 1]|['3', '1', '2'])~"},
    {R"~({{ l|batch(2, 0)|list }}|{{ l|slice(2)|list }}|{{ [1, 2, 1]|unique|list }}|{{ ls|groupby(0)|list }}|{{ d|dictsort }}|{{ l|reverse|list }}|{{ s|reverse }}|{{ l|first }}|{{ l|last }})~",
     R"~([[3, 1], [2, 0]]|[[3, 1], [2]]|[1, 2]|[('A', ['A', 'a']), ('b', ['b']), ('c', ['c'])]|[('a', [1, 2]), ('b', 1)]|[2, 1, 3]|dlroW olleH|3|2)~"},
    {R"~({{ 'x\ny\n\nz'|indent }}|{{ 'x\ny'|indent(2, true) }}|{{ 'a b c d e f'|truncate(8) }}|{{ '  x '|trim }}|{{ 'xxaxx'|trim('x') }}|{{ 42.55|round }}|{{ 42.55|round(1, 'floor') }}|{{ 2.5|round }}|{{ '3.7'|int }}|{{ 'x'|int(9) }}|{{ '1f'|int(base=16) }})~",
     R"~(x
    y

    z|  x
  y|a b c d e f|x|a|43.0|42.5|2.0|3|9|31)~"},
    {R"~({{ missing|default('D') }}|{{ ''|default('D') }}|{{ ''|default('D', true) }}|{{ none|default('D') }}|{{ missing is defined }}|{{ none is none }}|{{ 3 is odd }}|{{ 'a' is string }}|{{ d is mapping }}|{{ l is sequence }}|{{ 1 is number }}|{{ true is integer }}|{{ 4 is divisibleby 2 }})~",
     R"~(D||D|None|False|True|True|True|True|True|True|False|True)~"},
    {R"~({{ s|safe + '<b>' }}|{{ '<' ~ ('>'|safe) }}|{{ '<a>'|e }}|{{ '<'|e + '<' }}|{{ ('%s'|safe) % '<' }})~",
     R"~(Hello World&lt;b&gt;|<>|&lt;a&gt;|&lt;&lt;|&lt;)~"},
    {R"~({% for x in l %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.previtem }}{{ loop.nextitem }}{{ loop.cycle('a', 'b') }}{{ loop.changed(x > 1) }};{% endfor %})~",
     R"~(103TrueFalse31aTrue;212FalseFalse332bTrue;321FalseTrue31aTrue;)~"},
    {R"~({% for x in l if x > 1 %}{{ loop.index }}{{ x }}{% else %}none{% endfor %}|{% for x in [] %}{% else %}none{% endfor %}|{% for a, b in d.items() %}{{ a }}{{ b }}{% endfor %})~",
     R"~(1322|none|b1a[1, 2])~"},
    {R"~({% set ns = namespace(c=0) %}{% for x in l %}{% set ns.c = ns.c + x %}{% set y = x %}{% endfor %}{{ ns.c }}{{ y }}|{% set a, b = 1, 2 %}{{ b }}{{ a }}|{% set t %}x{{ a }}{% endset %}{{ t }})~",
     R"~(6|21|x1)~"},
    {R"~({% for x in l %}{% if x == 1 %}{% continue %}{% endif %}{{ x }}{% if x == 2 %}{% break %}{% endif %}{% endfor %})~",
     R"~(32)~"},
    {R"~({% macro f(a, b=a, c='x') %}[{{ a }}{{ b }}{{ c }}{{ varargs }}{{ kwargs }}]{% endmacro %}{{ f(1) }}{{ f(1, 2, 3, 4, k=5) }}{{ f(b=2) }})~",
     R"~([11x(){}][123(4,){'k': 5}][2x(){}])~"},
    {R"~({% macro g(x) %}<{{ caller(x) }}>{% endmacro %}{% call(y) g(1) %}{{ y + 1 }}{% endcall %}|{% filter upper %}a{{ s }}{% endfilter %}|{% with q = 3 %}{{ q }}{% endwith %}{{ q }})~",
     R"~(<2>|AHELLO WORLD|3)~"},
    {R"~({% for x in [1, [2, [3]]] recursive %}{{ loop.depth }}{% if x is iterable %}({{ loop(x) }}){% else %}{{ x }}{% endif %}{% endfor %})~",
     R"~(111(222(33)))~"},
    {R"~({% raw %}{{ x }}{% endraw %}|{{ 'a' if i > 5 }}|{{ 'a' if i > 9 }}|{{ i if none else s }}|{{ not t or i }}|{{ none or 0 }}|{{ l and d }})~",
     R"~({{ x }}|a||Hello World|7|0|{'b': 1, 'a': [1, 2]})~"},
    {R"~({{ range(3)|list }}|{{ range(10, 0, -3)|list }}|{{ dict(a=1, b=2) }}|{{ dict([['a', 1]]) }}|{{ cycler('a', 'b').next() }}|{{ strftime_now('%d %b %Y, %A %H:%M:%S %j') }})~",
     R"~([0, 1, 2]|[10, 7, 4, 1]|{'a': 1, 'b': 2}|{'a': 1}|a|26 Jul 2026, Sunday 00:00:00 207)~"},
    {R"~({{ 1 in l }}|{{ 'b' in d }}|{{ 'ell' in s }}|{{ 9 not in l }}|{{ 'x' in missing }}|{{ (1, 2) == (1, 2) }}|{{ [1] == (1,) }}|{{ 'a' ~ 1 ~ none }})~",
     R"~(True|True|True|True|False|True|False|a1None)~"},
    {R"~(a
  {% if true %}
  b
  {% endif %}
c
)~",
     R"~(a
  b
c)~"},
    {R"~(a  {%- if true -%}  b  {%- endif -%}  c)~", R"~(abc)~"},
    {R"~(  {%+ if true %}x{% endif +%}
y)~",
     R"~(  x
y)~"},
    {R"~({# c #}
x
  {#- d -#}
  y)~",
     R"~(xy)~"},
    {R"~({{ 1 -}}  
 x {{- 2 }})~",
     R"~(1x2)~"},
    {R"~(  {{ 1 }}
{% raw %}
  {% x %}
{% endraw %}
z)~",
     R"~(  1

  {% x %}
z)~"},
    {"a\r\nb\rc\n\n",
     R"~(a
b
c
)~"},
    {R"~({% set x = 1 %}

{{ x }}
)~",
     R"~(
1)~"},
    {R"~(  {% for i in [1, 2] %}
  {{ i }}
  {% endfor %}
end)~",
     R"~(  1
  2
end)~"},
};

struct ErrorCase {
  const char* source;
  const char* exception;
  const char* message;  // Jinja's, or Python's
};

inline constexpr ErrorCase kErrorCases[] = {
    {R"~({{ missing.x }})~", "UndefinedError", R"~('missing' is undefined)~"},
    {R"~({{ missing + 1 }})~", "UndefinedError", R"~('missing' is undefined)~"},
    {R"~({{ 'a' + 1 }})~", "TypeError", R"~(can only concatenate str (not "int") to str)~"},
    {R"~({{ 1 + 'a' }})~", "TypeError", R"~(unsupported operand type(s) for +: 'int' and 'str')~"},
    {R"~({{ none.x.y }})~", "UndefinedError", R"~('None' has no attribute 'x')~"},
    {R"~({{ l.append(1) }})~", "SecurityError", R"~(access to attribute 'append' of 'list' object is unsafe.)~"},
    {R"~({{ raise_exception('No ' ~ s) }})~", "raise_exception", R"~(No Hello World)~"},
    {R"~({{ 1 // 0 }})~", "ZeroDivisionError", R"~(integer division or modulo by zero)~"},
    {R"~({% for x in none %}{% endfor %})~", "TypeError", R"~('NoneType' object is not iterable)~"},
    {R"~({{ {[]: 1} }})~", "TypeError", R"~(unhashable type: 'list')~"},
    {R"~({{ l|nofilter }})~", "TemplateRuntimeError", R"~(No filter named 'nofilter'.)~"},
    {R"~({{ l is notest }})~", "TemplateRuntimeError", R"~(No test named 'notest'.)~"},
    {R"~({{ s.nope() }})~", "UndefinedError", R"~('str object' has no attribute 'nope')~"},
    {R"~({% set l.x = 1 %})~", "TemplateRuntimeError", R"~(cannot assign attribute on non-namespace object)~"},
    {R"~({{ ''.__class__.mro }})~", "SecurityError", R"~(access to attribute '__class__' of 'str' object is unsafe.)~"},
    {R"~({{ 'a' * 'b' }})~", "TypeError", R"~(can't multiply sequence by non-int of type 'str')~"},
    {R"~({{ 1 < 'a' }})~", "TypeError", R"~('<' not supported between instances of 'int' and 'str')~"},
    {R"~({{ range(100001) }})~", "OverflowError",
     R"~(Range too big. The sandbox blocks ranges larger than MAX_RANGE (100000).)~"},
    {R"~({{ [1, 2]|tojson(indent='x')|nope }})~", "TemplateRuntimeError", R"~(No filter named 'nope'.)~"},
    {R"~({% if %})~", "TemplateSyntaxError", R"~(Expected an expression, got 'end of statement block')~"},
    {R"~({{ 1 + }})~", "TemplateSyntaxError", R"~(unexpected 'end of print statement')~"},
    {R"~({% for x in l %})~", "TemplateSyntaxError",
     R"~(Unexpected end of template. Jinja was looking for the following tags: 'endfor' or 'else'. The innermost block that needs to be closed is 'for'.)~"},
    {R"~({{ 'a }})~", "TemplateSyntaxError", R"~(unexpected char "'" at 3)~"},
    {R"~({% endif %})~", "TemplateSyntaxError", R"~(Encountered unknown tag 'endif'.)~"},
    {R"~({{ (1 }})~", "TemplateSyntaxError", R"~(unexpected '}', expected ')')~"},
    {R"~({% set 1 = 2 %})~", "TemplateSyntaxError", R"~(can't assign to 'const')~"},
    {R"~({% unknown %})~", "TemplateSyntaxError", R"~(Encountered unknown tag 'unknown'.)~"},
    {R"~({{ l|map('upper')|tojson }})~", "TypeError", R"~(Object of type generator is not JSON serializable)~"},
    {R"~({{ d.a.b.c }})~", "UndefinedError", R"~('list object' has no attribute 'b')~"},
    {R"~({{ f(1) }})~", "TypeError", R"~('float' object is not callable)~"},
    {R"~({% macro m(a) %}{% endmacro %}{{ m(1, 2) }})~", "TypeError",
     R"~(macro 'm' takes not more than 1 argument(s))~"},
    {R"~({{ '%d' % 'a' }})~", "TypeError", R"~(%d format: a real number is required, not str)~"},
    {R"~({{ 'x'.join([1]) }})~", "TypeError", R"~(sequence item 0: expected str instance, int found)~"},
    {R"~({% set a, b = [1] %})~", "ValueError", R"~(not enough values to unpack (expected 2, got 1))~"},
    {R"~({{ 'a'.index('b') }})~", "ValueError", R"~(substring not found)~"},
    {R"~({{ namespace(a=1).b.c }})~", "UndefinedError", R"~('jinja2.utils.Namespace object' has no attribute 'b')~"},
};

}  // namespace imago::chat
