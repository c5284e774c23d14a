// Lines on stderr, and one status line below them that they push along. Logging and progress bars share it, so that
// neither cuts through the other; a logging library of its own would write over the bar.
#pragma once

#include <string_view>

namespace imago {

bool stderr_is_terminal();
int stderr_columns();  // 80 where it cannot be known

// Writes text and a line end as one piece, from any thread.
void write_stderr_line(std::string_view text);

// Shows text as the last line, in place of the one shown before; empty text removes it. For terminals only.
void set_stderr_status(std::string_view text);

}  // namespace imago
