// Measures one tokenizer on one text, with one thread.
//   tokenizers_bench TOKENIZER_JSON TEXT_FILE    loading, and MiB/s of encode_ids, encode and decode of its paragraphs
//   tokenizers_bench TOKENIZER_JSON --linear     how time grows when a text without a break doubles
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <functional>
#include <string>
#include <vector>

#include "imago/base/file.h"
#include "imago/tokenizers/tokenizer.h"

namespace {

// Processor time, and the best of several runs: what the machine does when nothing else disturbs it.
double best_seconds(int runs, const std::function<void()>& body) {
  double best = 1e30;
  for (int run = 0; run < runs; ++run) {
    const std::clock_t start = std::clock();
    body();
    best = std::min(best, static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC);
  }
  return best;
}

// Paragraphs of about a kilobyte: the lines of the file, joined until they are long enough.
std::vector<std::string> documents(const std::string& text) {
  std::vector<std::string> parts(1);
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size() - 1) + 1;
    parts.back().append(text, at, end - at);
    at = end;
    if (parts.back().size() > 1000) parts.emplace_back();
  }
  return parts;
}

void measure(const imago::Tokenizer& tokenizer, const std::string& text) {
  const std::vector<std::string> parts = documents(text);
  const double mib = static_cast<double>(text.size()) / (1 << 20);
  size_t tokens = 0;
  const double ids = best_seconds(21, [&] {
    tokens = 0;
    for (const std::string& part : parts) tokens += tokenizer.encode_ids(part).size();
  });
  const double full = best_seconds(7, [&] {
    for (const std::string& part : parts) tokenizer.encode(part);
  });
  std::vector<std::vector<int32_t>> encoded;
  for (const std::string& part : parts) encoded.push_back(tokenizer.encode_ids(part));
  const double decode = best_seconds(7, [&] {
    for (const std::vector<int32_t>& part : encoded) tokenizer.decode(part);
  });
  std::printf(
      "{\"mib\": %.2f, \"tokens\": %zu, \"encode_ids_mib_s\": %.2f, \"encode_mib_s\": %.2f, \"decode_mib_s\": %.2f}\n",
      mib, tokens, mib / ids, mib / full, mib / decode);
}

void measure_growth(const imago::Tokenizer& tokenizer) {
  struct Case {
    const char* name;
    std::string unit;
  };
  const std::vector<Case> cases = {{"a", "a"},
                                   {"space", " "},
                                   {"newline", "\n"},
                                   {"digit", "7"},
                                   {"letters", "thequickbrownfoxjumpsoverthelazydog"},
                                   {"han", "\u4e2d\u6587"},
                                   {"emoji", "\U0001F600"},
                                   {"punctuation", "!?"},
                                   {"tab space", "\t "},
                                   {"mark", "\u0301"},
                                   {"apostrophe", "'"}};
  for (const Case& each : cases) {
    std::string one, two;
    while (one.size() < size_t{1} << 20) one += each.unit;
    two = one + one;
    // In turn, so that what disturbs the machine disturbs both.
    double seconds_one = 1e30, seconds_two = 1e30;
    for (int run = 0; run < 21; ++run) {
      seconds_one = std::min(seconds_one, best_seconds(1, [&] { tokenizer.encode_ids(one); }));
      seconds_two = std::min(seconds_two, best_seconds(1, [&] { tokenizer.encode_ids(two); }));
    }
    std::printf("%-12s 1 MiB %7.1f ms   2 MiB %7.1f ms   x%.2f\n", each.name, seconds_one * 1e3, seconds_two * 1e3,
                seconds_two / seconds_one);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: tokenizers_bench TOKENIZER_JSON TEXT_FILE|--linear\n");
    return 2;
  }
  const std::string path = argv[1];
  const double load = best_seconds(11, [&] { imago::Tokenizer::from_file(path); });
  std::printf("{\"load_ms\": %.1f}\n", load * 1e3);
  const auto tokenizer = imago::Tokenizer::from_file(path);
  if (std::string(argv[2]) == "--linear") {
    measure_growth(tokenizer);
  } else {
    measure(tokenizer, imago::read_file(argv[2]));
  }
  return 0;
}
