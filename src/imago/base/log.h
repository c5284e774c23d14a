// Messages for people, on stderr.
#pragma once

#include <string_view>

namespace imago {

enum class LogLevel { kDebug, kInfo, kWarning, kError, kOff };

// What is written: messages of this level and above. At first what IMAGO_LOG says (debug, info, warning, error or off),
// else warnings.
LogLevel log_level();
void set_log_level(LogLevel level);

// Throws Error kInvalidArgument for another name than those above.
LogLevel parse_log_level(std::string_view name);

// "warning: the tokenizer has no padding token". Safe to call from any thread. Where the text costs something to make,
// ask log_level() first.
void log_debug(std::string_view message);
void log_info(std::string_view message);
void log_warning(std::string_view message);
void log_error(std::string_view message);

}  // namespace imago
