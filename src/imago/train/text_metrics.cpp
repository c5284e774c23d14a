#include "imago/train/text_metrics.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <map>

#include "imago/base/error.h"

namespace imago {
namespace {

using Words = std::vector<std::string>;

constexpr int kOrders = 4;  // of BLEU

void expect_pairs(const std::vector<std::string>& predictions, const std::vector<std::string>& references) {
  if (!predictions.empty() && predictions.size() == references.size()) return;
  throw Error(ErrorKind::kInvalidArgument, "metrics",
              fmt::format("{} predictions and {} references", predictions.size(), references.size()),
              "give a reference for each prediction");
}

bool is_space(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

Words split(const std::string& text) {
  Words words;
  for (size_t at = 0; at < text.size();) {
    while (at < text.size() && is_space(text[at])) ++at;
    const size_t start = at;
    while (at < text.size() && !is_space(text[at])) ++at;
    if (at > start) words.push_back(text.substr(start, at - start));
  }
  return words;
}

int64_t edit_distance(const Words& a, const Words& b) {
  std::vector<int64_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = static_cast<int64_t>(j);
  for (size_t i = 1; i <= a.size(); ++i) {
    int64_t diagonal = row[0];
    row[0] = static_cast<int64_t>(i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const int64_t changed = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({changed, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

void replace_all(std::string& text, const std::string& from, const std::string& to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

// A stop or a comma beside something that is no digit stands alone.
std::string part_stops(const std::string& text, bool before) {
  std::string parted;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool stop = text[i] == '.' || text[i] == ',';
    const bool matches = before
                             ? i + 1 < text.size() && !is_digit(text[i]) && (text[i + 1] == '.' || text[i + 1] == ',')
                             : stop && i + 1 < text.size() && !is_digit(text[i + 1]);
    if (!matches) {
      parted += text[i];
      continue;
    }
    parted += before ? fmt::format("{} {} ", text[i], text[i + 1]) : fmt::format(" {} {}", text[i], text[i + 1]);
    ++i;
  }
  return parted;
}

// mteval-v13a's, which sacrebleu takes.
Words tokens_13a(std::string text) {
  replace_all(text, "<skipped>", "");
  replace_all(text, "-\n", "");
  replace_all(text, "\n", " ");
  for (const auto& [from, to] : {std::pair{"&quot;", "\""}, {"&amp;", "&"}, {"&lt;", "<"}, {"&gt;", ">"}}) {
    replace_all(text, from, to);
  }
  std::string spaced;
  for (const char c : " " + text + " ") {
    const bool symbol = (c >= '{' && c <= '~') || (c >= '[' && c <= '`') || (c >= ' ' && c <= '&') ||
                        (c >= '(' && c <= '+') || (c >= ':' && c <= '@') || c == '/';
    spaced += symbol ? fmt::format(" {} ", c) : std::string(1, c);
  }
  spaced = part_stops(part_stops(spaced, true), false);
  std::string parted;
  for (size_t i = 0; i < spaced.size(); ++i) {
    const bool after_digit = spaced[i] == '-' && i > 0 && is_digit(spaced[i - 1]);
    parted += after_digit ? " - " : std::string(1, spaced[i]);
  }
  return split(parted);
}

using Counts = std::map<Words, int64_t>;

Counts count_runs(const Words& words, size_t length) {
  Counts counts;
  for (size_t i = 0; i + length <= words.size(); ++i) {
    ++counts[Words(words.begin() + static_cast<int64_t>(i), words.begin() + static_cast<int64_t>(i + length))];
  }
  return counts;
}

int64_t common(const Counts& a, const Counts& b) {
  int64_t count = 0;
  for (const auto& [words, times] : a) {
    if (const auto found = b.find(words); found != b.end()) count += std::min(times, found->second);
  }
  return count;
}

int64_t total(const Counts& counts) {
  int64_t sum = 0;
  for (const auto& [words, times] : counts) sum += times;
  return sum;
}

Words rouge_tokens(const std::string& text) {
  std::string plain;
  for (const char c : text) {
    const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    plain += (lower >= 'a' && lower <= 'z') || is_digit(lower) ? lower : ' ';
  }
  return split(plain);
}

double f_measure(int64_t both, int64_t predicted, int64_t wanted) {
  if (both == 0) return 0;
  return 2 * static_cast<double>(both) / static_cast<double>(predicted + wanted);
}

int64_t longest_common(const Words& a, const Words& b) {
  std::vector<int64_t> row(b.size() + 1, 0);
  for (const std::string& word : a) {
    int64_t diagonal = 0;
    for (size_t j = 1; j <= b.size(); ++j) {
      const int64_t above = row[j];
      row[j] = word == b[j - 1] ? diagonal + 1 : std::max(row[j], row[j - 1]);
      diagonal = above;
    }
  }
  return row[b.size()];
}

}  // namespace

double exact_match(const std::vector<std::string>& predictions, const std::vector<std::string>& references) {
  expect_pairs(predictions, references);
  int64_t equal = 0;
  for (size_t i = 0; i < predictions.size(); ++i) equal += predictions[i] == references[i] ? 1 : 0;
  return static_cast<double>(equal) / static_cast<double>(predictions.size());
}

double word_error_rate(const std::vector<std::string>& predictions, const std::vector<std::string>& references) {
  expect_pairs(predictions, references);
  int64_t errors = 0, words = 0;
  for (size_t i = 0; i < predictions.size(); ++i) {
    const Words wanted = split(references[i]);
    errors += edit_distance(split(predictions[i]), wanted);
    words += static_cast<int64_t>(wanted.size());
  }
  if (words == 0) throw Error(ErrorKind::kInvalidArgument, "metrics", "the references have no words");
  return static_cast<double>(errors) / static_cast<double>(words);
}

double bleu(const std::vector<std::string>& predictions, const std::vector<std::string>& references) {
  expect_pairs(predictions, references);
  std::array<int64_t, kOrders> correct{}, all{};
  int64_t predicted = 0, wanted = 0;
  for (size_t i = 0; i < predictions.size(); ++i) {
    const Words ours = tokens_13a(predictions[i]), theirs = tokens_13a(references[i]);
    predicted += static_cast<int64_t>(ours.size());
    wanted += static_cast<int64_t>(theirs.size());
    for (size_t order = 0; order < kOrders; ++order) {
      const Counts counts = count_runs(ours, order + 1);
      correct[order] += common(counts, count_runs(theirs, order + 1));
      all[order] += total(counts);
    }
  }
  if (correct[0] == 0) return 0;
  double logarithms = 0, smoothing = 1;
  for (size_t order = 0; order < kOrders; ++order) {
    if (all[order] == 0) return 0;
    double precision = 100.0 * static_cast<double>(correct[order]) / static_cast<double>(all[order]);
    if (correct[order] == 0) {
      smoothing *= 2;
      precision = 100.0 / (smoothing * static_cast<double>(all[order]));
    }
    logarithms += std::log(precision);
  }
  const double penalty =
      predicted < wanted ? std::exp(1 - static_cast<double>(wanted) / static_cast<double>(predicted)) : 1;
  return penalty * std::exp(logarithms / kOrders);
}

RougeScores rouge(const std::vector<std::string>& predictions, const std::vector<std::string>& references) {
  expect_pairs(predictions, references);
  RougeScores sum;
  for (size_t i = 0; i < predictions.size(); ++i) {
    const Words ours = rouge_tokens(predictions[i]), theirs = rouge_tokens(references[i]);
    for (const size_t length : {size_t{1}, size_t{2}}) {
      const Counts a = count_runs(ours, length), b = count_runs(theirs, length);
      (length == 1 ? sum.rouge1 : sum.rouge2) += f_measure(common(a, b), total(a), total(b));
    }
    sum.rougeL +=
        f_measure(longest_common(ours, theirs), static_cast<int64_t>(ours.size()), static_cast<int64_t>(theirs.size()));
  }
  const auto count = static_cast<double>(predictions.size());
  return {sum.rouge1 / count, sum.rouge2 / count, sum.rougeL / count};
}

}  // namespace imago
