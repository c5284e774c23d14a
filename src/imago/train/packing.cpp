#include "imago/train/packing.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <numeric>

#include "imago/base/error.h"
#include "imago/nn/losses.h"

namespace imago {
namespace {

using Row = std::vector<size_t>;  // indices of examples

std::vector<Row> best_fit(const std::vector<int64_t>& lengths, int64_t max_length) {
  std::vector<size_t> order(lengths.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return lengths[a] > lengths[b]; });
  std::vector<Row> rows;
  std::multimap<int64_t, size_t> by_room;  // rows, by the tokens that still fit
  for (const size_t example : order) {
    const auto fullest = by_room.lower_bound(lengths[example]);
    size_t row = rows.size();
    int64_t room = max_length;
    if (fullest == by_room.end()) {
      rows.emplace_back();
    } else {
      std::tie(room, row) = *fullest;
      by_room.erase(fullest);
    }
    rows[row].push_back(example);
    by_room.emplace(room - lengths[example], row);
  }
  return rows;
}

void append(std::vector<int64_t>& all, const std::vector<int64_t>& more) {
  all.insert(all.end(), more.begin(), more.end());
}

}  // namespace

std::vector<TensorMap> pack_examples(const std::vector<TensorMap>& examples, int64_t max_length) {
  std::vector<int64_t> lengths;
  for (const TensorMap& example : examples) {
    lengths.push_back(example.at("input_ids").size(0));
    if (lengths.back() > max_length) {
      throw Error(ErrorKind::kInvalidArgument, "packing",
                  fmt::format("an example has {} tokens, a row {}", lengths.back(), max_length),
                  "cut examples to max_length");
    }
  }
  std::vector<TensorMap> packed;
  for (const Row& row : best_fit(lengths, max_length)) {
    std::vector<int64_t> ids, labels, positions, sequences;
    for (size_t i = 0; i < row.size(); ++i) {
      const TensorMap& example = examples[row[i]];
      append(ids, example.at("input_ids").to_vector<int64_t>());
      std::vector<int64_t> own = example.at("labels").to_vector<int64_t>();
      own[0] = nn::kIgnoredLabel;
      append(labels, own);
      std::vector<int64_t> places(own.size());
      std::iota(places.begin(), places.end(), int64_t{0});
      append(positions, places);
      append(sequences, std::vector<int64_t>(own.size(), static_cast<int64_t>(i)));
    }
    packed.push_back({{"input_ids", Tensor::from(ids)},
                      {"labels", Tensor::from(labels)},
                      {"position_ids", Tensor::from(positions)},
                      {"sequence_ids", Tensor::from(sequences)}});
  }
  return packed;
}

DataCollator data_collator_for_packed_rows(int64_t pad_token_id) {
  return [pad = data_collator_with_padding({.pad_token_id = pad_token_id})](std::span<const TensorMap> examples) {
    TensorMap batch = pad(examples);
    batch.erase("attention_mask");  // padding stands behind all tokens, and is a sequence of its own
    return batch;
  };
}

}  // namespace imago
