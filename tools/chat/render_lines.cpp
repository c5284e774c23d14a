// Renders one template per line, for tools/chat/compare.py: reads lines {"template": "...", "variables": {...}} and
// writes for each {"text": "..."} or {"error": "class of the reference's exception", "message": "..."}.
//
//   g++ -std=c++20 -O1 -Isrc tools/chat/render_lines.cpp libimago_tokenizers.a libimago_base.a -lutf8proc -lfmt -o
//   render_lines
#include <cstdio>
#include <iostream>
#include <string>

#include "imago/base/json.h"
#include "imago/tokenizers/chat/chat_template.h"

int main() {
  using namespace imago;
  std::ios::sync_with_stdio(false);
  for (std::string line; std::getline(std::cin, line);) {
    Json answer = Json::object();
    try {
      Json request = parse_json(line, "standard input");
      chat::RenderOptions options;
      options.now = "2026-07-26T00:00:00";
      chat::ChatTemplate chat_template(request.at("template").get<std::string>());
      answer["text"] = chat_template.render(request.at("variables"), options).text;
    } catch (const chat::TemplateError& error) {
      answer["error"] = error.exception();
      answer["message"] = error.message();
    } catch (const Error& error) {
      answer["error"] = "Error";
      answer["message"] = error.what();
    }
    std::cout << dump_json(answer) << "\n" << std::flush;
  }
}
