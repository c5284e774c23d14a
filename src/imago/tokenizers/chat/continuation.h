// What apply_chat_template does around the rendering.
#pragma once

#include <string>

#include "imago/base/json.h"
#include "imago/tokenizers/chat/chat_template.h"

namespace imago::chat {

// The request as the template sees it: checked, null fields of messages dropped, reasoning under all of its names, and
// tools, documents and add_generation_prompt given even where they are absent. Throws Error kInvalidArgument.
Json prepare_request(const Json& request);

// Continues the final message: marks the end of its text before rendering, and cuts the prompt there.
class Continuation {
 public:
  // Puts the mark into `request`. `field` is the one to continue. Throws Error kInvalidArgument where there is none.
  Continuation(Json& request, const std::string& field, const std::string& source);

  RenderedChat cut(RenderedChat rendered) const;

 private:
  std::string final_text_;
};

}  // namespace imago::chat
