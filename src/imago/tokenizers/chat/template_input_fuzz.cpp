// Any JSON as the request of templates that do a lot with it.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "imago/base/json.h"
#include "imago/tokenizers/chat/chat_template.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace imago;
  static const chat::ChatTemplate kTemplates[] = {
      chat::ChatTemplate(
          "{% for m in messages %}<|{{ m.role }}|>{{ m.content|trim }}{{ m.tool_calls|tojson }}{% endfor %}"),
      chat::ChatTemplate(
          "{% for k, v in messages[0].items() %}{{ k|upper }}{{ v|string|indent }}{% endfor %}{{ tools }}"),
      chat::ChatTemplate(
          "{{ messages|map(attribute='content')|join('\\n') }}{{ tools|tojson(indent=2, sort_keys=true) }}"
          "{{ messages[-1].content.split('</think>')[-1].lstrip('\\n')|replace('a', 'bc')|title }}")};
  try {
    Json request = parse_json({reinterpret_cast<const char*>(data), size}, "fuzz");
    for (const chat::ChatTemplate& chat_template : kTemplates) {
      try {
        chat::RenderedChat rendered = chat_template.render(request);
        size_t end = 0;
        for (const ByteRange& span : rendered.user) {
          if (span.begin < end || span.begin >= span.end || span.end > rendered.text.size()) std::abort();
          end = span.end;
        }
        chat_template.apply(request);
        chat::ApplyOptions options;
        options.continue_final_message = "content";
        chat_template.apply(request, options);
      } catch (const Error&) {
      }
    }
  } catch (const Error&) {
  }
  return 0;
}
