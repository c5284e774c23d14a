// Commands that turn each line of standard input into one of standard output.
#pragma once

#include <string>
#include <string_view>

#include "imago/base/thread_pool.h"  // FunctionRef

namespace imago::cli {

// Calls body(line, out) for every line, several at once, and writes what it appends, in order. A line ends with "\n",
// which is not part of it. Output is written whenever the input pauses, so that another program may wait for each
// answer. Throws Error kInvalidArgument naming the line that body refused, after the output of those before it.
void filter_lines(FunctionRef<void(std::string_view line, std::string& out)> body);

// All of standard input. Throws Error kIo, or kLimitExceeded beyond `max_bytes`.
std::string read_standard_input(size_t max_bytes);

}  // namespace imago::cli
