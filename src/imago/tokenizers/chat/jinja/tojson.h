// json.dumps of the template's values, as apply_chat_template's own tojson filter calls it.
#pragma once

#include <string>

#include "imago/tokenizers/chat/jinja/objects.h"

namespace imago::chat::jinja {

// tojson(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False)
Value tojson(Arguments arguments);

}  // namespace imago::chat::jinja
