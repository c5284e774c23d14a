// Commands that turn each line of standard input into one of standard output.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "imago/base/thread_pool.h"  // FunctionRef

namespace imago::cli {

// Calls body(line, out) for every line, several at once, and writes what it appends, in order. A line ends with "\n",
// which is not part of it. Output is written whenever the input pauses, so that another program may wait for each
// answer. Throws Error kInvalidArgument naming the line that body refused, after the output of those before it.
void filter_lines(FunctionRef<void(std::string_view line, std::string& out)> body);

// The same for those that do better with several lines at once: body(lines, first) is called with the lines there are,
// at most `count` of them, of which the first is number `first`, and gives what is to be written.
using LineBlockBody = FunctionRef<std::string(const std::vector<std::string_view>& lines, size_t first)>;
void filter_line_blocks(size_t count, LineBlockBody body);

// All of standard input. Throws Error kIo, or kLimitExceeded beyond `max_bytes`.
std::string read_standard_input(size_t max_bytes);

}  // namespace imago::cli
