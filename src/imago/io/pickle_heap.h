// Values that a pickle builds. They refer to each other by number, so that a value that contains itself needs no care.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string_view>
#include <utility>
#include <vector>

#include "imago/base/error.h"

namespace imago {

using PickleId = uint32_t;

struct PickleValue {
  enum class Kind : uint8_t {
    kNone,
    kBool,
    kInt,
    kBigInt,  // beyond 64 bits: its little-endian bytes are in text
    kFloat,   // nothing of a checkpoint depends on one, so its value is not kept
    kString,
    kBytes,
    kTuple,
    kList,
    kDict,    // items are keys and values in turn
    kGlobal,  // number is a place in the closed list of globals
    kStorage,
    kTensor,  // number is a place in the list of storages or tensors
  };

  Kind kind = Kind::kNone;
  int64_t number = 0;
  std::string_view text;  // borrows the pickle
  std::vector<PickleId> items;
};

class PickleHeap {
 public:
  // An opcode of one byte makes a value, so the size of a pickle is no bound. A checkpoint takes about 1.5 KB per
  // tensor.
  static constexpr size_t kMaxBytes = size_t{256} << 20;

  PickleValue& operator[](PickleId id) { return values_[id]; }
  const PickleValue& operator[](PickleId id) const { return values_[id]; }

  PickleId add(PickleValue value) {
    charge(sizeof(PickleValue));
    charge_items(value.items.size());
    values_.push_back(std::move(value));
    return static_cast<PickleId>(values_.size() - 1);
  }
  PickleId add(PickleValue::Kind kind, int64_t number = 0) { return add(PickleValue{kind, number, {}, {}}); }

  // Counts items that an opcode is about to copy towards the limit. Throws Error kLimitExceeded.
  void charge_items(size_t count) { charge(count * sizeof(PickleId)); }

 private:
  void charge(size_t bytes) {
    if (bytes > kMaxBytes - charged_) {
      throw Error(ErrorKind::kLimitExceeded, "pickle", "the pickle builds too many values");
    }
    charged_ += bytes;
  }

  std::deque<PickleValue> values_;  // does not move what it holds, and takes no more than it holds
  size_t charged_ = 0;
};

}  // namespace imago
