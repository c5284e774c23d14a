#include "imago/cli/line_filter.h"

#include <fmt/core.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <limits>
#include <vector>

#include "imago/base/error.h"

namespace imago::cli {
namespace {

constexpr size_t kBlock = size_t{1} << 20;
constexpr size_t kMaxLine = size_t{1} << 30;

// Appends what there is to read now, at most a block; false at the end. (Not stdio: it would wait for a full block.)
bool read_block(std::string& buffer) {
  const size_t size = buffer.size();
  buffer.resize(size + kBlock);
  ssize_t count = 0;
  do {
    count = ::read(STDIN_FILENO, buffer.data() + size, kBlock);
  } while (count < 0 && errno == EINTR);
  if (count < 0) throw Error(ErrorKind::kIo, "standard input", std::strerror(errno));
  buffer.resize(size + static_cast<size_t>(count));
  return count > 0;
}

void write_all(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) {
    throw Error(ErrorKind::kIo, "standard output", std::strerror(errno));
  }
}

std::vector<std::string_view> split_lines(std::string_view text) {
  std::vector<std::string_view> lines;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

// The lines of one block; `first` is the number of the first.
std::string filter_block(const std::vector<std::string_view>& lines, size_t first,
                         FunctionRef<void(std::string_view, std::string&)> body) {
  std::vector<std::string> outputs(lines.size());
  std::vector<std::exception_ptr> errors(lines.size());
  parallel_for(static_cast<int64_t>(lines.size()), 16, [&](int64_t begin, int64_t end) {
    for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i) {
      try {
        body(lines[i], outputs[i]);
      } catch (...) {
        errors[i] = std::current_exception();
      }
    }
  });
  std::string text;
  for (size_t i = 0; i < lines.size(); ++i) {
    if (errors[i]) {
      write_all(text);
      std::fflush(stdout);
      try {
        std::rethrow_exception(errors[i]);
      } catch (const Error& error) {
        throw Error(error.kind(), fmt::format("line {}", first + i), error.what());
      }
    }
    text += outputs[i];
  }
  return text;
}

void write_blocks(const std::vector<std::string_view>& lines, size_t first, size_t count, LineBlockBody body) {
  for (size_t begin = 0; begin < lines.size();) {
    const size_t end = begin + std::min(count, lines.size() - begin);
    write_all(body({lines.begin() + static_cast<ptrdiff_t>(begin), lines.begin() + static_cast<ptrdiff_t>(end)},
                   first + begin));
    std::fflush(stdout);
    begin = end;
  }
}

}  // namespace

void filter_lines(FunctionRef<void(std::string_view line, std::string& out)> body) {
  filter_line_blocks(std::numeric_limits<size_t>::max(), [&](const std::vector<std::string_view>& lines, size_t first) {
    return filter_block(lines, first, body);
  });
}

void filter_line_blocks(size_t count, LineBlockBody body) {
  std::string buffer;
  size_t searched = 0;  // how much of the buffer is known to hold no end of a line
  size_t line = 1;
  for (bool more = true; more;) {
    if (std::fflush(stdout) != 0) throw Error(ErrorKind::kIo, "standard output", std::strerror(errno));
    more = read_block(buffer);
    const size_t last = std::string_view(buffer).substr(searched).rfind('\n');
    const size_t complete = !more ? buffer.size() : last == std::string_view::npos ? 0 : searched + last + 1;
    const std::vector<std::string_view> lines = split_lines(std::string_view(buffer).substr(0, complete));
    write_blocks(lines, line, count, body);
    line += lines.size();
    buffer.erase(0, complete);
    searched = buffer.size();
    if (searched > kMaxLine) {
      throw Error(ErrorKind::kLimitExceeded, fmt::format("line {}", line), "it is longer than 1 GiB");
    }
  }
  if (std::fflush(stdout) != 0) throw Error(ErrorKind::kIo, "standard output", std::strerror(errno));
}

std::string read_standard_input(size_t max_bytes) {
  std::string text;
  while (read_block(text)) {
    if (text.size() > max_bytes) {
      throw Error(ErrorKind::kLimitExceeded, "standard input", fmt::format("there are more than {} bytes", max_bytes));
    }
  }
  return text;
}

}  // namespace imago::cli
