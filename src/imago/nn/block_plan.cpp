#include <algorithm>
#include <random>

#include "imago/base/error.h"
#include "imago/nn/block_sparse_attention.h"

namespace imago::nn {
namespace {

// numpy.random.RandomState's permutation.
std::vector<int64_t> permuted(std::mt19937& random, std::vector<int64_t> values) {
  for (size_t i = values.size(); i-- > 1;) {
    uint32_t mask = static_cast<uint32_t>(i), drawn = 0;
    for (const int shift : {1, 2, 4, 8, 16}) mask |= mask >> shift;
    do {
      drawn = static_cast<uint32_t>(random()) & mask;
    } while (drawn > i);
    std::swap(values[i], values[drawn]);
  }
  return values;
}

std::vector<int64_t> range(int64_t begin, int64_t end) {
  std::vector<int64_t> values;
  for (int64_t i = begin; i < end; ++i) values.push_back(i);
  return values;
}

class Plan {
 public:
  explicit Plan(const BlockPlanOptions& o)
      : o_(o), random_(o.seed), rows_(static_cast<size_t>(o.heads * o.blocks * o.drawn)) {}

  // All are drawn from the first 2 R + 5 blocks: by those first, then by the others.
  std::vector<int64_t> of_the_beginning() {
    const int64_t end = 2 * o_.drawn + 5;
    for (int64_t block = 1; block < o_.blocks && o_.drawn > 0; ++block) {
      for (int64_t head = 0; head < o_.heads; ++head) keep(head, block, others(block, end));
    }
    return between_the_ends();
  }

  // The plans of the paper's lengths, head by head; they are drawn for the longest text and cut.
  std::vector<int64_t> of_the_paper() {
    const int64_t blocks = o_.positions / o_.block_size;
    const std::vector<int64_t> middle = range(1, blocks - 1);
    int64_t last = blocks - 1;
    if (1024 > 2 * o_.block_size) last = 1024 / o_.block_size - 1;
    const auto part = [&](int64_t begin, int64_t end) {
      const auto size = std::ssize(middle);
      const auto place = [&](int64_t i) { return middle.begin() + std::clamp<int64_t>(i < 0 ? i + size : i, 0, size); };
      return place(begin) < place(end) ? std::vector<int64_t>(place(begin), place(end)) : std::vector<int64_t>();
    };
    for (int64_t head = 0; head < o_.heads; ++head) {
      for (int64_t i = 1; i < blocks - 1; ++i) {
        int64_t start = i - 2;
        std::vector<int64_t> allowed;
        if (i == 1) {
          allowed = part(2, last);
        } else if (i == 2) {
          allowed = part(3, last);
        } else if (i >= blocks - 3) {
          allowed = part(0, last);
        } else if (start > last || i + 1 == last) {
          allowed = part(0, std::min(start, last));
        } else {
          allowed = part(0, start);
          const std::vector<int64_t> behind = part(i + 1, last);
          allowed.insert(allowed.end(), behind.begin(), behind.end());
        }
        const std::vector<int64_t> order = permuted(random_, allowed);
        if (i < o_.blocks - 1) keep(head, i, order);
      }
    }
    return between_the_ends();
  }

 private:
  void keep(int64_t head, int64_t block, const std::vector<int64_t>& order) {
    if (std::ssize(order) < o_.drawn) {
      throw Error(ErrorKind::kInvalidArgument, "block sparse attention",
                  "a block has fewer others to choose from than num_random_blocks");
    }
    std::copy_n(order.begin(), o_.drawn, rows_.begin() + (head * o_.blocks + block) * o_.drawn);
  }

  // Of the first `end` blocks those that a block does not see anyway, in an order that is drawn.
  std::vector<int64_t> others(int64_t block, int64_t end) {
    std::vector<int64_t> order;
    for (const int64_t each : permuted(random_, range(0, end))) {
      const bool near = each >= block - 1 && each <= block + 1, at_end = each == 0 || each == end - 1;
      const bool of_second = (block == 1 && each == end - 2) || (block == end - 2 && each == 1);
      if (!near && !at_end && !of_second) order.push_back(each);
    }
    return order;
  }

  std::vector<int64_t> between_the_ends() const {
    std::vector<int64_t> rows;
    for (int64_t head = 0; head < o_.heads; ++head) {
      const auto begin = rows_.begin() + (head * o_.blocks + 1) * o_.drawn;
      rows.insert(rows.end(), begin, begin + (o_.blocks - 2) * o_.drawn);
    }
    return rows;
  }

  const BlockPlanOptions& o_;
  std::mt19937 random_;
  std::vector<int64_t> rows_;  // [H, N, R]
};

}  // namespace

std::vector<int64_t> draw_blocks(const BlockPlanOptions& o) {
  const int64_t tokens = o.blocks * o.block_size;
  const bool of_the_paper = tokens == 1024 || tokens == 3072 || tokens == 4096;
  Plan plan(o);
  return of_the_paper ? plan.of_the_paper() : plan.of_the_beginning();
}

}  // namespace imago::nn
