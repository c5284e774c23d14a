// The languages that Whisper knows, by their codes and English names.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace imago {

// "en" is "english"; nothing for a code that is none.
std::optional<std::string> whisper_language(std::string_view code);
// The code of a name ("english", "castilian") or of a code itself; nothing for what is neither.
std::optional<std::string> whisper_language_code(std::string_view name);

}  // namespace imago
