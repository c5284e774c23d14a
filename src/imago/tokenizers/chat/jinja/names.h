// Which names a part of a template reads.
#pragma once

#include "imago/tokenizers/chat/jinja/ast.h"

namespace imago::chat::jinja {

// Whether the name is read in the statements before they assign to it.
bool uses_name(const Block& block, uint32_t name);

}  // namespace imago::chat::jinja
