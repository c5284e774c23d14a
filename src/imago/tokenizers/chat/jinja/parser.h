// Parses the source of a template.
#pragma once

#include <memory>
#include <string_view>

#include "imago/tokenizers/chat/jinja/ast.h"

namespace imago::chat::jinja {

// Throws SyntaxFailure (lexer.h).
Program parse(std::string_view source);

}  // namespace imago::chat::jinja
