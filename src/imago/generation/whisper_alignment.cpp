#include "imago/generation/whisper_alignment.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

namespace imago {
namespace {

constexpr double kSecondsPerPosition = 0.02;

// A matrix with a row per token and a column per position.
struct Grid {
  int64_t rows = 0, columns = 0;
  std::vector<float> values;

  float& at(int64_t row, int64_t column) { return values[static_cast<size_t>(row * columns + column)]; }
  float at(int64_t row, int64_t column) const { return values[static_cast<size_t>(row * columns + column)]; }
};

// Each column gets mean 0 and deviation 1.
void standardise(Grid& grid) {
  for (int64_t column = 0; column < grid.columns; ++column) {
    double mean = 0, square = 0;
    for (int64_t row = 0; row < grid.rows; ++row) mean += grid.at(row, column) / static_cast<double>(grid.rows);
    for (int64_t row = 0; row < grid.rows; ++row) square += std::pow(grid.at(row, column) - mean, 2);
    const double deviation = std::sqrt(square / static_cast<double>(grid.rows));
    // Of a single token all is 0 / 0, which the search knows how to pass: so it is in the reference.
    for (int64_t row = 0; row < grid.rows; ++row)
      grid.at(row, column) = static_cast<float>((grid.at(row, column) - mean) / deviation);
  }
}

// Along each row, mirrored at its ends. NaN is the largest of all.
void smooth(Grid& grid, int64_t width) {
  const int64_t side = width / 2;
  if (grid.columns <= side) return;
  const auto less = [](float a, float b) { return a < b || (std::isnan(b) && !std::isnan(a)); };
  std::vector<float> row(static_cast<size_t>(grid.columns)), window(static_cast<size_t>(width));
  for (int64_t r = 0; r < grid.rows; ++r) {
    for (int64_t column = 0; column < grid.columns; ++column) {
      for (int64_t i = -side; i <= side; ++i) {
        const int64_t at = std::abs(column + i);
        window[static_cast<size_t>(i + side)] = grid.at(r, at < grid.columns ? at : 2 * (grid.columns - 1) - at);
      }
      std::nth_element(window.begin(), window.begin() + side, window.end(), less);
      row[static_cast<size_t>(column)] = window[static_cast<size_t>(side)];
    }
    std::copy(row.begin(), row.end(), grid.values.begin() + r * grid.columns);
  }
}

enum Step : uint8_t { kBoth, kToken, kPosition };

// The positions at which a way from the first token and position to the last ones comes to each next token.
std::vector<int64_t> first_positions(const Grid& gain) {
  const int64_t rows = gain.rows + 1, columns = gain.columns + 1;
  Grid cost{rows, columns, std::vector<float>(static_cast<size_t>(rows * columns), INFINITY)};
  std::vector<Step> steps(static_cast<size_t>(rows * columns), kPosition);
  cost.at(0, 0) = 0;
  for (int64_t j = 1; j < columns; ++j) {
    for (int64_t i = 1; i < rows; ++i) {
      const float both = cost.at(i - 1, j - 1), token = cost.at(i - 1, j), position = cost.at(i, j - 1);
      const Step step = both < token && both < position ? kBoth : token < both && token < position ? kToken : kPosition;
      const float before = step == kBoth ? both : step == kToken ? token : position;
      cost.at(i, j) = static_cast<float>(static_cast<double>(before) - static_cast<double>(gain.at(i - 1, j - 1)));
      steps[static_cast<size_t>(i * columns + j)] = step;
    }
  }
  std::vector<int64_t> positions(static_cast<size_t>(gain.rows));
  for (int64_t i = rows - 1, j = columns - 1; i > 0 || j > 0;) {
    if (i > 0) positions[static_cast<size_t>(i - 1)] = j - 1;  // the last one written is the first of the token
    const Step step = j == 0 ? kToken : i == 0 ? kPosition : steps[static_cast<size_t>(i * columns + j)];
    if (step != kPosition) --i;
    if (step != kToken) --j;
  }
  return positions;
}

}  // namespace

std::vector<float> token_end_times(const Tensor& attention, int64_t filter_width) {
  const int64_t heads = attention.size(0), tokens = attention.size(1), positions = attention.size(2);
  const std::vector<float> all = attention.to_vector<float>();
  Grid mean{tokens, positions, std::vector<float>(static_cast<size_t>(tokens * positions))};
  for (int64_t head = 0; head < heads; ++head) {
    const auto begin = all.begin() + head * tokens * positions;
    Grid grid{tokens, positions, {begin, begin + tokens * positions}};
    standardise(grid);
    smooth(grid, filter_width);
    for (size_t i = 0; i < grid.values.size(); ++i) mean.values[i] += grid.values[i] / static_cast<float>(heads);
  }
  std::vector<float> times;
  for (const int64_t position : first_positions(mean))
    times.push_back(static_cast<float>(static_cast<double>(position) * kSecondsPerPosition));
  return times;
}

}  // namespace imago
